"""Extreme numbers at every place of a suite that takes one: refused by the plan, or trained like any other."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import dataclasses
import resource
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.prepared import SUITE
from tests.faults.suites import FILE, refusals
from tests.faults.throws import INTERNAL, LINES, LOST, OTHER, SAME, TRACEBACK, Throw, command

EXPECTED = "refused in a line by the plan, or trained, with tables and a page"
SECONDS = 60
LONGEST_RUN = 20  # seconds by the plan's own guess; longer ones are planned alone
MEMORY = 6 << 30  # bytes that a throw may take
NUMBERS = (
    "1e308", "-1e308", "1.7976931348623157e308", "-0.0", "0", "1e-320", "5e-324", ".nan", ".inf", "-.inf", "2147483648", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "1" + "0" * 400, "true", "'1_000'", "1_000", "0x10", "'0x10'", "1+2j", "1e22", "'nan'", "'inf'",
    "9007199254740993", "1.0000000000000002", "0.9999999999999999", "-1", "1e-5", "1e19", "1e38", "3.5e38", "1e154", "-1e-320", "null", "1.",
)  # fmt: skip
OF_PARAMETERS = (
    "1e308",
    "-1e308",
    "-0.0",
    "1e-320",
    ".nan",
    ".inf",
    "2147483648",
    "9223372036854775808",
    "1e22",
    "1e38",
    "1e154",
    "3.5e38",
    "true",
)
PLACES: dict[str, str] = {
    "seeds": "seeds: {}", "a seed": "seeds: [{}]", "steps": "steps: {}", "batch": "batch: {}", "log_every": "log_every: {}",
    "evaluate.every": "evaluate: {{every: {}, samples: 100}}", "evaluate.samples": "evaluate: {{samples: {}}}",
    "a metric's every": "evaluate: {{samples: 100, metrics: [{{fid: {{every: {}}}}}]}}",
    "n_critic": "training: {{n_critic: {}}}", "n_generator": "training: {{n_generator: {}}}", "ema": "training: {{ema: {}}}",
    "stop.collapsed": "stop: {{collapsed: {}}}", "cpus": "resources: {{cpus: {}}}", "timeout": "resources: {{timeout: {}}}",
    "gpus": "resources: {{gpus: {}}}",
    "search.trials": "search: {{trials: {}, metric: fid, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    "search.seed": "search: {{trials: 2, seed: {}, metric: fid, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    **{f"the {end} end of a search's {kind} range of {what}":
       "search: {{trials: 2, metric: fid, space: {{" + f"{what}: {{{{{kind}: [{ends}]}}}}" + "}}}}"
       for what, kind in (("optimizer.lr", "uniform"), ("optimizer.lr", "log_uniform"), ("batch", "int"), ("training.n_critic", "int"),
                          ("training.ema", "uniform"), ("network.width", "int"))
       for end, ends in (("lower", "{}, 64"), ("upper", "1, {}"))},
    "a search's choice of lr": "search: {{trials: 2, metric: fid, space: {{optimizer.lr: {{choice: [0.001, {}]}}}}}}",
    "a search's choice of batch": "search: {{trials: 2, metric: fid, space: {{batch: {{choice: [16, {}]}}}}}}",
    "vary.settings": "vary: {{settings: {}, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    "vary.seed": "vary: {{settings: 2, seed: {}, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    "the lower end of vary's range": "vary: {{settings: 2, space: {{optimizer.lr: {{uniform: [{}, 0.1]}}}}}}",
    "the upper end of vary's range": "vary: {{settings: 2, space: {{optimizer.lr: {{uniform: [0.0001, {}]}}}}}}",
    "the upper end of vary's logarithmic range": "vary: {{settings: 2, space: {{optimizer.lr: {{log_uniform: [0.0001, {}]}}}}}}",
    "vary's choice": "vary: {{settings: 2, space: {{optimizer.lr: {{choice: [0.001, {}]}}}}}}",
    "vary's choice of n_critic": "vary: {{settings: 2, space: {{training.n_critic: {{choice: [1, {}]}}}}}}",
    "confirm.top": "vary: {{settings: 2, confirm: {{top: {}, seeds: 2}}, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    "confirm.seeds": "vary: {{settings: 2, confirm: {{seeds: {}}}, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}",
    "an included block's steps": "include: [{{datasets: [ring], losses: [minimax], steps: {}}}]",
}  # fmt: skip
AXES = {"trick": "tricks", "loss": "losses", "network": "networks", "optimizer": "optimizers", "dataset": "datasets"}


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    parameters = dict(_parameters())
    for place, line in {**PLACES, **parameters}.items():
        for number in OF_PARAMETERS if place in parameters else NUMBERS:
            short = number if len(number) < 40 else f"10^{len(number) - 1}"
            yield Throw("extreme numbers", f"extreme: {place} is {short}", EXPECTED, _thrown(line, number), SECONDS)


def _parameters() -> Iterator[tuple[str, str]]:
    """Yield place and line of every number among the parameters of what a suite on vectors can name."""
    from ganbench.core import registry

    for kind in (*AXES, "metric", "diagnostic"):
        for name, cls in registry.components(kind).items():
            if (
                not cls.__module__.startswith("ganbench.")
                or "images" in cls.traits
                or (kind == "dataset" and _downloads(cls))
            ):
                continue
            hints = typing.get_type_hints(cls, include_extras=True)
            for field in dataclasses.fields(cls):
                if "int" in str(hints[field.name]) or "float" in str(hints[field.name]):
                    choice = f"{{{{{name}: {{{{{field.name}: {{}}}}}}}}}}"
                    if "tuple" in str(hints[field.name]):
                        choice = f"{{{{{name}: {{{{{field.name}: [{{}}, 0.5]}}}}}}}}"
                    line = f"{AXES[kind]}: [{choice}]" if kind in AXES else f"diagnostics: [{choice}]"
                    if kind == "metric":
                        line = f"evaluate: {{{{every: 10, samples: 100, metrics: [{choice}]}}}}"
                    yield f"{kind} {name}.{field.name}", line


def _downloads(cls: type) -> bool:
    return (
        "require_files" in dir(cls)
        and cls.require_files is not __import__("ganbench.datasets", fromlist=["x"]).Dataset.require_files
    )


def _thrown(line: str, number: str) -> Callable[[], str]:
    def run() -> str:
        from ganbench.suite.estimate import plan_seconds
        from tests.faults.prepared import plan

        key = line.split(":")[0]
        kept = "\n".join(one for one in SUITE.strip().split("\n") if not one.startswith(f"{key}:"))
        text = kept.replace("[non_saturating, hinge]", "[hinge]").replace("name: small", "name: thrown")
        Path(FILE).write_text(f"{text}\n{line.format(number)}\n")
        said = command("plan", FILE)
        if said.code:
            return refusals(said)
        if said.err:
            return f"{LINES}: {said.err.strip()[:200]}"
        seconds = plan_seconds(plan(FILE), 1)
        if seconds > LONGEST_RUN + 8:
            return f"{OTHER}: accepted, {seconds:.3g} s" if seconds > 86400 * 365 else SAME
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        return _trained()

    return run


def _trained() -> str:
    for words in (("run", FILE, "--executor", "local"), ("report", "results/thrown")):
        said = command(*words)
        if "Traceback" in said.err:
            return f"{TRACEBACK}: {words[0]}: {said.err.strip()[-250:]}"
        if "Warning" in said.err:
            return f"{LINES}: {words[0]}: {said.err.strip()[-250:]}"
        if said.code == 5:
            return f"{INTERNAL}: {words[0]}: {said.err.strip()[-250:]}"
        if words[0] == "run" and said.code == 2:
            return f"{LOST}: only the run refused it: {said.err.strip()[-250:]}"
        if said.code == 4:
            return f"{LOST}: a trial died: {said.err.strip()[:250]}"
        if said.code:
            return f"{LOST} ({said.code}): {words[0]}: {said.err.strip()[-250:]}"
    return SAME

"""Plugins that are broken: what they declare, what they raise and where, with every command and with a run after it."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.prepared import SUITE
from tests.faults.throws import INTERNAL, LINES, LOST, NOTICED, OTHER, SAME, TRACEBACK, Said, Throw, command, refusal

IDLE = "every command does as without it, but for one warning that names it; or the plugin is listed and explained"
USED = "refused in one line, or a FAILED trial that names it; the others finish"
SECONDS = 60
TEMPLATE = '''
import os, sys, math, asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal
from annotated_types import Ge, Gt
import torch
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.{module} import {base}

class Unspeakable(Exception):
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __str__

def throws(what):
    raise what

@dataclass(frozen=True)
class Bad({base}):
    """A plugin."""
    name = "bad"
{usual}
{more}
'''
# What a plugin of each kind needs to work.
KINDS: dict[str, tuple[str, str, str]] = {
    "loss": ("losses", "Loss", """
    optimum = 0.0
    def discriminator(self, real, fake, targets=None): return fake.mean(-1) - real.mean(-1)
    def generator(self, fake, real=None): return -fake.mean(-1)
"""),
    "trick": ("tricks", "Trick", """
    def penalty(self, view): return 0.1 * view(view.real).square().mean(-1)
"""),
    "network": ("networks.mlp", "Mlp", ""),
    "optimizer": ("optimizers.adam", "Adam", ""),
    "dataset": ("datasets.ring", "Ring", ""),
    "metric": ("metrics", "Metric", """
    columns = (Column("bad", "a number"),)
    def compute(self, fake, real, weights): return {"bad": fake.features.mean((-1, -2))}
"""),
    "diagnostic": ("diagnostics", "Diagnostic", """
    columns = (Column("bad", "a number"),)
    def observe(self, step): return {"bad": step.d.loss}
"""),
    "extractor": ("extractors.coordinates", "Coordinates", ""),
}  # fmt: skip
AXES = {"loss": "losses", "trick": "tricks", "network": "networks", "optimizer": "optimizers", "dataset": "datasets"}
TEXTS = ("3", "None", "['a']", "b'x'", "'\\udcff'", "'\\x1b[31m<b>\\n'", "'x' * 10**6", "object()")
TUPLES = ("3", "None", "'images'", "(3,)", "{'images': 1}", "('\\udcff',)", "(i for i in 'ab')", "((),)")
MAPPINGS = ("3", "None", "['images']", "{1: 'x'}", "{'images': 1}", "{'images': '\\udcff'}", "object()")
DECLARED: dict[str, tuple[str, ...]] = {
    "name": ("3", "None", "''", "'a b'", "'<b>'", "'\\udcff'", "'hinge'", "'mlp'", "'none'", "'x' * 300", "'lambda'", "b'bad'", "'é'"),
    "aliases": (*TUPLES, "('hinge',)", "('A B',)", "('bad', 'bad')"),
    "version": ("'1'", "None", "1.5", "True", "-1", "math.nan", "10**400", "[1]"),
    "group": TEXTS, "source": TEXTS, "addresses": TEXTS, "__doc__": TEXTS,
    "traits": TUPLES, "conflicts": MAPPINGS, "requires": MAPPINGS,
    "strength": ("3", "None", "'nosuch'", "'\\udcff'"), "strongest": ("'x'", "None", "math.nan", "-1.0"),
    "lanes": ("3", "None", "'gamma'", "('nosuch',)", "(1,)"), "source_hash": ("3", "None", "'\\udcff'"),
    "kind": ("'nosuch'", "3", "'trick'"), "__slots__": ("3",),
}  # fmt: skip
OF_A_KIND: dict[str, dict[str, tuple[str, ...]]] = {
    "trick": {"cost": ("'x'", "None", "math.nan", "-1.0", "1e308"), "cost_per": MAPPINGS, "requires_real": ("3",)},
    "metric": {"columns": ("3", "None", "()", "('fid',)", "[Column('bad', 'x')]", "(Column('fid', 'x'),)", "(Column('seed', 'x'),)",
                           "(Column(3, 'x'),)", "(Column('bad', 'x'), Column('bad', 'y'))", "(Column('bad', 3),)", "(Column('\\udcff', 'x'),)",
                           "(Column('bad', 'x', dtype='nosuch'),)", "(Column('bad', 'x', direction='up'),)",
                           "(Column('bad', 'x', leading='1'),)"),
               "requires_fields": ("3", "'training'", "('nosuch',)")},
    "diagnostic": {"columns": ("3", "None", "('fid',)", "(Column('d_loss', 'x'),)"), "layer_columns": ("3", "('x',)")},
    "dataset": {"default_extractor": ("3", "'nosuch'", "None")},
    "network": {"convolutions": ("'x'", "None"), "compiles": ("'x'",)},
    "loss": {"optimum": ("'x'", "None", "math.nan"), "zero_sum": ("'no'",)},
}  # fmt: skip
FIELDS = (
    "x: Nowhere = 3", "x: 'no python(' = 3", "x: object = 3", "x: Any = 3", "x: torch.Tensor = None", "x: type = int", "x: float = 'text'",
    "x: float = math.nan", "x: float = math.inf", "x: int = 10**400", "x: int = 1.5", "x: float = None", "x: Annotated[float, Gt(0)] = -1.0",
    "x: dict = field(default_factory=dict)", "x: Literal['a'] = 'b'", "x: 'Bad' = None", "x: complex = 1j", "x: bytes = b'x'",
    "x: str = '\\udcff'", "x: str = '<b>'", "x: tuple = ()", "x: tuple[float, ...] = [1.0]", "x: tuple[float, ...] = (1.0,)", "x: float",
    "x: bool = 1", "x: float | None = None", "x: Annotated[float, 'words'] = 1.0", "x: Annotated[float, object()] = 1.0", "name: str = 'bad'",
    "kind: str = 'loss'", "label: float = 1.0", "version: int = 2", "parameters: float = 1.0", "self: float = 1.0", "model_config: float = 1.0",
    "class_: float = 1.0", "_private: float = 1.0", "é: float = 1.0", "schema: float = 1.0", "copy: float = 1.0", "json: float = 1.0",
    "x: int = True", "x: frozenset[int] = frozenset()", "x: str = 'x' * 10**6",
)  # fmt: skip
RAISED = (
    "ValueError('broken')", "SystemExit(3)", "SystemExit('words')", "KeyboardInterrupt()", "GeneratorExit()", "MemoryError()", "StopIteration()",
    "RecursionError()", "OSError(28, 'No space left on device')", "BrokenPipeError()", "asyncio.CancelledError()", "Unspeakable()",
    "ValueError('\\udcff\\x1b[31m\\n\\n<b>' + 'x' * 10**6)", "BaseException()", "BaseExceptionGroup('several', [SystemExit(3)])",
    "UsageError('wrong\\nlines')", "KeyError()", "AssertionError", "Warning('x')", "ModuleNotFoundError('no', name='ray')", "FileNotFoundError(2, 'x', 'y')",
)  # fmt: skip
AT_IMPORT = (
    "raise {}", "__getattr__ = lambda name: throws({})\ndel Bad", "class Meta(type(Bad)):\n    def __getattribute__(cls, name): throws({})\nBad = Meta('Bad', (), {{}})",
    "Bad.__init__ = lambda *_, **__: throws({})", "Bad.__post_init__ = lambda _: throws({})\nBad.__init__ = lambda self: throws({})",
    "Bad.summary = classmethod(lambda cls: throws({}))", "Bad.parameter_traits = lambda self: throws({})", "Bad.label = property(lambda self: throws({}))",
    "Bad.revision = classmethod(lambda cls: throws({}))", "Bad.all_traits = property(lambda self: throws({}))", "Bad.__hash__ = lambda self: throws({})",
    "Bad.__eq__ = lambda self, other: throws({})", "Bad.__repr__ = lambda self: throws({})", "Bad.__del__ = lambda self: throws({})",
    "Bad.parameters = property(lambda self: throws({}))", "Bad.skip = lambda self, trial: throws({})",
)  # fmt: skip
VALUES_OF_ENTRIES = ("", ":", "nosuch", "nosuch:x", "bad_plugin", "bad_plugin:", "bad_plugin:Bad.x", "bad_plugin:3", "../bad_plugin:Bad", "os:system",
                     "sys:exit", "builtins:object", "ganbench.losses:Loss", "ganbench.losses.hinge:Hinge", "ganbench.losses.hinge", "antigravity_x",
                     "\udcff:Bad", "bad_plugin:Bad [extra]", "a b:c", "x" * 1000 + ":y", "this", "ganbench.cli.main:main", "ganbench", "__main__:x")  # fmt: skip
NAMES_OF_ENTRIES = ("", "<b>", "\udcff", "x" * 10_000, "a\nb", "\x1b[31m", "hinge")
# Hooks of each kind that training calls.
HOOKS = {
    "loss": ("discriminator", "generator", "stateful_discriminator", "midpoint"),
    "trick": ("penalty", "targets", "network", "shape", "latent", "inputs", "weights", "step_cost", "rule", "hooks"),
    "network": ("generator", "trunk", "head", "products"), "optimizer": ("build", "rate"),
    "dataset": ("shape", "modes", "load", "prepare", "require_files", "extractor_name", "preparation", "dequantization_width"),
    "metric": ("compute",), "diagnostic": ("observe", "layers", "schedule"),
}  # fmt: skip
PROPERTIES = {
    "hooks",
    "midpoint",
    "step_cost",
    "shape",
    "modes",
    "extractor_name",
    "preparation",
    "dequantization_width",
}
ANYWHERE = (
    "__init__",
    "__post_init__",
    "skip",
    "parameter_traits",
    "label",
    "parameters",
    "__eq__",
    "__hash__",
    "__repr__",
    "__del__",
)
RETURNED = ("None", "3", "'x'", "math.nan", "torch.zeros(0)", "torch.full((2, 3, 4), math.nan)", "torch.tensor(1j)", "{}", "{'bad': None}",
            "{'other': torch.zeros(2)}", "object()", "[]", "-1", "10**400", "(None, None)")  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for kind in KINDS:
        declared = {**(DECLARED if kind in ("loss", "metric") else {}), **OF_A_KIND.get(kind, {})}
        for name, values in declared.items():
            for value in values:
                yield _idle(f"a {kind} whose {name} is {_short(value)}", _source(kind, f"    {name} = {value}"))
    for text in FIELDS:
        yield _idle(f"a trick with the parameter {_short(text)}", _source("trick", f"    {text}"))
    for place in AT_IMPORT:
        for error in RAISED[:: 1 if place == AT_IMPORT[0] else 5]:
            text = f"{_source('loss')}\n{place.format(error, error)}\n"
            yield _idle(f"{_short(place)} of {_short(error)}", text)
    for value in VALUES_OF_ENTRIES:
        yield _idle(f"an entry point of the value {_short(value)!r}", _source("loss"), value=value)
    for name in NAMES_OF_ENTRIES:
        yield _idle(f"an entry point of the name {_short(name)!r}", "raise ValueError('x')", name=name)
    for kind, hooks in HOOKS.items():
        for hook in (*hooks, *ANYWHERE):
            for i, error in enumerate(RAISED):
                if (i + len(hook) + len(kind)) % 4 == 0:
                    yield _used(kind, hook, f"throws({error})", f"a {kind} whose {hook} raises {_short(error)}")
        for hook in hooks:
            for value in RETURNED:
                yield _used(kind, hook, value, f"a {kind} whose {hook} is {_short(value)}")


def _short(text: str) -> str:
    text = text.encode("unicode_escape").decode()
    return text if len(text) < 90 else f"{text[:60]}… {len(text)}"


def _source(kind: str, more: str = "") -> str:
    module, base, usual = KINDS[kind]
    return TEMPLATE.format(module=module, base=base, usual=usual, more=more)


def _idle(what: str, source: str, name: str = "mine", value: str = "bad_plugin:Bad") -> Throw:
    return Throw("plugins that no suite names", f"plugin: {what}", IDLE, _unused(source, name, value), SECONDS)


def _used(kind: str, hook: str, value: str, what: str) -> Throw:
    made = f"    @property\n    def {hook}(self): return {value}"
    if hook not in PROPERTIES and hook not in ("label", "parameters"):
        made = f"    def {hook}(self, *_, **__): return {value}"
    return Throw("plugins that a suite names", f"plugin: {what}", USED, _trained(kind, _source(kind, made)), SECONDS)


def install(source: str, name: str = "mine", value: str = "bad_plugin:Bad") -> None:
    """Let an entry point of this process name a class in a file `bad_plugin.py`."""
    from ganbench.core import registry

    Path("plugins").mkdir(exist_ok=True)
    Path("plugins/bad_plugin.py").write_text(source, encoding="utf-8", errors="surrogateescape")
    sys.path.insert(0, str(Path("plugins").absolute()))
    point, others = (
        importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP),
        importlib.metadata.entry_points,
    )
    importlib.metadata.entry_points = lambda **wanted: (
        [point] if wanted.get("group") == registry.ENTRY_POINT_GROUP else others(**wanted)
    )  # type: ignore[assignment]
    registry._all_components.cache_clear()


COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("list", "collapse"),
    ("explain", "hinge"),
    ("schema",),
    ("plan", "small.yaml"),
)


def _unused(source: str, name: str, value: str) -> Callable[[], str]:
    def run() -> str:
        install(source, name, value)
        left_out = False
        for words in (*COMMANDS, *(("list", plural) for plural in ("losses", "tricks", "metrics"))):
            said = command(*words)
            if bad := _warned(said, words):
                return bad
            left_out |= "is left out" in said.err
        listed = command("list", "--json")
        if "a plugin" in listed.out.lower() and left_out:
            return f"{OTHER}: left out and listed"
        said = command("run", "small.yaml", "--executor", "local", "--set", "description=again")
        if said.code or (bad := _warned(said, ("run",))):
            return f"{LOST}: {said.err[-200:]}"
        return NOTICED if left_out else SAME

    return run


def _warned(said: Said, words: tuple[str, ...]) -> str:
    """Return what is wrong with what a command said beside a plugin that it has no use for; nothing if nothing is."""
    lines = said.err.strip().splitlines()
    if "Traceback" in said.err:
        return f"{TRACEBACK}: {words}: {said.err[-200:]}"
    if said.code:
        kind = INTERNAL if said.code == 5 else LOST
        return f"{kind} ({said.code}): {words}: {said.err.strip()[-200:]}"
    if words[0] != "run" and (
        len(lines) > 2
        or len(said.err) > 1000
        or any("is left out" not in one and "which is ignored" not in one for one in lines)
    ):
        return f"{LINES}: {words}: {said.err.strip()[:250]}"
    return ""


def _trained(kind: str, source: str) -> Callable[[], str]:
    """Name the plugin in one of a suite's two cells; the other one must be trained."""

    def run() -> str:
        install(source)
        text = (
            SUITE.replace("[non_saturating, hinge]", "[hinge]")
            .replace("steps: 20", "steps: 10")
            .replace("name: small", "name: thrown")
        )
        if kind in ("metric", "diagnostic"):
            text = (
                text.replace("samples: 100}", "samples: 100, metrics: [bad, modes]}")
                if kind == "metric"
                else f"{text}diagnostics: [bad]\n"
            )
        else:
            plain = {
                "loss": "hinge",
                "trick": "none",
                "network": "{mlp: {latent: 4, width: 16}}",
                "optimizer": "adam",
                "dataset": "ring",
            }[kind]
            kept = "\n".join(line for line in text.strip().split("\n") if not line.startswith(f"{AXES[kind]}:"))
            text = f"{kept}\n{AXES[kind]}: [{plain}, bad]\n"
        Path("thrown.yaml").write_text(text)
        planned = command("plan", "thrown.yaml")
        if planned.code:
            return refusal(planned, (2,))
        said = command("run", "thrown.yaml", "--executor", "local")
        if "Traceback" in said.err:
            return f"{TRACEBACK}: {said.err[-200:]}"
        if said.code == 5:
            return f"{INTERNAL}: {said.err.strip()[-250:]}"
        if said.code == 2:
            return refusal(said, (2,))
        if said.code not in (0, 4):
            return f"{LOST} ({said.code}): {said.err.strip()[-250:]}"
        return _rest_is_there(kind, said)

    return run


def _rest_is_there(kind: str, said: Said) -> str:
    from ganbench.tables.results import load

    runs = load(next(path.parent for path in Path("results/thrown").glob("*/manifest.json"))).runs
    both = 2 if kind in ("metric", "diagnostic") else 4
    if len(runs) != both:
        return f"{LOST}: {len(runs)} rows: {said.err.strip()[-200:]}"
    good = sum(status in ("OK", "DIVERGED") for status in runs["status"])
    if kind not in ("metric", "diagnostic") and good < 2:
        return f"{LOST}: {good} runs were trained: {said.err.strip()[-200:]}"
    if said.code == 4 and not runs["error"].dropna().astype(str).str.len().between(1, 600).all():
        return f"{LINES}: errors of another length"
    return NOTICED if said.code else SAME

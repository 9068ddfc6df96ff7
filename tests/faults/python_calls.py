"""Wrong arguments of the Python interface: each argument of each call, with values of kinds that nobody meant."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import contextlib
import decimal
import fractions
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.core.errors import GanbenchError, SeveralErrors
from tests.faults.arguments import looks, make_places
from tests.faults.prepared import RUN
from tests.faults.throws import LINES, NOTICED, OUTSIDE, SAME, TRACEBACK, Throw

LONGEST = 2000
KIND = "Python calls"
WATCHED = ("Monitor.step", "Monitor.load_state_dict")  # one that is under way has rows to write before it refuses
EXPECTED = "a ganbench error in one line before anything is written; or the value is taken as it is"
SECONDS = 60


def _endless() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


def _deep() -> list[object]:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    return deep


class _Raises:
    """Raises whatever it is asked for."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"no {name}")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


VALUES: dict[str, Callable[[], object]] = {
    "None": lambda: None, "nan": lambda: float("nan"), "inf": lambda: float("inf"), "empty text": lambda: "", "a text": lambda: "nosuch",
    "NUL": lambda: "a\0b", "a surrogate": lambda: "\udcff", "a long text": lambda: "x" * 5000, "0": lambda: 0, "-1": lambda: -1,
    "1.5": lambda: 1.5, "True": lambda: True, "False": lambda: False, "10**400": lambda: 10**400, "1e30": lambda: 1e30, "bytes": lambda: b"ring",
    "object": object, "a class": lambda: int, "a function": lambda: len, "[]": list, "{}": dict, "[None]": lambda: [None], "[[]]": lambda: [[]],
    "{1: 2}": lambda: {1: 2}, "a set": lambda: {"ring"}, "a generator": lambda: (i for i in ["ring"]), "range": lambda: range(3),
    "array": lambda: np.array([1.0, np.nan]), "array of nothing": lambda: np.zeros((0, 2)), "array scalar": lambda: np.array(3),
    "np.int64": lambda: np.int64(3), "np.float32": lambda: np.float32(3), "np.str_": lambda: np.str_("ring"), "np.bool_": lambda: np.bool_(True),
    "array of objects": lambda: np.array([None, "x"], dtype=object), "pd.NA": lambda: pd.NA, "NaT": lambda: pd.NaT,
    "a frame": lambda: pd.DataFrame({"a": [1]}), "a series": lambda: pd.Series(["ring"]), "complex": lambda: 1 + 2j, "Ellipsis": lambda: ...,
    "Decimal": lambda: decimal.Decimal("3"), "Fraction": lambda: fractions.Fraction(1, 3), "a path": lambda: Path("nosuch"), "the root": lambda: Path("/"), "here": lambda: Path(),
    "a tensor": lambda: _torch().ones(3), "an integer tensor": lambda: _torch().ones(3, dtype=_torch().int64), "a tensor of nan": lambda: _torch().full((4, 2), float("nan")),
    "a network": lambda: _torch().nn.Linear(2, 1), "an endless list": _endless, "a deep list": _deep, "raises": _Raises, "lone list": lambda: ["ring", "ring"],
    "an exception": lambda: ValueError("x"),
}  # fmt: skip


def _torch():
    import torch

    return torch


KEYS = (
    "name description datasets networks losses tricks optimizers seeds steps batch log_every evaluate diagnostics training stop vary "
    "include exclude search resources nosuch"
).split()
RIGHT = (
    ("cure", "only", "None"),  # that is no filter: a cure like any other
    *(
        ("Suite.run", "on_trial", name) for name in ("a class", "a function", "a network")
    ),  # what it raises ends the run as it is
)
STATE = "format folder trial seed steps looks seconds history layers snapshots reference scrutiny n_fake evaluated_at".split()


def _suite(key: str, value: object) -> object:
    import ganbench

    keys = {"name": "mine", "datasets": ["ring"], "steps": 20, "seeds": 1, key: value}
    suite = ganbench.Suite(**keys)  # type: ignore[arg-type]
    suite.plan()
    told = suite._suite.resolved().get(key)
    if isinstance(value, (str, bool, int)) and isinstance(told, (str, bool, int, float)) and told != value:
        raise AssertionError(f"{told!r}")
    return told


def _run(key: str, value: object) -> object:
    import ganbench

    suite = ganbench.Suite(name="mine", datasets=["ring"], steps=2, seeds=1, evaluate={"samples": 50})
    given = {"results": "results", "executor": "local", "progress": False, key: value}
    return suite.run(**given)  # type: ignore[arg-type]


def _cure(key: str, value: object) -> object:
    import ganbench

    given = {"suite": "small.yaml", "only": "loss=nosuch", "executor": "local", key: value}
    return ganbench.cure(**given)  # type: ignore[arg-type]


def _result(method: str, value: object) -> object:
    import ganbench

    results = ganbench.load(RUN)
    called: object = results
    for part in method.split("."):
        called = getattr(called, part)
    assert callable(called)
    return called(value)


def _style(field: str, value: object) -> object:
    import io

    import ganbench
    from ganbench.figures.style import Style

    figure = ganbench.load(RUN).plot.curves("fid", Style(**{field: value}))  # type: ignore[arg-type]
    figure.savefig(io.BytesIO(), format="svg")
    return figure


def _monitor(key: str, value: object) -> object:
    import ganbench

    torch = _torch()
    g, d = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    given = {
        "generator": g,
        "discriminator": d,
        "folder": "watched",
        "evaluate_every": 1,
        "log_every": 1,
        "samples": 20,
        key: value,
    }
    with ganbench.Monitor(**given) as monitor:  # type: ignore[arg-type]
        _steps(monitor, g, d, {})
    return monitor


def _step(key: str, value: object) -> object:
    import ganbench

    torch = _torch()
    g, d = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    with ganbench.Monitor(g, d, "watched", evaluate_every=1, log_every=1, samples=20) as monitor:
        _steps(monitor, g, d, {key: value})
    return monitor


def _state(key: str, value: object) -> object:
    """Load a state with one value of another kind into a monitor that has rows, which have to be there afterwards."""
    import ganbench

    torch = _torch()
    g, d = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    with ganbench.Monitor(g, d, "watched", evaluate_every=1, log_every=1, samples=20) as monitor:
        _steps(monitor, g, d, {}, 8)
        state = {**monitor.state_dict(), key: value}
        try:
            monitor.load_state_dict(value if key == "state" else state)  # type: ignore[arg-type]
        finally:
            monitor.close()
            if len(ganbench.load("watched").history) != 8 and key != "history":
                raise AssertionError("rows are lost")
    return monitor


def watched_steps(folder: str, seed: int, steps: int) -> Path:
    """Train a small loop with a monitor in it; return the folder that it took."""
    import ganbench

    torch = _torch()
    torch.manual_seed(seed)
    g, d = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    with ganbench.Monitor(g, d, folder, evaluate_every=1, log_every=1, samples=20) as monitor:
        _steps(monitor, g, d, {}, steps)
    return monitor.folder


def _steps(monitor, g, d, given, steps: int = 3) -> None:
    torch = _torch()
    ours = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (g, d)]
    for _ in range(steps):
        real, fake = torch.randn(8, 2), g(torch.randn(8, 3))
        for optimizer, loss in zip(ours, (d(fake).mean(), d(real).mean() - d(fake.detach()).mean()), strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        monitor.step(**{"real": real, "fake": fake.detach(), "real_logits": d(real), "fake_logits": d(fake), **given})


def _component(name: str, value: object) -> object:
    from ganbench.core import registry

    kind, component, field = name.split(".")
    import ganbench

    made = registry.find(kind, component)(**{field: value})
    key = {
        "loss": "losses",
        "trick": "tricks",
        "network": "networks",
        "optimizer": "optimizers",
        "dataset": "datasets",
    }[kind]
    keys = {"datasets": ["ring"], "steps": 20, "seeds": 1, key: [made]}
    return ganbench.Suite(name="mine", **keys).plan()  # type: ignore[arg-type]


def _stop(key: str, value: object) -> object:
    from ganbench.stopping import StopOnVerdict

    class Quiet:
        verdict = None

    stop = StopOnVerdict(**{"monitor": Quiet(), key: value})  # type: ignore[arg-type]
    stop()
    return stop


CALLS: dict[str, tuple[Callable[[str, object], object], tuple[str, ...]]] = {
    "Suite": (_suite, tuple(KEYS)),
    "Suite.plan": (lambda _, value: __import__("ganbench").Suite(name="mine", datasets=["ring"]).plan(value), ("only",)),
    "Suite.run": (_run, ("results", "executor", "only", "address", "jobs", "on_trial")),
    "cure": (_cure, ("suite", "only", "seeds", "results", "executor", "jobs")),
    "load": (lambda _, value: __import__("ganbench").load(value), ("path",)),
    "Results": (
        _result,
        ("compare", "report", "curve", "budget", "pairwise", "sensitivity", "marginal_curves", "tuned_pairs",
         "plot.curves", "plot.samples", "plot.map"),
    ),
    "Style": (_style, ("width", "height", "size", "font")),
    "Monitor": (
        _monitor,
        ("generator", "discriminator", "folder", "loss", "data", "latents", "judged", "features", "kind", "ema", "diagnostics", "metrics",
         "log_every", "evaluate_every", "samples", "overhead", "sinks", "seed", "resume"),
    ),
    "Monitor.step": (_step, ("real", "fake", "real_logits", "fake_logits", "d_loss", "g_loss", "terms", "condition")),
    "Monitor.load_state_dict": (_state, ("state", *STATE)),
    "component": (_component, ("trick.r1.gamma", "loss.began.gamma", "network.mlp.width", "optimizer.adam.lr", "optimizer.adam.betas",
                               "dataset.ring.count", "trick.unrolled.steps")),
    "StopOnVerdict": (_stop, ("monitor", "verdicts", "patience")),
    "register": (lambda _, value: __import__("ganbench").register(value), ("cls",)),
}  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for call, (act, keys) in CALLS.items():
        for key in keys:
            for name, value in VALUES.items():
                if (call, key, name) in RIGHT:
                    continue
                yield Throw(KIND, f"{call} {key} = {name}", EXPECTED, _thrown(call, act, key, value), SECONDS)


def _thrown(
    call: str, act: Callable[[str, object], object], key: str, value: Callable[[], object]
) -> Callable[[], str]:
    def run() -> str:
        make_places()
        given, before = value(), looks()
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                act(key, given)
        except GanbenchError as error:
            text = str(error)
            if not isinstance(error, SeveralErrors) and "\n" in text.strip():
                return f"{LINES}: {text}"
            if len(text) > LONGEST:
                return f"{LINES}: {len(text)} characters"
            after = looks()
            changed = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
            return f"{OUTSIDE}: {changed[:5]}" if changed and call not in WATCHED else NOTICED
        except Exception as error:  # noqa: BLE001 - the kind that should not come out
            return f"{TRACEBACK}: {type(error).__name__}: {error}"[:300]
        return SAME

    return run

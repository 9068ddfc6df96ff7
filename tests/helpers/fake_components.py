"""A few components of every kind that compute nothing: what suites and plans need, whatever is installed."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt, Interval, Len

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.suite.schema import DEFAULT_DIAGNOSTICS
from ganbench.suite.sections import DEFAULT_METRICS
from ganbench.tricks import Trick


def _component(kind: str, name: str, **attributes) -> type[Component]:
    base = Trick if kind == "trick" else Component
    cls = dataclass(frozen=True)(type(name, (base,), {"kind": kind, "name": name, "__doc__": name, **attributes}))
    assert issubclass(cls, Component) and not inspect.isabstract(cls)
    return cls


@dataclass(frozen=True)
class Adam(Component):
    """Adam."""

    kind: ClassVar[str] = "optimizer"
    name: ClassVar[str] = "adam"
    lr: Annotated[float, Gt(0)] = 1e-3
    d_lr: Annotated[float, Gt(0)] | None = None
    betas: tuple[Annotated[float, Interval(ge=0, lt=1)], Annotated[float, Interval(ge=0, lt=1)]] = (0.5, 0.999)


@dataclass(frozen=True)
class MLP(Component):
    """A network whose traits depend on its parameters."""

    kind: ClassVar[str] = "network"
    name: ClassVar[str] = "mlp"
    convolutions: ClassVar[int] = 0
    products: ClassVar = Network.products
    width: Annotated[int, Gt(0)] = 64
    depth: int = 2
    norm: bool = False
    init: Literal["he", "normal"] = "he"
    widths: Annotated[tuple[int, ...], Len(0, 3)] = ()

    def parameter_traits(self) -> tuple[str, ...]:
        return ("couples samples",) if self.norm else ()


@dataclass(frozen=True)
class R1(Trick):
    """A penalty."""

    kind: ClassVar[str] = "trick"
    name: ClassVar[str] = "r1"
    traits: ClassVar[tuple[str, ...]] = ("penalty",)
    cost: ClassVar[float] = 1.5
    conflicts: ClassVar = {"couples samples": "gradients would mix samples"}
    gamma: Annotated[float, Gt(0)] = 10.0

    def __post_init__(self) -> None:
        if self.gamma == 13:
            raise ValueError("13 brings bad luck; take another")


@dataclass(frozen=True)
class Packing(Trick):
    """Looks at the trial's numbers."""

    kind: ClassVar[str] = "trick"
    name: ClassVar[str] = "packing"
    m: int = 3

    def skip(self, trial: TrialFacts) -> str | None:
        return f"a batch of {trial.batch} is not divisible by {self.m}" if trial.batch % self.m else None


_ALL = [
    Adam,
    _component("optimizer", "sgd"),
    MLP,
    _component(
        "network", "dcgan", convolutions=0, products=Network.products, requires={"images": "convolutions need images"}
    ),
    R1,
    Packing,
    _component("trick", "clipping", conflicts={"penalty": "they pull apart"}),
    _component("trick", "minibatch", traits=("couples samples",)),
    _component("dataset", "ring", require_files=lambda self: None),
    _component("dataset", "grid", require_files=lambda self: None),
    _component("dataset", "digits", traits=("images",), require_files=lambda self: None),
    *(_component("loss", name) for name in ("non_saturating", "hinge", "wasserstein", "minimax")),
    *(_component("metric", name) for name in DEFAULT_METRICS),
    *(_component("diagnostic", name) for name in DEFAULT_DIAGNOSTICS),
]


def install(monkeypatch) -> None:
    """Put these, and only these, into the registry."""
    table: dict = {kind: {} for kind in registry.PACKAGES}
    for cls in _ALL:
        table[cls.kind][cls.name] = cls
    monkeypatch.setattr(registry, "_all_components", lambda: table)

"""A trial's full configuration: frozen, canonical as JSON, with a key that changes exactly when its numbers may."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, cast

from ganbench.core import naming, registry
from ganbench.core.component import Component
from ganbench.core.errors import component_errors
from ganbench.core.evenly import in_parts

if TYPE_CHECKING:
    from ganbench.datasets import Dataset
    from ganbench.diagnostics import Diagnostic
    from ganbench.losses import Loss
    from ganbench.metrics import Metric
    from ganbench.networks import Network
    from ganbench.optimizers import Optimizer
    from ganbench.tricks import Trick

MAX_LANES = 64  # that train at once on a CPU: more fit no cache, and the memory of a step grows with them
MAX_LANES_OF_IMAGES = 16  # a seed of images takes ten times as much, and gains little from others beside it
LATER = ("stop", "search", "settings", "space", "method", "stage")  # in a trial's key only where they are set

T = TypeVar("T", bound=Component)
T_co = TypeVar("T_co", bound=Component, covariant=True)


@dataclass(frozen=True)
class Choice(Generic[T_co]):
    """A component by name with all its parameters, defaults included: `Choice[Loss]` builds a `Loss`."""

    kind: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)

    def build(self) -> T_co:
        """Return the component; it holds no state, so every call returns the same one."""
        cls = registry.find(self.kind, self.name)
        built = self.__dict__.get("_built")
        if type(built) is not cls:  # a class that is registered again takes the place of its older self
            built = self.__dict__["_built"] = registry.build(self.kind, self.name, self.parameters)
        return cast(T_co, built)

    def __getstate__(self) -> dict[str, object]:
        """Leave the component out of a pickle: another process may know it by another class."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @property
    def label(self) -> str:
        """Return `r1(gamma=0.1)`: the name with the parameters that differ from their defaults."""
        return self.build().label

    @staticmethod
    def of(component: T) -> Choice[T]:
        """Return the choice that builds this component."""
        return Choice(component.kind, component.name, component.parameters)


@dataclass(frozen=True)
class Setting:
    """One of the settings that a suite's `vary` gives to every method.

    Attributes:
        number: its place in the suite, from 0; the same number is the same setting for every method.
        values: address → value: `{"optimizer.lr": 0.001, "training.n_critic": 5}`.
        loss, tricks, optimizer: the components of its lanes.
    """

    number: int
    values: dict[str, Any] = field(hash=False)
    loss: Choice[Loss]
    tricks: tuple[Choice[Trick], ...]
    optimizer: Choice[Optimizer]


class Lane(NamedTuple):
    """One place of a trial's seed axis."""

    setting: Setting | None
    seed: int


@dataclass(frozen=True)
class Trial:
    """One configuration with all its seeds: everything that decides its numbers, and nothing else.

    Attributes:
        steps: generator updates. batch: samples a minibatch. log_every, evaluate_every: in steps.
        samples: generated samples an evaluation.
        n_critic: discriminator updates before a generator update; n_generator: generator updates after them.
        update: alternating (the generator sees the new discriminator) or simultaneous.
        ema: decay of the generator's moving average that is evaluated; 0 evaluates the generator itself.
        stop: when the trial may end early: `{"collapsed": 0.33}` once every seed has been so for that share of `steps`.
        search: names the search whose scheduler may end the trial early; empty for a trial that nobody else ends.
        settings: under `vary`, those that train side by side, each with all seeds. They differ in the numbers of the
            loss, the tricks and the optimiser, and in nothing else.
        space: under `vary`, address → what its number may be: `{"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}}`.
        method: under `vary`, the name of the trial without a setting: the same for all trials of a method.
        stage: `confirm` for a method's best settings on fresh seeds.
    """

    dataset: Choice[Dataset]
    network: Choice[Network]
    loss: Choice[Loss]
    tricks: tuple[Choice[Trick], ...]
    optimizer: Choice[Optimizer]
    seeds: tuple[int, ...]
    steps: int
    batch: int = 64
    log_every: int = 50
    evaluate_every: int = 500
    samples: int = 2000
    metrics: tuple[Choice[Metric], ...] = ()
    diagnostics: tuple[Choice[Diagnostic], ...] = ()
    n_critic: int = 1
    n_generator: int = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    ema: float = 0.0
    stop: dict[str, float] = field(default_factory=dict, hash=False)
    search: str = ""
    settings: tuple[Setting, ...] = ()
    space: dict[str, dict[str, list[Any]]] = field(default_factory=dict, hash=False)
    method: str = ""
    stage: Literal["", "confirm"] = ""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Return what trains side by side, settings one after the other: the seed axis."""
        return tuple(Lane(setting, seed) for setting in self.settings or (None,) for seed in self.seeds)

    @property
    def runs(self) -> list[str]:
        """Return the run of each lane, as tables name it."""
        return [naming.run_name(self.id, lane.seed, lane.setting and lane.setting.number) for lane in self.lanes]

    @property
    def packs(self) -> tuple[Trial, ...]:
        """Return the trials of some of the seeds each that this one can be trained as, in the order of its lanes.

        A run has the same numbers in a pack as among all seeds. A trial that may end early looks at all seeds for
        that, so it is a single pack, as one of few lanes is.
        """
        most = MAX_LANES_OF_IMAGES if self.network.build().convolutions else MAX_LANES
        if len(self.seeds) <= most or len(self.settings) > 1 or self.stop:
            return (self,)
        return tuple(dataclasses.replace(self, seeds=tuple(seeds)) for seeds in in_parts(self.seeds, most))

    def alone(self, setting: Setting) -> Trial:
        """Return the trial that trains one of the settings by itself; its runs have the same numbers."""
        axes = {"loss": setting.loss, "tricks": setting.tricks, "optimizer": setting.optimizer}
        return dataclasses.replace(self, **axes, settings=(), space={}, method="", stage="")

    @property
    def choices(self) -> tuple[Choice[Component], ...]:
        """Return every chosen component."""
        return (
            self.dataset,
            self.network,
            self.loss,
            *self.tricks,
            self.optimizer,
            *self.metrics,
            *self.diagnostics,
        )

    @property
    def labels(self) -> dict[str, str]:
        """Return what tells trials apart as short texts: `{"dataset": "ring", …, "tricks": "r1+spectral_norm"}`.

        `schedule` names what of the updates is not the default, and the settings of `vary`: `simultaneous, n_critic=5`.
        """
        return {
            "dataset": self.dataset.label,
            "network": self.network.label,
            "loss": self.loss.label,
            "tricks": "+".join(t.label for t in self.tricks) or naming.NO_TRICKS,
            "optimizer": self.optimizer.label,
            "schedule": ", ".join(self._schedule()) or naming.DEFAULT_SCHEDULE,
        }

    def _schedule(self) -> list[str]:
        fields = {f.name: f.default for f in dataclasses.fields(self)}
        changed = [n for n in ("n_critic", "n_generator", "ema", "batch") if getattr(self, n) != fields[n]]
        named = [] if self.update == fields["update"] else [str(self.update)]
        settings = [self._settings_told()] if self.settings else []
        return [*named, *(f"{name}={getattr(self, name)}" for name in changed), *settings]

    def _settings_told(self) -> str:
        """Return `settings 0 … 15`, or `settings 2 … 15 (8 of them)`, or `tuned: setting 3` for a method's best one."""
        first, last, n = self.settings[0].number, self.settings[-1].number, len(self.settings)
        some = f" ({n} of them)" if last - first >= n else ""
        one = f"setting {first}" if first == last else f"settings {first} … {last}{some}"
        return f"tuned: {one}" if self.stage == "confirm" else one

    @property
    def name(self) -> str:
        """Return one line that names the trial: `ring · mlp · hinge · r1 · adam`."""
        return naming.trial_name(self.labels)

    @property
    def id(self) -> str:
        """Return how tables name the trial: the first twelve hex digits of its key."""
        return naming.trial_id(self.key)

    def canonical(self) -> dict[str, object]:
        """Return the configuration with the components' versions: two trials with equal ones have equal numbers."""
        fields = dataclasses.asdict(self)
        kept = {name: value for name, value in fields.items() if name not in LATER or value}
        return {**kept, "versions": self.versions}

    @property
    def versions(self) -> dict[str, int | str]:
        """Return the version of every component that has a say in the numbers: `{"loss:hinge": 1, …}`."""
        versions: dict[str, int | str] = {
            f"{c.kind}:{c.name}": registry.find(c.kind, c.name).revision() for c in self.choices
        }
        with component_errors(self.dataset.name):
            extractor = getattr(self.dataset.build(), "extractor_name", None)
        if extractor is not None:
            versions[f"extractor:{extractor}"] = registry.find("extractor", extractor).revision()
        return dict(sorted(versions.items()))

    @property
    def key(self) -> str:
        """Return the SHA-256 of the canonical configuration, component versions and seeds."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

"""A trial's full configuration: frozen, canonical as JSON, with a key that changes exactly when its numbers may."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from ganbench.core import registry
from ganbench.core.component import Component

# What tells the trials of a table apart, in the order of `Trial.labels`.
AXES = ("dataset", "network", "loss", "tricks", "optimizer", "schedule")
DEFAULT_SCHEDULE = "default"


@dataclass(frozen=True)
class Choice:
    """A component by name with all its parameters, defaults included."""

    kind: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)

    def build(self) -> Component:
        """Return the component."""
        return registry.build(self.kind, self.name, self.parameters)

    @property
    def label(self) -> str:
        """Return `r1(gamma=0.1)`: the name with the parameters that differ from their defaults."""
        return self.build().label

    @staticmethod
    def of(component: Component) -> Choice:
        """Return the choice that builds this component."""
        return Choice(component.kind, component.name, component.parameters)


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
    """

    dataset: Choice
    network: Choice
    loss: Choice
    tricks: tuple[Choice, ...]
    optimizer: Choice
    seeds: tuple[int, ...]
    steps: int
    batch: int = 64
    log_every: int = 50
    evaluate_every: int = 500
    samples: int = 2000
    metrics: tuple[Choice, ...] = ()
    diagnostics: tuple[Choice, ...] = ()
    n_critic: int = 1
    n_generator: int = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    ema: float = 0.0
    stop: dict[str, float] = field(default_factory=dict, hash=False)
    search: str = ""

    @property
    def choices(self) -> tuple[Choice, ...]:
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

        `schedule` names the settings of the updates that are not their defaults: `simultaneous, n_critic=5`.
        """
        return {
            "dataset": self.dataset.label,
            "network": self.network.label,
            "loss": self.loss.label,
            "tricks": "+".join(t.label for t in self.tricks) or "none",
            "optimizer": self.optimizer.label,
            "schedule": ", ".join(self._schedule()) or DEFAULT_SCHEDULE,
        }

    def _schedule(self) -> list[str]:
        fields = {f.name: f.default for f in dataclasses.fields(self)}
        changed = [n for n in ("n_critic", "n_generator", "ema", "batch") if getattr(self, n) != fields[n]]
        named = [] if self.update == fields["update"] else [str(self.update)]
        return [*named, *(f"{name}={getattr(self, name)}" for name in changed)]

    @property
    def name(self) -> str:
        """Return one line that names the trial: `ring · mlp · hinge · r1 · adam`."""
        labels = self.labels
        return " · ".join(text for axis, text in labels.items() if axis != "schedule" or text != DEFAULT_SCHEDULE)

    def canonical(self) -> dict[str, Any]:
        """Return the configuration with the components' versions: two trials with equal ones have equal numbers."""
        fields = dataclasses.asdict(self)
        kept = {name: value for name, value in fields.items() if name not in ("stop", "search") or value}
        return {**kept, "versions": self.versions}

    @property
    def versions(self) -> dict[str, int]:
        """Return the version of every component that has a say in the numbers: `{"loss:hinge": 1, …}`."""
        versions = {f"{c.kind}:{c.name}": registry.find(c.kind, c.name).version for c in self.choices}
        feature = getattr(self.dataset.build(), "extractor", None)
        if feature is not None:
            versions[f"extractor:{feature}"] = registry.find("extractor", feature).version
        return dict(sorted(versions.items()))

    @property
    def key(self) -> str:
        """Return the SHA-256 of the canonical configuration, component versions and seeds."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

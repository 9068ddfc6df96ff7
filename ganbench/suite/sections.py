"""The parts of a suite with keys of their own: how samples are judged, how players move, what a trial may use."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Interval

from ganbench.core import registry
from ganbench.core.errors import component_errors
from ganbench.core.trial import Choice
from ganbench.suite.choices import ChoiceOf, Strict
from ganbench.suite.values import Axis, Timeout

DEFAULT_METRICS = ("modes", "position", "fid")
METRICS_WITHOUT_MODES = ("precision_recall", "position", "fid")

Metrics = Annotated[tuple[Annotated[Choice, ChoiceOf("metric")], ...], Axis]
Count = Annotated[int, Interval(ge=1, le=10**9)]
Updates = Annotated[int, Interval(ge=1, le=1000)]


class Evaluate(Strict):
    """How generated samples are judged.

    Attributes:
        every: steps between two evaluations; None evaluates eighty times per run.
        samples: how many samples are generated for each evaluation.
        metrics: what is computed of them. A metric may be computed more rarely: `fid: {every: 1000}`. None stands for
            modes, position and fid, and for precision_recall instead of modes where the data's modes are not known.
    """

    what: ClassVar[str] = "key of evaluate"
    every: Count | None = None
    samples: Annotated[int, Interval(ge=2, le=1_000_000)] = 2000
    metrics: Metrics | None = None

    def metrics_of(self, dataset: Choice) -> tuple[Choice, ...]:
        """Return what judges the samples of a data set."""
        if self.metrics is not None:
            return self.metrics
        with component_errors(dataset.name):
            names = DEFAULT_METRICS if getattr(dataset.build(), "modes", 1) else METRICS_WITHOUT_MODES
        return tuple(Choice.of(registry.find("metric", name)()) for name in names)


class Training(Strict):
    """How the two players are updated.

    Attributes:
        n_critic: discriminator updates before each generator update.
        n_generator: the discriminator is updated only before the first of so many generator updates.
        update: `alternating` (the generator sees the updated discriminator) or `simultaneous`.
        ema: decay of the moving average of the generator's weights; 0 keeps no average.
    """

    what: ClassVar[str] = "key of training"
    n_critic: Updates = 1
    n_generator: Updates = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    ema: Annotated[float, Interval(ge=0, lt=1)] = 0.0


class Stop(Strict):
    """When a trial may end before its last step; a trial whose seeds have all diverged always ends.

    Attributes:
        collapsed: share of the trial's steps: it ends once every seed has diverged or been totally collapsed so long.
    """

    what: ClassVar[str] = "key of stop"
    collapsed: Annotated[float, Interval(gt=0, le=1)] | None = None


class Resources(Strict):
    """What a trial may use.

    Attributes:
        cpus: cores. timeout: seconds after which the trial counts as failed; None for no limit.
        device: `auto` is a GPU where there is one.
        gpus: the share of a GPU that a trial takes: with 0.25, four trials run on one.
        compile: whether steps are compiled; `auto` compiles those of trials that are long enough for it to pay.
    """

    what: ClassVar[str] = "key of resources"
    later: ClassVar[frozenset[str]] = frozenset({"device", "gpus", "compile"})
    cpus: Annotated[int, Interval(ge=1, le=1024)] = 1
    timeout: Timeout = None
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    gpus: Annotated[float, Interval(gt=0, le=1)] = 1.0
    compile: Literal[True, False, "auto"] = False


class Exclusion(Strict):
    """Cells to leave out: every given axis must match, by name or full label; `*` and `?` are wildcards."""

    what: ClassVar[str] = "axis"
    dataset: str | None = None
    network: str | None = None
    loss: str | None = None
    tricks: str | None = None
    optimizer: str | None = None

    @property
    def axes(self) -> dict[str, str]:
        """Return the given axes with their patterns."""
        return {axis: pattern for axis, pattern in self if pattern is not None}

"""The real samples that a monitor compares with: features, and a few pictures; no sample is kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ganbench.core import registry
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.metrics import Metric, Sample
from ganbench.monitor.embedding import embedding_of, real_numbers
from ganbench.monitor.guard import Hopeless
from ganbench.monitor.kept_state import State
from ganbench.monitor.parts import chunks, index_of, joined, nothing, part, shape_of, without_points
from ganbench.monitor.pictures import Drawing
from ganbench.monitor.view import few
from ganbench.training.evaluation import (
    METRICS_OF_UNKNOWN_MODES,
    ExtractorChoice,
    FunctionExtractor,
    SampleEvaluator,
    Unlabelled,
    evaluator_of_dataset,
    extractor_of,
)

log = logging.getLogger("ganbench.monitor")

OFF = 0.05  # of a range's width, beyond which images are not in it


class Reference:
    """Collects real samples until there are enough of them, and then judges generated ones.

    Args:
        label: of the data.
        n: samples to compare with; twice as many are taken, whose second half stands for a perfect generator.
        features: as of the monitor. kind: of the samples, as of `embedding_of`.
        metrics: None takes those that verdicts read.
        device: where features are compared.

    Attributes:
        evaluator: None until there are enough real samples.
        drawing: how samples are drawn; None before the first real ones. heldout: a few of those given as data.
    """

    def __init__(
        self,
        n: int,
        features: ExtractorChoice,
        kind: str | None,
        metrics: Sequence[Metric] | None,
        device: torch.device,
    ) -> None:
        self.label = "own data"
        self.n, self._chosen, self._kind, self._device = n, features, kind, device
        self._metrics = metrics
        self.extractor: Extractor | FunctionExtractor | None = None
        self.evaluator: SampleEvaluator | None = None
        self.drawing: Drawing | None = None
        self.heldout: Tensor | None = None
        self.largest = 0.0
        self._of_data = self._any_size = False
        self._shape: tuple[int, ...] = ()
        self._collected: list[Sample] = []
        self._pictures = torch.zeros(0)
        self._broken = 0
        self._left: list[tuple[int, ...]] = []  # shapes that samples had before

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return what is measured, as far as it is known."""
        return (self._metrics or ()) if self.evaluator is None else self.evaluator.metrics

    def use_dataset(self, dataset: Dataset) -> None:
        """Compare with the held-out part of one of ganbench's data sets."""
        evaluator = evaluator_of_dataset(dataset, self._chosen, self._metrics, self.n, self._device)
        real = evaluator.real.points
        self.label, self.heldout = dataset.label, few(real)
        self.drawing, self.largest = Drawing(real), float(real.abs().max())
        self.extractor, self._of_data, self._shape, self._any_size = evaluator.extractor, True, real.shape[1:], True
        evaluator.real = replace(evaluator.real, points=self.drawing.of(real, evaluator.real.features))
        self.evaluator = evaluator

    def use_samples(self, real: Tensor) -> None:
        """Compare with real samples `[n, *shape]` of the user's, which are read and not kept."""
        self._of_data = True
        for chunk in chunks(real[: 2 * self.n]):
            self.offer(chunk)
        self.heldout = real_numbers(few(real)).to(self._device)
        if self.evaluator is None and sum(len(s.features) for s in self._collected) >= 2:
            self._finish()

    @property
    def wanting(self) -> bool:
        """Return whether more real samples are needed."""
        return self.evaluator is None

    def offer(self, real: Tensor) -> None:
        """Take in real samples `[B, *shape]`; what is not finite is reported at once and left out.

        Raises:
            Hopeless: samples change their shape again and again.
        """
        if self.evaluator is not None or not len(real):
            return
        if self._shape and shape_of(real) != self._shape and not self._any_size:
            self._leave_shape(shape_of(real))  # a resolution that changed
        for chunk in chunks(real):
            self._take(real_numbers(chunk.to(self._device)))
        if sum(len(sample.features) for sample in self._collected) >= 2 * self.n:
            self._finish()

    def begin_anew(self, shape: tuple[int, ...]) -> bool:
        """Forget the reference where samples of another shape cannot be compared with it; return whether it went.

        Raises:
            Hopeless: they never can be: real samples were given as data, or stay as they are.
        """
        known = self._shape
        comparable = self._any_size or math.prod(shape) == math.prod(known)
        if not known or comparable or self.evaluator is None:
            return False
        if self._of_data or known in self._left:
            text = f"generated samples are {list(shape)} and real ones {list(known)}, which cannot be compared"
            raise Hopeless(text, "give both in one form, or features=")
        text = "ganbench.Monitor: samples are %s now, and were %s: they are compared with new real samples"
        log.warning(text, list(shape), list(known))
        self._leave_shape(())
        return True

    def _leave_shape(self, shape: tuple[int, ...]) -> None:
        """Collect samples of another shape; one that comes back is no resolution that grows."""
        if shape in self._left:
            text = f"samples are {list(shape)} again, and were {list(self._shape)} in between"
            raise Hopeless(text, "give features=, a function that brings samples of any shape to the same numbers")
        self._left.append(self._shape)
        self.evaluator, self.extractor, self._collected, self._shape = None, None, [], ()

    def describe(self, points: Tensor) -> Sample | None:
        """Return generated samples `[n, *shape]` with their features alone; None before the first real ones.

        Raises:
            Hopeless: they have not the shape of the data that was given, and its features cannot be had of them.
        """
        if self.extractor is None or self.drawing is None:
            return None
        data = Unlabelled(self._device) if self.evaluator is None else self.evaluator.data
        judge = self.evaluator or SampleEvaluator(data, self.extractor, (), nothing(self._device), lambda: nothing())
        try:
            return joined([without_points(judge.describe(x)) for x in chunks(real_numbers(points.to(self._device)))])
        except (RuntimeError, IndexError, ValueError) as error:
            if not self._of_data or shape_of(points) == self._shape:
                raise
            text = f"generated samples are {list(shape_of(points))}, and those of data= {list(self._shape)}"
            raise Hopeless(text, "give both in one shape, or features=, a function that takes either") from error

    def state_dict(self) -> dict[str, object] | None:
        """Return the features of what the first minibatches brought; None where the data are given."""
        if self._of_data or self.evaluator is None or self.drawing is None:
            return None
        half = self.evaluator.real
        other = self.evaluator._independent()
        assert isinstance(other, Sample)
        return {
            "shape": list(self._shape),
            "real": half.features,
            "other": other.features,
            "pictures": half.points,
            "drawing": [*self.drawing._size, *self.drawing._limits],
            "largest": self.largest,
            "extractor": self._extractor_name,
        }

    def load_state_dict(self, state: State | None) -> None:
        """Go on with kept features."""
        if state is None or self._of_data:
            return
        self.drawing, zero = None, torch.zeros(1, *state["shape"])
        self._begin(zero)
        assert self.drawing is not None
        if not self._are_alike(state, zero):
            text = "ganbench.Monitor: the run that goes on had other features of samples: new real ones are collected"
            log.warning("%s, and what is measured from here is not comparable with what was before", text)
            self.drawing, self.extractor, self._shape = None, None, ()
            return
        height, width, low, high = state["drawing"]
        self.drawing._size, self.drawing._limits = (int(height), int(width)), (low, high)
        self.largest, self._pictures = state["largest"], state["pictures"]
        labels = Unlabelled(self._device)
        self._collected = [
            Sample(x, x, *labels.assign(x, None)) for x in (state[k].to(self._device) for k in ("real", "other"))
        ]
        self._finish()

    @property
    def _extractor_name(self) -> str:
        return getattr(self.extractor, "name", "own")

    def _are_alike(self, state: State, zero: Tensor) -> bool:
        """Say whether kept features are those that this monitor makes of samples, as far as that shows."""
        if state.get("extractor", self._extractor_name) != self._extractor_name:
            return False
        try:
            sample = self.describe(zero)
        except Exception:  # a function may want several samples
            return True
        widths = {state[name].shape[1] for name in ("real", "other")}
        return len(widths) > 1 or sample is None or sample.features.shape[1] in widths  # other widths are no state

    def _begin(self, real: Tensor) -> None:
        self._shape = tuple(real.shape[1:])
        self.drawing = self.drawing or Drawing(real)
        if self._chosen is not None:
            self.extractor, self._any_size = extractor_of(self._chosen), True
            return
        embedding = embedding_of(self._shape, self._kind)
        self.extractor, self._any_size = FunctionExtractor(embedding.function, embedding.name), embedding.any_size

    def _take(self, real: Tensor) -> None:
        low, high = real.aminmax()
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            real = self._finite(real)
            if not len(real):
                return
            low, high = real.aminmax()
        if self.extractor is None:
            self._begin(real)
        self._look_at_range(float(low), float(high))
        sample = self.describe(real)
        assert sample is not None and self.drawing is not None
        if not self._collected:
            self._pictures = self.drawing.of(real, sample.features)
        self.largest = max(self.largest, -float(low), float(high))
        self._collected.append(sample)

    def _look_at_range(self, low: float, high: float) -> None:
        """Say, once, where real images are not in the range that the extractor takes."""
        takes = self.extractor.takes if isinstance(self.extractor, Extractor) else None
        if takes is None or self._collected:
            return
        least, most = takes
        off = OFF * (most - least)
        # Images of a minibatch that never reach the lower half lie in [0, 1], which fits into [-1, 1].
        if low < least - off or high > most + off or low >= (least + most) / 2:
            log.warning(
                "ganbench.Monitor: real samples lie in [%.3g, %.3g], and the features %s take images in [%g, %g]: "
                "scores such as fid are of other images; remedy: give %s",
                low, high, self._extractor_name, least, most,
                "features=, a function that brings samples there first, or data and samples in that range",
            )  # fmt: skip

    def _finite(self, real: Tensor) -> Tensor:
        """Return the samples that are finite; report the others, once."""
        bad = ~torch.isfinite(real).flatten(1)
        of_sample = bad.any(1)
        count = int(of_sample.sum())
        if count and not self._broken:
            first = int(of_sample.nonzero()[0])
            place = math.prod(real.shape[1:]) and int(bad[first].nonzero()[0])
            log.warning(
                "ganbench.Monitor: real samples hold NaN or infinities: %d numbers in %d of the %d looked at, first "
                "in sample %d at %s; such samples are left out; remedy: look at the loader",
                int(bad.sum()), count, len(real), first, index_of(place, tuple(real.shape[1:])),
            )  # fmt: skip
        self._broken += count
        return real[~of_sample] if count else real

    def _finish(self) -> None:
        every = joined(self._collected)
        half = min(self.n, len(every.features) // 2)
        real, other = part(every, 0, half), part(every, half, 2 * half)
        metrics = self._metrics
        if metrics is None:
            metrics = [registry.build(Metric, name) for name in METRICS_OF_UNKNOWN_MODES]
        assert self.extractor is not None
        real = replace(real, points=self._pictures)
        self.evaluator = SampleEvaluator(Unlabelled(self._device), self.extractor, metrics, real, lambda: other)
        self._collected = []

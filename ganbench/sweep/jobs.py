"""A trial to train and where its results go; where it trains."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.imports import ImportedFile
from ganbench.core.results_files import kind_of, set_aside
from ganbench.core.trial import Trial
from ganbench.suite.compiling import Compile, eager_reason
from ganbench.suite.space import Search, score

if TYPE_CHECKING:
    from ganbench.training.packs import Packs
    from ganbench.training.trainer import Trainer

log = logging.getLogger("ganbench.sweep")


@dataclass(frozen=True)
class TrialJob:
    """A trial to train and where its results go.

    Attributes:
        folder: `results/<suite>`. timeout: seconds after which the trial is given up. threads: torch threads.
        imports: files with components of the user's, which are run where the trial trains.
        components: classes that only the process which made the plan knows; they are registered where the trial trains.
        device: `"cpu"`, `"cuda"`, or `"auto"` for a GPU where there is one. gpus: the fraction of a GPU that it takes.
        compile: whether its step is compiled, where that can be done: `resources.compile`.
        objective: of a search: the column that it looks at, and `"min"` or `"max"`. search: its settings.
    """

    trial: Trial
    key: str
    folder: Path
    timeout: float | None = None
    threads: int = 1
    components: tuple[type[Component], ...] = ()
    imports: tuple[ImportedFile, ...] = ()
    device: str = "cpu"
    gpus: float = 1.0
    compile: Compile = False
    objective: tuple[str, str] | None = None
    search: Search | None = None

    def of(self, trial: Trial) -> TrialJob:
        """Return another trial's job under the same terms."""
        return replace(self, trial=trial, key=trial.key)

    @property
    def scheduled(self) -> bool:
        """Say whether a search's scheduler looks at the trial after each of its evaluations."""
        return self.search is not None and self.search.scheduler != "none"

    @property
    def stop_request(self) -> Path:
        """Return the file in which a search's scheduler asks the trial to end."""
        return self.checkpoint.with_suffix(".stop.json")

    @property
    def packs(self) -> tuple[Trial, ...]:
        """Return the trials that this one is trained as, one after the other: itself, unless it has many seeds.

        A GPU takes all seeds at once, and a search wants to know after each evaluation how all of them stand.
        """
        whole = self.objective is not None or device_here(self.device) != "cpu"
        return (self.trial,) if whole else self.trial.packs

    @property
    def checkpoint(self) -> Path:
        """Return the file that a long trial saves itself to; its packs, where it has some, have files beside it."""
        return self.folder / "checkpoints" / f"{self.key}.pt"

    def checkpoints(self) -> list[Path]:
        """Return the files that the trial has saved itself or its packs to, and that are there."""
        return [path for path in sorted(self.checkpoint.parent.glob(f"{self.key}*.pt")) if kind_of(path) is not None]

    @property
    def deadline(self) -> float | None:
        """Return after how many seconds a trial that does not watch its clock is ended from outside."""
        return None if self.timeout is None else 2.0 + 1.1 * self.timeout

    @property
    def done(self) -> bool:
        """Say whether the trial has a part; one that cannot be read counts as none (the store warns)."""
        from ganbench.tables import part_store

        return part_store.has_part(self.folder, self.key)

    def finished_score(self) -> float | None:
        """Return the score, for a search, of a trial that has a part; None without one."""
        from ganbench.tables import part_store

        if self.objective is None:
            return None
        column, mode = self.objective
        runs = part_store.read_table(self.folder, self.key, "runs", [column])
        if runs is None:
            return None
        return score([float(value) for value in runs[column]] if column in runs else [math.nan], mode)

    def trainer(self) -> Trainer | Packs:
        """Return the trial's trainer, which goes on from the checkpoint if there is one.

        A checkpoint that is damaged or does not fit is moved to `quarantine/`, and the trial, or the pack, begins anew.
        """
        for file in self.imports:
            file.register()
        for cls in self.components:
            registry.register(cls)
        packs = self.packs
        if len(packs) == 1:
            return self._trainer(self.trial, self.checkpoint)
        from ganbench.training.packs import Packs

        paths = [self.checkpoint.with_suffix(f".{number}.pt") for number in range(len(packs))]
        makers = [partial(self._trainer, pack, path) for pack, path in zip(packs, paths, strict=True)]
        return Packs(self.trial, makers)

    def _trainer(self, trial: Trial, checkpoint: Path) -> Trainer:
        from ganbench.training.checkpoint import CheckpointError
        from ganbench.training.trainer import Trainer

        device = device_here(self.device)
        compiled = eager_reason(self.trial, self.compile, device) is None
        try:
            return Trainer(trial, device, checkpoint=checkpoint, compile=compiled)
        except CheckpointError as problem:
            self.drop_checkpoint(checkpoint, problem.why)
            return Trainer(trial, device, checkpoint=checkpoint, compile=compiled)

    def drop_checkpoint(self, checkpoint: Path, why: str) -> None:
        """Move a checkpoint to `quarantine/`, with a warning; the trial begins anew."""
        set_aside(checkpoint, self.folder / "quarantine")
        log.warning(
            "%s: the checkpoint of %s is of no use (%s); moved to quarantine/, the trial begins anew",
            self.folder,
            self.trial.id,
            why,
        )


def device_here(device: str) -> str:
    """Return the device to train on in this process: `"cpu"` or `"cuda"`.

    Raises:
        UsageError: a GPU is asked for, and torch can use none here.
    """
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "auto":
        return "cpu"
    raise UsageError(f"resources.device: torch {torch.__version__} can use no GPU here; say cpu or auto, see `doctor`")

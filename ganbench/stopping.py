"""Stops a training loop at a failure that a `ganbench.Monitor` sees: a callback for any loop, and one for Lightning."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from ganbench.core import arguments
from ganbench.core.errors import UsageError, unknown

if TYPE_CHECKING:
    from lightning import Callback

    from ganbench.analysis.verdicts import Verdict

FINAL = ("diverged", "total collapse")  # what a run does not come back from


class Watching(Protocol):
    """What a monitor shows of a run."""

    @property
    def verdict(self) -> Verdict | None:
        """Return the failure that holds now."""
        ...


class StopOnVerdict:
    """Says when to stop: once one of the named verdicts has held for `patience` steps in a row.

    Args:
        monitor: of the run.
        verdicts: which ones; by default those that a run does not come back from.
        patience: steps; a passing alarm ends nothing.

    Raises:
        UsageError: no verdict has such a name.

    Example:
        >>> stop = StopOnVerdict(monitor)  # doctest: +SKIP
        >>> for real in loader:  # doctest: +SKIP
        ...     monitor.step(real=real, fake=fake)
        ...     if stop():
        ...         print(stop.reason)
        ...         break
    """

    def __init__(self, monitor: Watching, verdicts: Collection[str] = FINAL, patience: int = 200) -> None:
        from ganbench.analysis.verdict_rules import HEALTHY, RULES

        known = {rule.verdict for rule in RULES} - {HEALTHY}
        named = arguments.texts("StopOnVerdict: verdicts", verdicts)
        for name in named:
            if name not in known:
                raise UsageError(unknown("verdict", name, known))
        if not named:
            raise UsageError(f"StopOnVerdict: verdicts is empty; name some of: {', '.join(sorted(known))}")
        self._patience = arguments.whole("StopOnVerdict: patience", patience, least=1)
        try:
            watching = hasattr(type(monitor), "verdict") or hasattr(monitor, "verdict")
        except Exception:  # noqa: BLE001 - its own way of looking for attributes
            watching = False
        if not watching:
            raise UsageError(f"StopOnVerdict: monitor is {arguments.shown(monitor)}; give a ganbench.Monitor")
        self._monitor, self._verdicts = monitor, frozenset(named)
        self._held = 0
        self.reason = ""

    def __call__(self) -> bool:
        """Take in one step, after the monitor has; return whether to stop. `reason` then says why, and what to try."""
        verdict = self._monitor.verdict
        self._held = self._held + 1 if verdict is not None and verdict.verdict in self._verdicts else 0
        if verdict is not None and self._held >= self._patience:
            self.reason = f"{verdict.verdict}: {verdict.text}; remedy: {verdict.remedy}"
        return bool(self.reason)


def lightning_callback(verdicts: Collection[str] = FINAL, patience: int = 200, monitor: str = "monitor") -> Callback:
    """Return a Lightning callback that stops the trainer: `Trainer(callbacks=[lightning_callback()])`.

    Args:
        verdicts: see `StopOnVerdict`.
        patience: in training batches.
        monitor: the attribute of the module that holds its `ganbench.Monitor`.

    Raises:
        MissingPackageError: lightning is not installed.
        UsageError: no verdict has such a name, or the module has no monitor there.
    """
    from ganbench.core.extras import require

    require("lightning")
    from lightning import Callback, LightningModule, Trainer

    class Stopper(Callback):
        """Asks after each batch."""

        def __init__(self) -> None:
            self._stop: StopOnVerdict | None = None

        def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object, **__: object) -> None:
            """Stop the trainer once the verdict has held long enough."""
            if self._stop is None:
                watched = getattr(pl_module, monitor, None)
                if watched is None:
                    name = type(pl_module).__name__
                    raise UsageError(f"{name} has no attribute {monitor!r}; keep its ganbench.Monitor there")
                self._stop = StopOnVerdict(watched, verdicts, patience)
            if self._stop():
                trainer.should_stop = True

    return Stopper()

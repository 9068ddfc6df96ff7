"""Who trains the trials of a plan. `EXECUTORS` is all that the rest of ganbench knows of an executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ganbench.sweep.job_source import JobSource
    from ganbench.sweep.progress import Progress
    from ganbench.sweep.signals import Interrupts

ExecutorName = Literal["ray", "local"]


class Train(Protocol):
    """Trains every job; each leaves a part or a failure in the results folder."""

    def __call__(
        self, source: JobSource, progress: Progress, interrupts: Interrupts, *, jobs: int | None, address: str | None
    ) -> None:
        """Train.

        Args:
            source: the jobs.
            progress: is told where each trial stands.
            interrupts: the signals that came; `check` raises the first.
            jobs: trials at a time; None for as many as fit.
            address: of a cluster to attach to; None for none.
        """
        ...


@dataclass(frozen=True)
class Executor:
    """A way to execute trials, and what the commands have to know of it.

    Attributes:
        summary: how it trains trials, for the help of `--executor`.
        in_process: it trains one trial after the other in this process, which knows every class that a script defined.
        attaches: `--address` names a cluster that it can attach to.
        searches: it can follow an adaptive search, whose jobs are not known beforehand.
        packages: what it needs beside ganbench's own requirements (`core/extras.py`).
    """

    summary: str
    train: Train
    in_process: bool = False
    attaches: bool = False
    searches: bool = False
    packages: tuple[str, ...] = ()


def _ray(
    source: JobSource, progress: Progress, interrupts: Interrupts, *, jobs: int | None, address: str | None
) -> None:
    from ganbench.sweep.executors.ray_session import ray_environment

    with ray_environment(address, source.template.threads):
        from ganbench.sweep.executors import ray_tune

        ray_tune.train(source, progress, interrupts, jobs=jobs, address=address)


def _local(
    source: JobSource, progress: Progress, interrupts: Interrupts, *, jobs: int | None, address: str | None
) -> None:
    from ganbench.sweep.executors import local

    local.train(source, progress, interrupts)


EXECUTORS: dict[ExecutorName, Executor] = {
    "ray": Executor("side by side in Ray's processes", _ray, attaches=True, searches=True, packages=("ray",)),
    "local": Executor("one after the other in this process", _local, in_process=True),
}

"""What of a run's trials is done or begun, as the results folder has it, and the line that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganbench.core.files import storing
from ganbench.core.results_files import BrokenFileError, read_with_checksum
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress import Progress


def missing_of(jobs: Sequence[TrialJob]) -> list[TrialJob]:
    """Return the jobs of trials without a part."""
    return [job for job in jobs if not job.done]


def announce(jobs: Sequence[TrialJob], missing: Sequence[TrialJob], progress: Progress) -> None:
    """Say what is done again and why, and forget old failures."""
    from ganbench.tables import part_store

    failed = [job for job in missing if part_store.read_failure(job.folder, job.key)]
    begun = sum(_has_checkpoint(job) for job in missing)
    for job in failed:
        part_store.clear_failure(job.folder, job.key)
    if len(missing) == len(jobs) and not failed and not begun:
        return
    notes = [f"{len(jobs) - len(missing)} of {len(jobs)} trials are already done"]
    notes += [f"{len(failed)} failed before and are tried again"] if failed else []
    notes += [f"{begun} go on from their checkpoints"] if begun else []
    progress.say("; ".join(notes))


def _has_checkpoint(job: TrialJob) -> bool:
    """Return whether there is a checkpoint; one that is damaged is moved to `quarantine/`, with a warning."""
    return any([_is_whole(job, path) for path in job.checkpoints()])


def _is_whole(job: TrialJob, checkpoint: Path) -> bool:
    with storing(job.folder):  # what cannot be read just now may be whole
        try:
            read_with_checksum(checkpoint)
        except BrokenFileError as problem:
            job.drop_checkpoint(checkpoint, str(problem))
            return False
    return True

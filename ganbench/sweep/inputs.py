"""What trials need besides their configuration: the files of data sets, and extractors with unchanged weights."""

from __future__ import annotations

from collections.abc import Iterable

from ganbench.core import registry
from ganbench.core.errors import SeveralErrors, UsageError, component_errors
from ganbench.core.trial import Trial
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.sweep.jobs import TrialJob


def prepare_inputs(trials: Iterable[Trial]) -> None:
    """Let every data set and extractor get ready once, before trials need them side by side.

    Raises:
        UsageError: files or weights are missing; says where to get each of them.
    """
    datasets = {trial.dataset.label: trial.dataset.build() for trial in trials}
    problems = {label: problem for label, one in datasets.items() if (problem := _unprepared(label, one))}
    extractors = {one.extractor_name for label, one in datasets.items() if label not in problems}
    for name in sorted(extractors):
        if problem := _unprepared(name, registry.build(Extractor, name)):
            problems[name] = problem
    if len(problems) > 1:
        raise SeveralErrors([str(problem) for problem in problems.values()])
    for problem in problems.values():
        raise problem


def _unprepared(label: str, component: Dataset | Extractor) -> UsageError | None:
    """Return why a component cannot get ready; None where it is."""
    try:
        with component_errors(f"{label}: its preparation"):
            component.prepare()
    except UsageError as problem:
        return problem
    return None


def require_same_extractors(finished: Iterable[TrialJob]) -> None:
    """Raise where the parts of finished trials were judged by other weights than those that are here now.

    Absent weights change nothing.

    Raises:
        UsageError: new trials beside those parts could not be compared with them.
    """
    from ganbench.tables import part_store

    here: dict[str, str | None] = {}
    for job in finished:
        name = job.trial.dataset.build().extractor_name
        if name not in here:
            here[name] = identity(job.trial)
        runs = part_store.read_table(job.folder, job.key, "runs", ["extractor"]) if here[name] is not None else None
        judged = sorted(set(runs["extractor"].dropna()) - {here[name]}) if runs is not None else []
        if judged:
            raise UsageError(
                f"{job.trial.name}: was judged by {judged[0]}, and the weights are now those of {here[name]}; "
                f"name the old weights, or another folder: --results FOLDER"
            )


def identity(trial: Trial) -> str | None:
    """Return name and hash of the weights of a trial's extractor; None for one without any, or if they are absent."""
    extractor = registry.build(Extractor, trial.dataset.build().extractor_name)
    if not hasattr(extractor, "weights_hash"):
        return None
    try:
        return extractor.identity()
    except UsageError:
        return None

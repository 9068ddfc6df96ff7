"""Whether finished trials were judged by the weights that extractors would now read: other weights, other numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.core.trial import Trial
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.sweep.trial_runner import TrialJob


def same_extractors(finished: Iterable[TrialJob]) -> None:
    """Look whether the parts of finished trials carry the weights that are here now; absent weights change nothing.

    Raises:
        UsageError: they carry others, so that new trials beside them could not be compared with them.
    """
    from ganbench.tables import part_store as store

    here: dict[str, str | None] = {}
    for work in finished:
        name = cast(Dataset, work.trial.dataset.build()).extractor_name
        if name not in here:
            here[name] = identity(work.trial)
        runs = store.read_table(work.folder, work.key, "runs", ["extractor"]) if here[name] is not None else None
        judged = sorted(set(runs["extractor"].dropna()) - {here[name]}) if runs is not None else []
        if judged:
            raise UsageError(
                f"{work.trial.name}: was judged by {judged[0]}, and the weights are now those of {here[name]}; "
                f"name the old weights, or another folder: --results FOLDER"
            )


def identity(trial: Trial) -> str | None:
    """Return what tells a trial's extractor with weights apart; None for one without any, or if they are not here."""
    name = cast(Dataset, trial.dataset.build()).extractor_name
    feature = cast(Extractor, registry.build("extractor", name, {}))
    if not hasattr(feature, "weights_hash"):
        return None
    try:
        return feature.identity()
    except UsageError:
        return None

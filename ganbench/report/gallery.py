"""What the trials of a data set made, side by side at one scale: real samples first, then each trial's last ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.report.cards import median_run
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.pictures import Picture, picture
from ganbench.report.rows import Row
from ganbench.report.wording import Label

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Still:
    """The last samples of a trial's median run; `anchor` is where its other steps are."""

    label: Label
    anchor: str
    picture: Picture


@dataclass(frozen=True)
class Gallery:
    """Real samples, and the trials' stills in the order of the ranking."""

    real: Picture
    stills: list[Still]


def gallery(
    rows: Sequence[Row],
    runs: Mapping[str, pd.DataFrame],
    samples: Mapping[str, Mapping[str, np.ndarray]],
    data: DatasetResults,
) -> Gallery | None:
    """Return the gallery of these rows; None where fewer than two have pictures.

    Args:
        rows: of the ranking, best first.
        runs: trial → its rows of `runs`.
        samples: trial → its pictures.
        data: of the data set; its leading metric chooses the median run.
    """
    kept = {row.trial: samples[row.trial] for row in rows if row.trial in samples and len(samples[row.trial]["steps"])}
    if len(kept) < 2:
        return None
    first = next(iter(kept.values()))["real"]
    front = first if first.ndim == 4 else first[:0]  # points: the grey ones behind are the real ones
    stills = []
    for row in rows:
        if row.trial in kept:
            one, chosen = kept[row.trial], median_run(runs[row.trial], data.lead, data.fill)
            step, text = int(one["steps"][-1]), f"{row.label}, {chosen.text}"
            drawn = picture(one["samples"][-1, chosen.position], one["real"], step, text)
            stills.append(Still(row.label, row.anchor if row.detailed else f"r-{row.trial}", drawn))
    return Gallery(picture(front, first, 0, "real samples"), stills)

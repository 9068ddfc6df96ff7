"""Results with what analysis says of them, worked out once for everything that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.analysis.ranking import ranking
from ganbench.analysis.verdicts import verdicts

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.tables.results import Results


@dataclass(frozen=True)
class AnalysedResults:
    """The results of a run, their ranking and their verdicts."""

    results: Results

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Return a row a trial."""
        return ranking(self.results)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Return a row a run."""
        return verdicts(self.results)

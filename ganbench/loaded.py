"""What `ganbench.load` and `Suite.run` return: a run's tables, and the tables that are worked out of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.tables import results as tables

if TYPE_CHECKING:
    import pandas as pd


class Results(tables.Results):
    """A run's tables, with what the analysis makes of them.

    Example:
        >>> results = ganbench.load("results/mode_collapse")  # doctest: +SKIP
        >>> results.robustness()[["method", "healthy", "healthy_low", "healthy_high"]]  # doctest: +SKIP
    """

    def ranking(self) -> pd.DataFrame:
        """Return one row per trial, the best first (`ganbench.analysis.ranking`)."""
        from ganbench.analysis.ranking import ranking

        return ranking(self)

    def verdicts(self) -> pd.DataFrame:
        """Return one row per run: what went wrong and the evidence (`ganbench.analysis.verdicts`)."""
        from ganbench.analysis.verdicts import verdicts

        return verdicts(self)

    def robustness(self) -> pd.DataFrame:
        """Return how robust each method is over the settings of `vary` (`ganbench.analysis.robustness`)."""
        from ganbench.analysis.robustness import robustness

        return robustness(self)

    def budget(self, measure: str | None = None) -> pd.DataFrame:
        """Return what the best of k settings is expected to reach (`ganbench.analysis.budget`)."""
        from ganbench.analysis.budget import budget

        return budget(self, measure)

    def tuned(self) -> pd.DataFrame:
        """Return each method's best settings on fresh seeds (`ganbench.analysis.tuned`)."""
        from ganbench.analysis.tuned import tuned

        return tuned(self)

    def tuned_pairs(self, measure: str | None = None) -> pd.DataFrame:
        """Return exact tests between methods on these fresh seeds (`ganbench.analysis.tuned`)."""
        from ganbench.analysis.tuned import tuned_pairs

        return tuned_pairs(self, measure)

    def pairwise(self, measure: str | None = None) -> pd.DataFrame:
        """Return exact tests of every pair of methods over settings (`ganbench.analysis.pairwise`)."""
        from ganbench.analysis.pairwise import pairwise

        return pairwise(self, measure)

    def sensitivity(self, measure: str | None = None) -> pd.DataFrame:
        """Return how much of the variance each number explains (`ganbench.analysis.sensitivity`)."""
        from ganbench.analysis.sensitivity import sensitivity

        return sensitivity(self, measure)

    def marginal_curves(self, measure: str | None = None) -> pd.DataFrame:
        """Return the measure as it depends on each number (`ganbench.analysis.sensitivity`)."""
        from ganbench.analysis.sensitivity import marginal_curves

        return marginal_curves(self, measure)


def load(path: str | Path) -> Results:
    """Return the results of a run's folder, or of the newest run in a suite's folder.

    Raises:
        UsageError: no run is there, or one of its files cannot be read.
    """
    loaded = tables.load(path)
    return Results(**{field.name: getattr(loaded, field.name) for field in fields(loaded)})

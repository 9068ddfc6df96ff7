"""How often a monitor says what goes wrong while it does, and that it leaves healthy training in peace.

`pytest -m verify tests/verify/test_online_verdicts.py` makes `results/baselines/online_verdicts.csv`. The runs are
independent, and the rule was fixed before they were trained, so that shares of them have Clopper and Pearson's bounds.
"""

from __future__ import annotations

import csv
import logging

import pytest
from scipy.stats import binom

import ganbench
from tests.helpers import ROOT
from tests.helpers.planted import train

TABLE = ROOT / "results" / "baselines" / "online_verdicts.csv"
# Steps and seeds: NS + R1, and NS with a wide discriminator and n_critic 5, on the ring of 8.
KINDS = {"healthy": (1500, range(2000, 2160)), "collapse": (480, range(2000, 2032))}
# A discriminator that is too strong collapses most seeds, and not all: a run has collapsed where its samples spread
# over less than half of the data's width at its end, a limit that no rule has.
COLLAPSED = 0.5
MOST_ALARMS, MOST_MISSED = 0.02, 1 / 16
CHANCE = 0.01  # that a monitor which is exactly as good as that fails the test, for each of the two


def most_wrong(runs: int, share: float) -> int:
    """Return the most of so many runs that may be wrong."""
    return int(binom.isf(CHANCE, runs, share))


def test_limits_leave_room_for_a_monitor_as_good_as_asked_and_for_none_much_worse():
    # One that accuses an eighth of the healthy runs, or misses half of the collapses, does not pass.
    for runs, asked, worse in ((160, MOST_ALARMS, 1 / 8), (25, MOST_MISSED, 1 / 2)):
        most = most_wrong(runs, asked)
        assert binom.sf(most, runs, asked) <= CHANCE < binom.sf(most - 1, runs, asked)
        assert binom.cdf(most, runs, worse) < CHANCE


@pytest.mark.verify
def test_warnings_of_fresh_seeds(tmp_path, caplog):
    rows = []
    for kind, (steps, seeds) in KINDS.items():
        for seed in seeds:
            caplog.clear()
            with caplog.at_level(logging.WARNING, "ganbench.monitor"):
                train(tmp_path / f"{kind}-{seed}", kind, steps, seed)
            rows.append(
                {"training": kind, "seed": seed, "steps": steps, **outcome(tmp_path / f"{kind}-{seed}", caplog)}
            )
    with open(TABLE, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    healthy = [row["warnings"] for row in rows if row["training"] == "healthy"]
    collapsed = [row["warnings"] for row in rows if row["training"] == "collapse" and row["spread"] < COLLAPSED]
    assert len(collapsed) >= 25
    assert sum(map(bool, healthy)) <= most_wrong(len(healthy), MOST_ALARMS)
    assert sum("collapse" not in said for said in collapsed) <= most_wrong(len(collapsed), MOST_MISSED)


def outcome(folder, caplog):
    """Return how far a run's samples spread at its end, when it was warned of first, and of what."""
    lines = [record.getMessage() for record in caplog.records]
    spread = ganbench.load(folder).history["total_spread"].dropna().iloc[-1]
    first = lines[0].split(":")[0].removeprefix("step ") if lines else ""
    said = "; ".join(line.split(":")[1].strip() for line in lines)
    return {"spread": round(float(spread), 3), "first_warning": first, "warnings": said}

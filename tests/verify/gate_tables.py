"""Simulates how often the gate is wrong, and writes results/baselines/gate_simulations.csv.

`python tests/verify/gate_tables.py` makes the column `after`, one row after another, and goes on where it was cut off;
`--again` makes all of it anew. The column `before` is of the revision in `BEFORE`, by the same file on its package:

    git worktree add /tmp/before 9c90561
    PYTHONPATH=/tmp/before:. python tests/verify/gate_tables.py --column before

Every number is the share of draws in which `compare` gives the outcome in the row. Where nothing is lost, `worse` is a
false alarm; where the true loss is the margin or more, `equivalent` (formerly `same`) is a false pass.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.analysis import comparison
from ganbench.analysis.comparison_rules import Limit, Rules
from ganbench.core.column import Direction

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "results/baselines/gate_simulations.csv"
BEFORE = "9c90561"
HEADS = ("what", "outcome", "baseline", "now", "alpha", "draws", "before", "after")
REAL = pd.read_csv(ROOT / "tests/analysis/real_seeds.csv")
LATER = REAL[REAL["steps"] == REAL["steps"].max()]
FIELDS = {field.name for field in dataclasses.fields(comparison.Arms)}
comparison.DRAWS = 9_999  # of a drawn test, ten times fewer than in a check: p = .01 is ± .001


def remembered(function):
    """Return a function of two samples that works out none twice: columns that hardly vary are often the same."""
    known = {}

    def call(first, second, *more, **options):
        key = (np.asarray(first).tobytes(), np.asarray(second).tobytes(), more, tuple(options.items()))
        if key not in known:
            known[key] = function(first, second, *more, **options)
        return known[key]

    return call


for name in ("permutation_test", "paired_test", "largest_loss", "evidence", "upper_bound"):
    if hasattr(comparison, name):  # the older revision has others
        setattr(comparison, name, remembered(getattr(comparison, name)))
CALLED = {"equivalent": ("equivalent", "same"), "worse": ("worse",)}

Draw = Callable[[np.random.Generator, int, int], list[comparison.Arms]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One number: what is drawn, with how many seeds, and which outcome is counted (in any of the arms)."""

    what: str
    outcome: str
    draw: Draw
    baseline: int
    now: int
    draws: int = 400
    alpha: float = 0.01
    margin: float = 0.0


def arm(base, now, direction: Direction = "higher", low=-np.inf, high=np.inf, paired=False, metric="score"):
    """Return arms of either revision; what the older one does not know is left out."""
    more = {name: v for name, v in {"low": low, "high": high, "paired": paired}.items() if name in FIELDS}
    return comparison.Arms("t", "t", metric, direction=direction, baseline=base, now=now, **more)


def failing(rate, good, bad):
    """Return arms whose runs of the second side end at `bad` with this rate, and all others at `good`."""

    def draw(rng, n, m):
        return [arm(np.full(n, float(good)), np.where(rng.random(m) < rate, bad, good).astype(float), low=0, high=8)]

    return draw


def fid(rng, n, m):
    """A tenth of the runs now at six times the value: the loss is half of it."""
    now = rng.normal(1, 0.05, m) * np.where(rng.random(m) < 0.1, 6, 1)
    return [arm(rng.normal(1, 0.05, n), now, "lower", low=0)]


def fid_capped(rng, n, m):
    """The same where no run counts as worse than 10."""
    now = rng.normal(1, 0.05, m) * np.where(rng.random(m) < 0.1, 6, 1)
    return [arm(rng.normal(1, 0.05, n), now, "lower", low=0, high=10)]


def normal(first=1.0, second=1.0, drop=0.0, correlation=None):
    """Return arms of normal seeds with these spreads; seeds that both sides share have a correlation."""

    def draw(rng, n, m):
        x, y = rng.normal(size=n), rng.normal(size=m)
        if correlation is not None:
            y = correlation * x + np.sqrt(1 - correlation**2) * y
        return [arm(first * x, second * y - drop, paired=correlation is not None)]

    return draw


def bounded(drop):
    """Quality of about .9, SD .05, in [0, 1]; so much less now."""

    def draw(rng, n, m):
        base, now = (np.clip(rng.normal(0.9 - d, 0.05, k), 0, 1) for d, k in ((0, n), (drop, m)))
        return [arm(base, now, low=0, high=1)]

    return draw


def skewed(rng, n, m):
    return [arm(np.exp(rng.normal(size=n)), np.exp(rng.normal(size=m)), "lower", low=0)]


def steady_against_failing(rng, n, m):
    """Equal means of 7.2: always near it, and 8 with every tenth run at 0."""
    base = 7.2 + 0.1 * rng.normal(size=n)
    return [arm(base, np.where(rng.random(m) < 0.1, 0.0, 8.0), low=0, high=8)]


def later(drop):
    """Disjoint draws of the 64 real seeds in tests/analysis/real_seeds.csv, `drop` modes lost."""
    values = np.asarray(LATER["modes_captured"])

    def draw(rng, n, m):
        drawn = values[rng.permutation(len(values))[: n + m]]
        return [arm(drawn[:n], np.maximum(drawn[n:] - drop, 0.0), low=0, high=8)]

    return draw


def many(lost):
    """Fifty columns of modes that hardly vary (8, every twentieth run 7); the first loses `lost` modes in every run."""

    def draw(rng, n, m):
        columns = [np.where(rng.random(n + m) < 0.05, 7.0, 8.0) for _ in range(50)]
        sides = [(x[:n], x[n:] - (lost if i == 0 else 0)) for i, x in enumerate(columns)]
        return [arm(a, b) for a, b in sides]

    return draw


def half_lost(rng, n, m):
    """Fifty such columns; in the first one half of the runs now lose two modes."""
    (first, *others) = many(0)(rng, n, m)
    now = first.now - 2 * (rng.random(m) < 0.5)
    return [dataclasses.replace(first, now=now), *others]


CASES = [
    *(
        Case(
            "8 modes always; now 0 in 10 % (true loss .8, margin .5)",
            "equivalent",
            failing(0.1, 8, 0),
            n,
            n,
            400,
            margin=0.5,
        )
        for n in (8, 16, 32)
    ),
    *(
        Case(
            "8 modes always; now 4 in 12.5 % (true loss .5, margin .5)",
            "equivalent",
            failing(0.125, 8, 4),
            n,
            n,
            400,
            margin=0.5,
        )
        for n in (8, 16, 32)
    ),
    *(
        Case("FID 1; now 6 in 10 % (true loss .5, margin .5)", "equivalent", fid, n, n, 400, margin=0.5)
        for n in (8, 16)
    ),
    Case("the same, at most 10 a run", "equivalent", fid_capped, 16, 16, 400, margin=0.5),
    Case("quality .9, SD .05; .2 less (margin .2)", "equivalent", bounded(0.2), 16, 16, 400, margin=0.2),
    *(
        Case("quality .9, SD .05; no loss (margin .2)", "equivalent", bounded(0), n, n, 400, margin=0.2)
        for n in (8, 16, 32)
    ),
    *(
        Case("8 modes on both sides; no loss (margin 1)", "equivalent", failing(0, 8, 0), n, n, 400, margin=1.0)
        for n in (8, 16, 32, 64)
    ),
    Case("real seeds, later; no loss (margin 1)", "equivalent", later(0), 32, 32, 400, margin=1.0),
    Case("equal means, SD .2 against 1", "worse", normal(0.2, 1.0), 32, 8, 400),
    Case("equal means, SD 1 against .2", "worse", normal(1.0, 0.2), 32, 8, 400),
    Case("equal means, SD .2 against 1", "worse", normal(0.2, 1.0), 16, 16, 400),
    Case("equal means, 7.2 against 8 with 10 % at 0", "worse", steady_against_failing, 16, 16, 400),
    Case("equal sides, log-normal", "worse", skewed, 8, 8, 400),
    Case("equal sides, log-normal", "worse", skewed, 16, 16, 400),
    *(
        Case(
            f"equal means, shared seeds, correlation {r:+g}",
            "worse",
            normal(correlation=r),
            n,
            n,
            400,
        )
        for n in (8, 16)
        for r in (-0.5, 0.0, 0.5)
    ),
    Case("50 columns that hardly vary: any alarm", "worse", many(0), 16, 16, 400),
    Case("50 columns that hardly vary, half of the runs of one lose 2 modes", "worse", half_lost, 16, 16, 400),
    Case("50 columns that hardly vary, one loses a mode", "worse", many(1), 8, 8, 400),
    *(Case("normal, 1.5 SD lost: found", "worse", normal(drop=1.5), n, n, 400) for n in (8, 16)),
    *(
        Case(
            f"normal, 1.5 SD lost, shared seeds, correlation {r:+g}: found",
            "worse",
            normal(drop=1.5, correlation=r),
            16,
            16,
            400,
        )
        for r in (-0.5, 0.0, 0.5)
    ),
    *(Case("real seeds, later, a mode lost: found", "worse", later(1), n, n, 400) for n in (8, 16)),
]


def share(case: Case, seed: int = 0) -> float:
    """Return how often a case has its outcome in any of its arms."""
    rng = np.random.default_rng(seed)
    rules = Rules(alpha=case.alpha, margins={"*": Limit(case.margin)} if case.margin else {})
    hits = 0
    for _ in range(case.draws):
        rows = comparison.compare(case.draw(rng, case.baseline, case.now), rules)
        hits += any(str(row.outcome) in CALLED[case.outcome] for row in rows)
    return hits / case.draws


def main() -> None:
    """Fill the rows of a column that are not there yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--column", choices=("before", "after"), default="after")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", type=Path, default=TABLE)
    asked = parser.parse_args()
    old = {}
    if asked.table.exists():
        with asked.table.open(encoding="utf-8", newline="") as file:
            old = {tuple(row[h] for h in HEADS[:6]): row for row in csv.DictReader(file)}
    rows = []
    for case in CASES:
        texts = tuple(map(str, (case.what, case.outcome, case.baseline, case.now, case.alpha, case.draws)))
        rows.append(old.get(texts) or dict(zip(HEADS, (*texts, "", ""), strict=True)))
        if asked.again:
            rows[-1][asked.column] = ""
    for case, row in zip(CASES, rows, strict=True):
        if row[asked.column] == "":
            row[asked.column] = f"{share(case):.4f}"
            with asked.table.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, HEADS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            print(*row.values(), sep=" | ", flush=True)


if __name__ == "__main__":
    main()

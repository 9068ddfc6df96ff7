"""Simulates what the comparison promises, from real runs, and writes results/baselines/comparison_simulations.csv.

`python tests/verify/comparison_tables.py` (about two minutes): false alarms, power, seeds of a sequential check and
coverage of intervals, each from draws of the 64 real seeds in tests/analysis/real_seeds.csv.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ganbench.analysis.comparison import compare, scores
from ganbench.analysis.comparison_rows import Arms, Outcome
from ganbench.analysis.comparison_rules import Rules
from ganbench.analysis.sequential import compare_sequentially, looks
from ganbench.analysis.statistics import median_interval, t_interval
from ganbench.core.column import Direction
from tests.helpers import ROOT

TABLE = ROOT / "results/baselines/comparison_simulations.csv"
REAL = pd.read_csv(ROOT / "tests/analysis/real_seeds.csv")
HALFWAY, LATER = (part for _, part in REAL.groupby("steps"))
TABLES = {"halfway": HALFWAY, "later": LATER}
METRICS: dict[str, Direction] = {
    "modes_captured": "higher",
    "hq_fraction": "higher",
    "mode_kl": "lower",
    "fid": "lower",
}


def sides(rng, table, metric, n, drop=0.0):
    """Return two disjoint draws of n real seeds, the second with so much less (modes alone lose any)."""
    values = table[metric].to_numpy()[rng.permutation(len(table))[: 2 * n]]
    return scores(values[:n], np.maximum(values[n:] - drop, 0.0) if drop else values[n:], METRICS[metric])


def arm(base, now, metric, trial="t"):
    return Arms(trial, trial, metric, direction=METRICS[metric], baseline=base, now=now)


def fixed(name, metric, n, alpha, draws, drop=0.0, seed=0):
    """Return the share of draws that are called worse."""
    rng = np.random.default_rng(seed)
    found = sum(
        compare([arm(*sides(rng, TABLES[name], metric, n, drop), metric)], Rules(alpha=alpha))[0].outcome
        == Outcome.WORSE
        for _ in range(draws)
    )
    return found / draws


def suites(trials, n, alpha, draws, sequential=False, seed=0):
    """Return the share of suites of null comparisons with any alarm, and the seeds spent as a share."""
    rng, alarms, spent = np.random.default_rng(seed), 0, 0.0
    names = [str(i) for i in range(trials)]
    for _ in range(draws):
        drawn = {name: sides(rng, HALFWAY, "modes_captured", n) for name in names}
        if sequential:
            found = sequential_of(drawn, "modes_captured", n, alpha)
            rows, spent = found.rows, spent + sum(found.seeds.values()) / (n * trials)
        else:
            rows, spent = compare([arm(*drawn[x], "modes_captured", x) for x in names], Rules(alpha=alpha)), spent + 1
        alarms += any(row.outcome == Outcome.WORSE for row in rows)
    return alarms / draws, spent / draws


def sequential_of(drawn, metric, n, alpha):
    """Return the sequential comparison of trials whose seeds come as the looks ask for them."""

    def draw(trials, look):
        return [arm(drawn[x][0], drawn[x][1][: look.seeds], metric, x) for x in trials]

    return compare_sequentially(list(drawn), draw, looks(n, n, alpha), Rules(alpha=alpha))


def sequentially(name, metric, n, alpha, draws, drop=0.0, seed=0):
    """Return the share of draws that are called worse, and the seeds spent as a share of n."""
    rng = np.random.default_rng(seed)
    found = [sequential_of({"t": sides(rng, TABLES[name], metric, n, drop)}, metric, n, alpha) for _ in range(draws)]
    worse = np.mean([one.rows[0].outcome == Outcome.WORSE for one in found])
    return float(worse), float(np.mean([one.seeds["t"] / n for one in found]))


def coverage(name, metric, n, draws, seed=0):
    """Return how often the t-interval covers the mean of all 64, and that of order statistics their median."""
    values = TABLES[name][metric].to_numpy()
    drawn = np.random.default_rng(seed).choice(values, (draws, n))
    mean, median = values.mean(), np.median(values)
    t = np.mean([one.low <= mean <= one.high for one in map(t_interval, drawn)])
    return float(t), float(np.mean([one.low <= median <= one.high for one in map(median_interval, drawn)]))


def main() -> None:
    """Write the table."""
    rows = []

    def keep(what, table, metric, seeds, alpha, draws, value):
        rows.append((what, table, metric, seeds, alpha, draws, round(value, 4)))
        print(*rows[-1], flush=True)

    for metric in METRICS:
        for n in (5, 16):
            keep("false alarms", "halfway", metric, n, 0.05, 500, fixed("halfway", metric, n, 0.05, 500))
    for alpha in (0.01, 0.05):
        keep(
            "false alarms",
            "halfway",
            "modes_captured",
            16,
            alpha,
            4000,
            fixed("halfway", "modes_captured", 16, alpha, 4000),
        )
    keep("false alarms of 50 trials", "halfway", "modes_captured", 10, 0.05, 400, suites(50, 10, 0.05, 400)[0])
    worse, spent = suites(50, 16, 0.05, 200, sequential=True)
    keep("sequential: false alarms of 50 trials", "halfway", "modes_captured", 16, 0.05, 200, worse)
    keep("sequential: seeds spent, 50 trials", "halfway", "modes_captured", 16, 0.05, 200, spent)
    for name in TABLES:
        for n in (8, 16, 32):
            keep(
                "one mode lost, found",
                name,
                "modes_captured",
                n,
                0.01,
                400,
                fixed(name, "modes_captured", n, 0.01, 400, 1.0),
            )
        for drop, draws, told in ((0.0, 2000, "nothing lost"), (1.0, 400, "one mode lost")):
            worse, spent = sequentially(name, "modes_captured", 16, 0.01, draws, drop)
            keep(f"sequential: {told}, called worse", name, "modes_captured", 16, 0.01, draws, worse)
            keep(f"sequential: {told}, seeds spent", name, "modes_captured", 16, 0.01, draws, spent)
        for metric in METRICS:
            for n in (5, 8, 16):
                t, median = coverage(name, metric, n, 4000)
                keep("coverage of the t-interval (mean)", name, metric, n, 0.05, 4000, t)
                keep("coverage of order statistics (median)", name, metric, n, 0.05, 4000, median)
    columns = ["what", "table", "metric", "seeds", "alpha", "draws", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()

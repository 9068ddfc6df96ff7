"""Simulates what the analysis over settings promises, and writes results/baselines/vary_simulations.csv.

`python tests/verify/vary_tables.py` (about two minutes): coverage of the intervals of the robust share, of means over
settings and of the budget curve, false alarms of all pairs together, and errors of the sensitivity's shares.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import qmc

from ganbench.analysis.budget import budget_curve, budget_interval
from ganbench.analysis.functional_anova import fit_forest
from ganbench.analysis.pairwise import pairwise_of
from ganbench.analysis.robustness import share_over_settings
from ganbench.analysis.statistics import t_interval
from tests.helpers import ROOT
from tests.helpers.varied import varied_of

TABLE = ROOT / "results/baselines/vary_simulations.csv"
SETTINGS, SEEDS = 16, 4
BUDGETS = ("order statistics (median best)", "jackknife (expected best)")
# How the value of a setting is distributed: smooth, skewed as distances are, and piled up at the best as modes are.
LAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "log-normal": lambda rng, n: rng.lognormal(size=n),
    "modes of 8": lambda rng, n: np.minimum(8.0, 8.0 * rng.beta(1.0, 0.6, size=n) + 0.5),
}


def bootstrap_interval(values, rng, draws=499):
    means = values[rng.integers(0, len(values), (draws, len(values)))].mean(1)
    return np.quantile(means, [0.025, 0.975])


def share_coverage(share, correlation, draws, seed=0):
    """Return how often each interval holds the true share; a setting's own share is Beta with that correlation."""
    rng = np.random.default_rng(seed)
    a, b = share * (1 / correlation - 1), (1 - share) * (1 / correlation - 1)
    held = np.zeros(3)
    for _ in range(draws):
        shares = rng.binomial(SEEDS, rng.beta(a, b, SETTINGS)) / SEEDS
        ours, t = share_over_settings(shares, SEEDS), t_interval(shares)
        ends = [(ours.low, ours.high), (t.low, t.high), bootstrap_interval(shares, rng)]
        held += [low - 1e-12 <= share <= high + 1e-12 for low, high in ends]
    return held / draws


def mean_coverage(law, draws, seed=0):
    rng = np.random.default_rng(seed)
    truth, held = LAWS[law](rng, 10**6).mean(), 0
    for _ in range(draws):
        interval = t_interval(LAWS[law](rng, SETTINGS))
        held += interval.low <= truth <= interval.high
    return held / draws


def budget_coverage(law, k, draws, seed=0):
    """Return how often the interval holds the median best of k, and a jackknife interval the expected best."""
    rng = np.random.default_rng(seed)
    best = LAWS[law](rng, 200_000 * k).reshape(-1, k).max(1)
    median, expected, held = float(np.median(best)), float(best.mean()), np.zeros(2)
    for _ in range(draws):
        values = LAWS[law](rng, SETTINGS)
        interval = budget_interval(values, k)
        low, high = jackknife_interval(values, k)
        better = np.inf if np.isnan(interval.high) else interval.high
        held += interval.low <= median <= better, low <= expected <= high
    return held / draws


def jackknife_interval(values, k):
    """Return t's interval of the expected best of k with the jackknife's standard error."""
    n = len(values)
    left_out = np.array([budget_curve(np.delete(values, i))[k - 1] for i in range(n)])
    error = np.sqrt((n - 1) / n * np.square(left_out - left_out.mean()).sum())
    return stats.t.interval(0.95, n - 1, budget_curve(values)[k - 1], error)


def pair_alarms(methods, draws, seed=0):
    """Return how often any of the pairs of equal methods is told apart at 0.05."""
    rng, alarms = np.random.default_rng(seed), 0
    for _ in range(draws):
        common = rng.lognormal(size=(SETTINGS, 1))
        values = {str(i): common * rng.lognormal(size=(SETTINGS, SEEDS)) for i in range(methods)}
        alarms += bool((pairwise_of(varied_of(values))["p_holm"] < 0.05).any())
    return alarms / draws


def share_error(settings, noise, draws, seed=0):
    """Return the root mean square error of the shares of x₁ + 2x₂ (0.2, 0.8, 0), with noise of that SD times f's."""
    rng, errors = np.random.default_rng(seed), []
    for i in range(draws):
        x = qmc.Sobol(3, rng=np.random.default_rng(1000 + i)).random_base2(int(np.log2(settings)))
        f = x[:, 0] + 2 * x[:, 1]
        forest = fit_forest(x, f + noise * np.sqrt(5 / 12) * rng.normal(size=settings), seed=i)
        errors.append([forest.share([j]) - truth for j, truth in enumerate((0.2, 0.8, 0.0))])
    return float(np.sqrt(np.mean(np.square(errors))))


def rows(scale=1.0):
    """Yield what, case, method, draws and value of each line of the table; `scale` takes fewer draws."""
    draws = int(1000 * scale)
    for share in (0.05, 0.12, 0.3, 0.5, 0.81, 0.95):
        for correlation in (0.1, 0.4, 0.8):
            case = f"share {share}, correlation {correlation}"
            methods = ("Wilson over settings", "t over settings", "bootstrap over settings")
            for method, value in zip(methods, share_coverage(share, correlation, draws), strict=True):
                yield "coverage of the robust share", case, method, draws, value
    for law in LAWS:
        yield "coverage of a mean", law, "t over settings", 4 * draws, mean_coverage(law, 4 * draws)
        for k in (1, 2, 4, 8):
            for method, value in zip(BUDGETS, budget_coverage(law, k, draws // 2), strict=True):
                yield "coverage of the budget curve", f"{law}, k {k}", method, draws // 2, value
    for methods in (2, 5):
        n = draws // 2
        yield "false alarms of all pairs", f"{methods} equal methods", "sign-flip, Holm", n, pair_alarms(methods, n)
    for settings in (16, 64):
        for noise in (0.0, 0.5):
            n = max(2, draws // 50)
            case = f"{settings} settings, noise {noise}"
            yield "error of sensitivity's shares", case, "forest", n, share_error(settings, noise, n)


def make(scale=1.0):
    columns = ["what", "case", "method", "draws", "value"]
    return pd.DataFrame(rows(scale), columns=columns).round({"value": 3})


if __name__ == "__main__":
    make().to_csv(TABLE, index=False)
    print(pd.read_csv(TABLE).to_string())

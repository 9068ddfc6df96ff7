"""The statistics that verdicts are read from: a few numbers of each run, with the series that they come from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.analysis.statistics import Values
from ganbench.analysis.verdict_rules import THRESHOLDS
from ganbench.core.status import Status

FEWEST = 8  # evaluations; 60 and more give steady numbers
GOOD_QUALITY = 0.6  # of what real samples get


class Statistic(NamedTuple):
    """A number with its origin.

    Attributes:
        value: NaN where it is not known. column: of the history table.
        steps: what it summarises; none where it is of the run as a whole. series: one value per step, where it has one.
        scale, offset: the series is the column times `scale` plus `offset`; NaN where it is not made so.
    """

    value: float
    column: str
    steps: Values = np.zeros(0)
    series: Values = np.zeros(0)
    scale: float = np.nan
    offset: float = 0.0

    def in_column(self, limit: float) -> float:
        """Return a limit of the statistic in the units of its column; NaN where it has no place there."""
        return (limit - self.offset) / self.scale


History = Mapping[str, Values]  # columns of one run: one value per logged step, in their order
Facts = Mapping[Hashable, Any]  # one run of the table `runs`, or what of it is known while it trains
TEXTS = ("run", "trial")


def in_order(history: pd.DataFrame) -> History:
    """Return a run's rows of the history table as columns in the order of their steps; none without steps."""
    return next(iter(by_run(history.assign(run="").sort_values("step")).values()), {}) if "step" in history else {}


def by_run(history: pd.DataFrame) -> dict[str, History]:
    """Return run → its columns, for a whole history table, in one conversion: one per run is slow for thousands."""
    names = history["run"].to_numpy(str)
    order = np.lexsort((history["step"].to_numpy(np.float64), names))
    columns = {
        str(name): history[name].to_numpy(np.float64, na_value=np.nan)[order]
        for name in history.columns
        if name not in TEXTS
    }
    runs, starts = np.unique(names[order], return_index=True)
    ends = np.append(starts, len(names))[1:]
    return {
        str(run): {name: values[start:end] for name, values in columns.items()}
        for run, start, end in zip(runs, starts, ends, strict=True)
    }


MEDIANS = {
    "push_g": "grad_push_g",
    "push_d": "grad_push_d",
    "loss_share": "loss_slope_share",
    "critic_rise": "critic_rise",
    "advantage": "d_advantage",
    "step_d": "update_ratio_d",
    "overfit_ratio": "overfit_ratio",
    "auc_gap": "auc_gap",
    "auc": "d_auc",
}


def statistics(run: Facts, history: History) -> dict[str, Statistic]:
    """Return the statistics of one run; those whose columns are missing, or too short, are left out.

    All are without units: none changes with the units of the data or with the scale of the loss. Medians are over the
    second half of the logged steps; `most_step_d` is the largest of the run, `growth_g` and `growth_d` are gradient
    norms over that of the first logged step. Without `critic_rise` the difference of the mean logits stands for it;
    `auc_alone` is `auc` where no loss is known. For `won` see `_won`, for what judges samples `_modes`, `_fidelity` and
    `_movement`. Rows in which a column is not finite do not count for it; infinite gradients do, as what is above every
    limit.
    """
    values = {"diverged": Statistic(float(run.get("status") == Status.DIVERGED), "status")}
    for name, column in MEDIANS.items():
        if statistic := _median(history, column):
            values[name] = statistic
    if "step_d" in values:
        values["most_step_d"] = values["step_d"]._replace(value=float(values["step_d"].series.max()))
    for name, column in {"growth_g": "grad_norm_g", "growth_d": "grad_norm_d"}.items():
        if statistic := _median(history, column):
            norms = statistic.series
            scale = 1 / norms[0] if np.isfinite(norms[0]) and norms[0] > 0 else np.nan
            values[name] = statistic._replace(value=_late_median(norms * scale), series=norms * scale, scale=scale)
    if "advantage" not in values and "auc" in values:
        values["auc_alone"] = values["auc"]
    if "critic_rise" not in values and (gap := _logit_gap(history)):
        values["critic_rise"] = gap
    judged = _modes(run, history) or _fidelity(run, history)
    return values | _won(history) | judged | _movement(run, history)


def _rows(history: History, *columns: str) -> tuple[Values, Values]:
    """Return steps `[n]` and columns `[n, len(columns)]` of the rows in which all of them are finite."""
    if not columns or not history.keys() >= set(columns):
        return np.zeros(0), np.zeros((0, len(columns)))
    values = np.stack([history[name] for name in columns], axis=1)
    known = np.isfinite(values).all(axis=1)
    return history["step"][known], values[known]


def _late_median(values: Values) -> float:
    return float(np.median(values[len(values) // 2 :])) if len(values) else np.nan


def _median(history: History, column: str) -> Statistic | None:
    if column not in history:
        return None
    values = history[column]
    known = ~np.isnan(values)
    steps, values = history["step"][known], values[known]
    return Statistic(_late_median(values), column, steps, values, 1.0) if len(values) else None


def _logit_gap(history: History) -> Statistic | None:
    """Return by how much real samples' mean logit is above generated ones'."""
    steps, values = _rows(history, "real_logit_mean", "fake_logit_mean")
    gap = values[:, 0] - values[:, 1] if len(steps) else np.zeros(0)
    return Statistic(_late_median(gap), "real_logit_mean", steps, gap) if len(steps) else None


def _won(history: History) -> dict[str, Statistic]:
    """Return won: the share of all that the discriminator's loss can win that it has, where the loss has a least value.

    Where the loss is known it is `d_advantage` in rows with d_loss ≥ 0 and d_loss_excess < 0, and 0 elsewhere, as for
    every loss without a least value, such as Wasserstein's, whose optimum is 0. Else it is 1 − d_loss / the first
    d_loss, and 0 throughout where one of them is negative.
    """
    steps, values = _rows(history, "d_loss", "d_loss_excess", "d_advantage")
    if len(steps):
        won = np.where((values[:, 0] >= 0) & (values[:, 1] < 0), values[:, 2], 0.0)
        return {"won": Statistic(_late_median(won), "d_advantage", steps, won, 1.0)}
    steps, values = _rows(history, "d_loss")
    if not len(steps) or not values[0, 0] > 0:
        return {}
    losses = values[:, 0]
    won = 1 - losses / losses[0] if (losses >= 0).all() else np.zeros(len(losses))
    return {"won": Statistic(_late_median(won), "d_loss", steps, won, -1 / losses[0], 1.0)}


def _modes(run: Facts, history: History) -> dict[str, Statistic]:
    """Return what the metric `modes` says, where the data's K modes are known.

    Real samples do not capture all of many modes either: `fewest_modes` is what all but one in a thousand samples of
    real data of that size capture. modes_lost: that less the median of captured modes over the last quarter's
    evaluations. quality: the median share of high quality there, over that of real samples. good: 1 where no mode is
    lost and the quality is 0.6 or more. rise: see `rise`. used_share: exp(−mode_kl), over that of real
    samples: the share of the modes that would be as many, were they used evenly; modes_used: K times that.
    """
    known, fewest, floor = (_fact(run, name) for name in ("known_modes", "fewest_modes", "hq_fraction_floor"))
    steps, judged = _rows(history, "modes_captured", "hq_fraction")
    if len(steps) < FEWEST or not min(known, fewest, floor) > 0:
        return {}
    modes, quality = judged[:, 0], judged[:, 1] / floor
    late = slice(-max(1, len(modes) // 4), None)
    level, lost = float(np.median(quality[late])), fewest - float(np.median(modes[late]))
    values = {
        "good": Statistic(float(lost <= 0 and level >= GOOD_QUALITY), "modes_captured", steps[late]),
        "quality": Statistic(level, "hq_fraction", steps, quality, 1 / floor),
        "more_modes": Statistic(float(known > 1), "known_modes"),
        "modes_lost": Statistic(lost, "modes_captured", steps, fewest - modes, -1.0, fewest),
        "rise": Statistic(rise(modes), "modes_captured", steps[late]),
    }
    steps, kl = _rows(history, "mode_kl")
    if len(steps) >= FEWEST:
        share = np.exp(-(kl[:, 0] - np.nan_to_num(_fact(run, "mode_kl_floor"))))
        level = float(np.median(share[-max(1, len(share) // 4) :]))
        values["used_share"] = Statistic(level, "mode_kl", steps, share)
        values["modes_used"] = Statistic(known * level, "mode_kl", steps, known * share)
    return values


def _fidelity(run: Facts, history: History) -> dict[str, Statistic]:
    """Return what the metric `precision_recall` says of data whose modes are not known, in units of its floors.

    good: 1 where over the last quarter's evaluations the median of precision is 0.6 of that of real samples or more,
    and that of recall half. quality: that of precision; recall_share: that of recall; rise: see `rise`. Data of
    unknown modes have several.
    """
    if _fact(run, "known_modes") > 0:
        return {}
    several = {"more_modes": Statistic(1.0, "known_modes")}
    steps, values = _rows(history, "precision", "recall")
    floors = np.array([_fact(run, "precision_floor"), _fact(run, "recall_floor")])
    if len(steps) < FEWEST or not (floors > 0).all():
        return several
    shares = values / floors
    late = shares[-max(1, len(steps) // 4) :]
    precision, recall = (float(np.median(share)) for share in late.T)
    good = precision >= GOOD_QUALITY and recall >= THRESHOLDS["few recalled"].value
    return several | {
        "good": Statistic(float(good), "recall", steps[-len(late) :]),
        "quality": Statistic(precision, "precision", steps, shares[:, 0], float(1 / floors[0])),
        "recall_share": Statistic(recall, "recall", steps, shares[:, 1], float(1 / floors[1])),
        "rise": Statistic(rise(shares[:, 1]), "recall", steps[-len(late) :]),
    }


def rise(values: Values) -> float:
    """Return by which share of itself the median of the last quarter has grown since that of the second one."""
    if len(values) < 2:
        return 0.0
    quarter = max(1, len(values) // 4)
    before, now = np.median(values[quarter : 2 * quarter]), np.median(values[-quarter:])
    return float((now - before) / now) if now > 0 else 0.0


def _fact(run: Facts, name: str) -> float:
    value = run.get(name)
    return np.nan if value is None or pd.isna(value) else float(value)


def _movement(run: Facts, history: History) -> dict[str, Statistic]:
    """Return how the generator moves, from the metric `position`; lengths are in units of the data's spread.

    With m_t the mean of its samples and s_t their spread at evaluation t, over the evaluations from `_late_start` on:
    oscillation: √Σ_axes Var(m without its straight line); move: median ‖m_t − m_{t−1}‖; net: ‖m_T − m_1‖; net_path:
    that over Σ‖m_t − m_{t−1}‖; spread: median s. Over all evaluations displacement: max √(‖m_t − m_1‖² + (s_t − s_1)²).
    Data without any spread (one point) have no unit: there it is the largest ‖m_t‖, and s_t is 1 for samples without
    spread as well.

    The column that is named is the position along the axis that varies most.
    """
    names = [name for name in history if name.startswith("position_")]
    steps, values = _rows(history, "total_spread", *names)
    if len(steps) < FEWEST or not names:
        return {}
    point = _fact(run, "total_spread_floor") == 0
    if point and (farthest := float(np.linalg.norm(values[:, 1:], axis=1).max())) > 0:
        values = values / farthest
    spread, mean = values[:, 0], values[:, 1:]
    relative = 1.0 + spread if point else spread  # a point beside a point spreads as the data do
    start = _late_start(steps)
    late, late_steps = mean[start:], steps[start:]
    rest = _detrended(late)
    moves = np.linalg.norm(np.diff(late, axis=0), axis=1)
    path, net = float(moves.sum()), float(np.linalg.norm(late[-1] - late[0]))
    moved = np.hypot(np.linalg.norm(mean - mean[0], axis=1), spread - spread[0])
    liveliest, widest = names[int(rest.var(axis=0).argmax())], names[int(mean.var(axis=0).argmax())]
    return {
        "oscillation": Statistic(float(np.sqrt((rest**2).mean(axis=0).sum())), liveliest, late_steps),
        "move": Statistic(float(np.median(moves)), liveliest, late_steps[1:], moves),
        "net": Statistic(net, widest, late_steps),
        "net_path": Statistic(net / path if path > 0 else 0.0, widest, late_steps),
        "spread": Statistic(_late_median(relative), "total_spread", steps, relative, 1.0, 1.0 if point else 0.0),
        "displacement": Statistic(float(moved.max()), widest, steps, moved),
    }


def _late_start(steps: Values) -> int:
    """Return where the later half begins: of the evaluations, and of the steps where those lie ever further apart.

    A monitor's looks do: the second half of a hundred would begin after a quarter of the steps. A quarter of the
    evaluations counts in any case.
    """
    of_steps = int(np.searchsorted(steps, steps[-1] / 2, side="right"))
    return min(max(len(steps) // 2, of_steps), len(steps) - max(len(steps) // 4, 2))


def _detrended(late: Values) -> Values:
    """Return `[n, axes]` minus the straight line that fits each axis best."""
    time = np.arange(len(late)) - (len(late) - 1) / 2
    centred = late - late.mean(axis=0)
    return centred - np.outer(time, time @ centred) / (time @ time)

"""Changes of a healthy made-up run (`verdict_runs`) with the verdict that each has to get."""

from __future__ import annotations

import numpy as np

from tests.analysis.verdict_runs import STEPS, TIME, N, circle

ZIGZAG = 0.0075 * (-1.0) ** np.arange(N)  # about a third of the path is progress
LATE = np.where(STEPS >= 500, 1e-4, 5.0)
NARROW = np.minimum(0.4, 3 * TIME)
SMALL = np.minimum(0.2, 3 * TIME)
ONE = {"known_modes": 1.0, "fewest_modes": 1.0, "mode_kl": 0.0, "mode_kl_floor": 0.0}
UNKNOWN = {"modes_captured": None, "hq_fraction": None, "mode_set": None, "mode_kl": None, "known_modes": 0.0}
POINT = {**ONE, "modes_captured": 1.0, "total_spread": 0.0, "total_spread_floor": 0.0}  # data without any spread
WON = {"d_advantage": 0.98, "d_auc": 1.0}
CASES = {
    "healthy": ({}, "healthy", ""),
    "a point that is the data": ({**POINT, "position_1": np.exp(-12 * TIME), "position_2": 0.0}, "healthy", ""),
    "a point that circles": ({**POINT, **circle(1.0), "hq_fraction": 0.1}, "oscillation", ""),
    "diverged": ({"status": "DIVERGED"}, "diverged", ""),
    "exploding G": ({"grad_push_g": 2e4}, "exploding gradient", "generator"),
    "exploding D": ({"grad_push_d": 2e4}, "exploding gradient", "discriminator"),
    "growing G": ({"grad_norm_g": 1.0 + 400 * TIME, "grad_push_g": 4e3}, "exploding gradient", "generator"),
    "growing D": ({"grad_norm_d": 1.0 + 400 * TIME, "grad_push_d": 4e3}, "exploding gradient", "discriminator"),
    "saturated": (
        {"grad_push_g": LATE, "loss_slope_share": 1e-5, "hq_fraction": 0.1},
        "vanishing gradient",
        "the loss is saturated",
    ),
    "flat": (
        {"grad_push_g": LATE, "critic_rise": 1e-4, "hq_fraction": 0.1},
        "vanishing gradient",
        "the critic is flat",
    ),
    "dead": ({"grad_push_g": LATE, "hq_fraction": 0.1}, "vanishing gradient", "the generator is dead"),
    "vanishing": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "critic_rise": None, "loss_slope_share": None},
        "vanishing gradient",
        "",
    ),
    "vanishing, the critic unknown": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "critic_rise": None},
        "vanishing gradient",
        "",
    ),
    "vanishing, the loss unknown": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "loss_slope_share": None},
        "vanishing gradient",
        "",
    ),
    "vanished since the beginning of the run": (
        {"grad_norm_g": np.where(STEPS >= 500, 1e-6, 0.5), "grad_push_g": None, "hq_fraction": 0.1},
        "vanishing gradient",
        "",
    ),
    "frozen": ({"update_ratio_d": 1e-7, "hq_fraction": 0.1}, "no signal", "the discriminator is frozen"),
    "frozen, and samples run away": (
        {"update_ratio_d": 1e-7, "hq_fraction": 0.0, "grad_push_d": 1e6},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen, and samples run off to where the loss is flat": (
        {"update_ratio_d": 1e-7, "hq_fraction": 0.0, "grad_push_g": LATE, "loss_slope_share": 1e-5},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen after a while": (
        {"update_ratio_d": np.where(STEPS > 100, 1e-7, 1e-3), "hq_fraction": 0.1},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen once the loss was flat": (
        {
            "update_ratio_d": np.where(STEPS > 100, 1e-7, 1e-3),
            "hq_fraction": 0.0,
            "grad_push_g": LATE,
            "loss_slope_share": 1e-5,
        },
        "vanishing gradient",
        "the loss is saturated",
    ),
    "converged, not vanishing": ({"grad_push_g": LATE}, "healthy", ""),
    "overfit": ({"overfit_ratio": 0.6, "auc_gap": 0.2}, "discriminator overfit", ""),
    "a quotient of small numbers": ({"overfit_ratio": 0.6, "auc_gap": 0.01}, "healthy", ""),
    "motionless": (
        {**circle(0.01), "total_spread": 0.1, "modes_captured": 0.0, "hq_fraction": 0.0},
        "under-trained",
        "hardly moved",
    ),
    "wins": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376, "modes_captured": 5.0}, "discriminator wins", ""),
    "wins, the loss unknown": (
        {**WON, "d_advantage": None, "d_loss": 1.386 * np.exp(-10 * TIME), "modes_captured": 5.0},
        "discriminator wins",
        "",
    ),
    "wins, and samples swing": (
        {**WON, "d_loss": 0.01, "d_loss_excess": -1.376, **circle(1.0), "modes_captured": 1.0},
        "discriminator wins",
        "",
    ),
    "blind at rest": (
        {"d_advantage": 0.05, "d_auc": 0.45, "hq_fraction": 0.1, "total_spread": np.minimum(0.1, 3 * TIME)},
        "no signal",
        "the discriminator learns nothing",
    ),
    "blind, the loss unknown": (
        {"d_advantage": None, "d_auc": 0.45, "hq_fraction": 0.1, "total_spread": np.minimum(0.1, 3 * TIME)},
        "no signal",
        "the discriminator tells nothing apart",
    ),
    "flat, known by its logits": (
        {
            "grad_push_g": LATE,
            "critic_rise": None,
            "real_logit_mean": 2.0001,
            "fake_logit_mean": 2.0,
            "hq_fraction": 0.1,
        },
        "vanishing gradient",
        "the critic is flat",
    ),
    "no signal": (
        {**circle(1.0), "d_advantage": 0.05, "modes_captured": 0.0},
        "no signal",
        "the discriminator learns nothing",
    ),
    "hopping": (
        {**circle(1.0), "total_spread": NARROW, "modes_captured": 1.0},
        "mode hopping",
        "",
    ),
    "collapse": ({"total_spread": np.minimum(0.1, 3 * TIME), "modes_captured": 1.0}, "total collapse", ""),
    "drifting": (
        {"position_1": 3 * TIME + 0.3 * np.sin(12 * TIME), "modes_captured": 0.0},
        "no signal",
        "the samples drift off",
    ),
    "scattered": ({**circle(0.2), "total_spread": 2.0, "modes_captured": 0.0}, "no signal", "the samples scatter"),
    "oscillation": ({**circle(0.2), "modes_captured": 5.0}, "oscillation", ""),
    "slow and straight": (
        {"position_1": 0.4 * TIME, "modes_captured": 0.0, "hq_fraction": 0.1},
        "under-trained",
        "still on its way",
    ),
    "slow": (
        {"position_1": 0.4 * TIME + ZIGZAG, "total_spread": NARROW, "modes_captured": 0.0, "hq_fraction": 0.1},
        "under-trained",
        "still on its way",
    ),
    "partial": ({"modes_captured": 5.0}, "partial collapse", ""),
    "one mode, and samples around it": (
        {"modes_captured": 1.0, "total_spread": SMALL, "mode_kl": 2.05, "hq_fraction": 0.3},
        "total collapse",
        "one mode is left",
    ),
    "two modes, blurred": (
        {"modes_captured": 2.0, "mode_kl": 1.39, "hq_fraction": 0.3},
        "partial collapse",
        "few modes have the samples, and they are blurred",
    ),
    "more and more modes": (
        {"modes_captured": np.floor(1 + 6 * TIME)},
        "under-trained",
        "it still covers more of the data",
    ),
    "unknown modes, more and more recalled": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.4 * TIME},
        "under-trained",
        "it still covers more of the data",
    ),
    "unknown modes, little recalled": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.2},
        "partial collapse",
        "much of the data is out of reach",
    ),
    "unknown modes, healthy": ({**UNKNOWN, "precision": 0.9, "recall": 0.8}, "healthy", ""),
    "unknown modes, one point": (
        {**UNKNOWN, "precision": 1.0, "recall": 0.0, "total_spread": np.minimum(0.1, 3 * TIME)},
        "total collapse",
        "",
    ),
    "unknown modes, vanishing": (
        {**UNKNOWN, "precision": 0.0, "recall": 0.0, "grad_push_g": LATE, "critic_rise": 1e-4},
        "vanishing gradient",
        "the critic is flat",
    ),
    "unknown modes, blurred": ({**UNKNOWN, "precision": 0.1, "recall": 0.8}, "low quality", ""),
    "unknown modes, no precision": (UNKNOWN, "unclear", ""),
    "blurred": ({"hq_fraction": 0.3}, "low quality", ""),
    "one mode, all in one place": (
        {**ONE, "modes_captured": 1.0, "total_spread": np.minimum(0.1, 3 * TIME)},
        "partial collapse",
        "the samples spread too little",
    ),
    "all modes, narrow": (
        {"total_spread": np.minimum(0.7, 3 * TIME)},
        "partial collapse",
        "the samples spread too little",
    ),
    "no positions": ({"position_1": None, "position_2": None}, "unclear", ""),
    "failed": ({"status": "TIMEOUT"}, "failed", ""),
}


GONE = {"modes_captured": 0.0, "hq_fraction": 0.1}
SLOW = {"position_1": 0.4 * TIME + ZIGZAG, "total_spread": NARROW, **GONE}
STRAIGHT = {"position_1": 0.4 * TIME, "total_spread": 1.0, **GONE}
# All conditions of a rule but one.
NEAR = {
    "grew to little, G": ({"grad_norm_g": 0.01 + 3 * TIME}, "healthy"),
    "grew to little, D": ({"grad_norm_d": 0.01 + 3 * TIME}, "healthy"),
    "large from the start, G": ({"grad_push_g": 4e3}, "healthy"),
    "large from the start, D": ({"grad_push_d": 4e3}, "healthy"),
    "saturated but alive": ({"loss_slope_share": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "flat but alive": ({"critic_rise": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "won but good": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376}, "healthy"),
    "won, a loss without end": (
        {**WON, "d_loss": -30.0, "d_loss_excess": -30.0, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, but by penalties": (
        {**WON, "d_loss": 90.0, "d_loss_excess": 89.0, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, not always right": (
        {**WON, "d_auc": 0.97, "d_loss": 0.01, "d_loss_excess": -1.376, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, the loss unknown, without end": (
        {
            **WON,
            "d_advantage": None,
            "d_loss": np.where(STEPS > 500, 0.01, 1.0) - 2 * (STEPS == 50),
            "modes_captured": 5.0,
        },
        "partial collapse",
    ),
    "won, good but circling": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376, **circle(0.2)}, "oscillation"),
    "no advantage, cannot tell, good enough": ({"d_advantage": 0.05, "d_auc": 0.5, "hq_fraction": 0.3}, "low quality"),
    "ranks, the loss unknown": ({"d_advantage": None, "d_auc": 0.8, "hq_fraction": 0.1}, "low quality"),
    "cannot tell, good enough": ({"d_advantage": None, "d_auc": 0.5, "hq_fraction": 0.3}, "low quality"),
    "cannot tell, and an advantage": ({"d_advantage": 0.4, "d_auc": 0.5, "hq_fraction": 0.1}, "low quality"),
    "no advantage over good samples that circle": ({**circle(0.2), "d_advantage": 0.05}, "oscillation"),
    "a mode missing now and then": ({"modes_captured": np.where(np.arange(N) % 3, 8.0, 7.0)}, "healthy"),
    "a mode missing more often than not": (
        {"modes_captured": np.where(np.arange(N) % 3, 7.0, 8.0)},
        "partial collapse",
    ),
    "frozen but good": ({"update_ratio_d": 1e-7}, "healthy"),
    "faded but good": ({"grad_norm_g": np.where(STEPS >= 500, 1e-6, 0.5), "grad_push_g": None}, "healthy"),
    "of fair quality only": ({"hq_fraction": 0.54}, "low quality"),
    "one mode in the middle of all": ({**GONE, "total_spread": SMALL}, "low quality"),
    "one mode, wide": (
        {**GONE, "mode_kl": 2.05, "modes_captured": np.floor(1 + 6 * TIME), "total_spread": np.minimum(0.9, 3 * TIME)},
        "low quality",
    ),
    "one mode of one": (
        {**GONE, **ONE, "total_spread": SMALL},
        "low quality",
    ),
    "more modes and blurred": ({"modes_captured": np.floor(1 + 6 * TIME), "hq_fraction": 0.3}, "low quality"),
    "all modes by now, swollen": (
        {"modes_captured": np.minimum(8, np.floor(1 + 12 * TIME)), "total_spread": np.minimum(1.4, 3 * TIME)},
        "low quality",
    ),
    "much recalled by now, swollen": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.9 * TIME, "total_spread": np.minimum(1.4, 3 * TIME)},
        "low quality",
    ),
    "more and more recalled, and blurred": (
        {**UNKNOWN, "precision": 0.3, "recall": 0.4 * TIME},
        "low quality",
    ),
    "saturated but good": ({"grad_push_g": LATE, "loss_slope_share": 1e-5}, "healthy"),
    "flat but good": ({"grad_push_g": LATE, "critic_rise": 1e-5}, "healthy"),
    "a gap without a ratio": ({"auc_gap": 0.2}, "healthy"),
    "good but circling": (circle(0.2), "oscillation"),
    "good but swollen": ({"total_spread": np.minimum(1.4, 3 * TIME)}, "low quality"),
    "circling, but ahead": ({**circle(1.0), **GONE, "critic_rise": 0.01}, "oscillation"),
    "no advantage, at rest": ({**GONE, "d_advantage": 0.05}, "low quality"),
    "hopping as a whole": ({**circle(1.0), **GONE}, "oscillation"),
    "nowhere to hop": (
        {**circle(1.0), "total_spread": NARROW, **GONE, **ONE},
        "oscillation",
    ),
    "wide at rest": ({**GONE, "total_spread": np.minimum(2.0, 6 * TIME)}, "low quality"),
    "small at rest": ({**GONE, "total_spread": NARROW}, "low quality"),
    "wide on its way": ({**SLOW, "total_spread": np.minimum(1.0, 3 * TIME)}, "low quality"),
    "straight without a push": ({**STRAIGHT, "grad_push_g": 0.1}, "low quality"),
    "straight and almost there": ({**STRAIGHT, "hq_fraction": 0.3}, "low quality"),
    "not straight": ({**STRAIGHT, "position_1": 0.4 * TIME + ZIGZAG}, "low quality"),
    "straight to nowhere": ({**STRAIGHT, "position_1": 0.1 * TIME, "position_2": 0.0}, "low quality"),
    "narrow and to nowhere": ({**SLOW, "position_1": 0.1 * TIME + ZIGZAG / 4, "position_2": 0.0}, "low quality"),
    "on its way without a push": ({**SLOW, "grad_push_g": 0.1}, "low quality"),
    "on its way and almost there": ({**SLOW, "hq_fraction": 0.3}, "low quality"),
    "unknown modes, little recalled and blurred": ({**UNKNOWN, "precision": 0.2, "recall": 0.2}, "low quality"),
    "good and motionless": ({"position_1": 0.01, "position_2": 0.0, "total_spread": 1.0}, "healthy"),
    "modes lost and blurred": ({"modes_captured": 5.0, "hq_fraction": 0.3}, "low quality"),
}

"""Remedies that change numbers: learning rates, updates of either player, steps, the sizes of the networks."""

from __future__ import annotations

import math
from dataclasses import fields, replace

from ganbench.core.protocols import PlayerName
from ganbench.core.trial import Choice, Trial
from ganbench.cures.change import Change, Changed, UnfitError
from ganbench.networks import Network
from ganbench.optimizers import Optimizer

LESS, MORE = 1 / 4, 4  # of rates


def rates(title: str, *players: PlayerName, factor: float) -> Change:
    """Return the change that multiplies learning rates."""

    def change(trial: Trial) -> Changed:
        old = trial.optimizer.build()
        rates = {f"{one.lower()}_lr": old.rate(one) * factor for one in players}
        if len(players) == 2:
            rates = {"lr": old.lr * factor} | {
                name: getattr(old, name) * factor for name in ("d_lr", "g_lr") if getattr(old, name) is not None
            }
        first_rate = ", ".join(f"{old.rate(one):g} → {old.rate(one) * factor:g}" for one in players[:1])
        return Changed(replace(trial, optimizer=Choice.of(replace(old, **rates))), f"{title} {first_rate}")

    return change


def faster_discriminator(trial: Trial) -> Changed:
    """Return the discriminator at the generator's rate where its own is lower, else at four times its own."""
    old: Optimizer = trial.optimizer.build()
    rate = old.rate("G") if old.rate("D") < old.rate("G") else MORE * old.rate("D")
    made = replace(trial, optimizer=Choice.of(replace(old, d_lr=rate)))
    return Changed(made, f"D's learning rate {old.rate('D'):g} → {rate:g}")


def no_momentum(trial: Trial) -> Changed:
    """Return Adam with β₁ = 0."""
    betas = trial.optimizer.parameters.get("betas")
    if betas is None:
        raise UnfitError(f"{trial.optimizer.name} has no β₁")
    if betas[0] == 0:
        raise UnfitError("β₁ is 0 already")
    optimizer = Choice.of(replace(trial.optimizer.build(), betas=(0.0, betas[1])))  # type: ignore[call-arg]
    return Changed(replace(trial, optimizer=optimizer), f"β₁ {betas[0]:g} → 0")


def counted(field: str, to: int) -> Change:
    """Return the change of `n_critic` or `n_generator`."""

    def change(trial: Trial) -> Changed:
        old = getattr(trial, field)
        if old == to or (to > 1 and old > 1):
            raise UnfitError(f"{field} is {old} already")
        n_critic = to if field == "n_critic" else trial.n_critic
        n_generator = to if field == "n_generator" else trial.n_generator
        if min(n_critic, n_generator) > 1:
            raise UnfitError(f"the trial has n_generator {trial.n_generator}")
        return Changed(replace(trial, n_critic=n_critic, n_generator=n_generator), f"{field} {old} → {to}")

    return change


def averaged(trial: Trial) -> Changed:
    """Return the trial whose generator's moving average is evaluated."""
    if trial.ema:
        raise UnfitError(f"the trial has training.ema {trial.ema:g} already")
    return Changed(replace(trial, ema=0.999), "training.ema 0.999")


def longer(times: int, least: int = 0) -> Change:
    """Return the change to so many times as many steps, and at least `least`; evaluated as often in all."""

    def change(trial: Trial) -> Changed:
        factor = max(times, math.ceil(least / trial.steps))
        scaled = {name: factor * getattr(trial, name) for name in ("steps", "log_every", "evaluate_every")}
        return Changed(replace(trial, **scaled), f"steps {trial.steps:,} → {factor * trial.steps:,}")

    return change


def network_sizes(title: str, **factors: float) -> Change:
    """Return the change that multiplies sizes of the network, those of them that it has."""

    def change(trial: Trial) -> Changed:
        old: Network = trial.network.build()
        has = {f.name for f in fields(old)}
        shared = {"d_width": "width", "d_depth": "depth"}
        sizes = {}
        for name, factor in factors.items():
            value = getattr(old, name) if name in has else None
            if value is None and name in has and shared.get(name) in has:
                value = getattr(old, shared[name])
            if isinstance(value, int) and value > 1:
                sizes[name] = max(1, round(value * factor))
        if not sizes:
            raise UnfitError(f"{trial.network.name} has no {' and no '.join(factors)} to change")
        text = ", ".join(f"{name} {value}" for name, value in sizes.items())
        return Changed(replace(trial, network=Choice.of(replace(old, **sizes))), f"{title} ({text})")

    return change


def living_generator(trial: Trial) -> Changed:
    """Return the generator with units that are never zero."""
    if trial.network.parameters.get("activation") in (None, "leaky_relu"):
        raise UnfitError(f"{trial.network.name} has no other units to take")
    network = Choice.of(replace(trial.network.build(), activation="leaky_relu"))  # type: ignore[call-arg]
    return Changed(replace(trial, network=network), "leaky units in the generator")

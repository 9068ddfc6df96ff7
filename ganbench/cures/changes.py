"""Remedies by name: each makes of a failing trial one that differs in it alone, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import NamedTuple

from ganbench.core.trial import Choice, Trial
from ganbench.losses import Loss
from ganbench.networks import Network
from ganbench.optimizers import Optimizer, Player
from ganbench.suite.choices import choose
from ganbench.tricks import Trick

PENALTIES = ("r1", "r2", "gradient_penalty", "zero_centered_gp", "dragan")
LESS, MORE = 1 / 4, 4  # of rates
WEAKER = 1 / 10  # of what is too strong: a penalty, noise, flipped labels
STRONGER = 10
_GAMMA = {"gamma": 0.1}, {"gamma": 10.0}  # points: as suites/collapse_cures.yaml; images: Mescheder et al. 2018
_WEIGHT = {"weight": 0.1}, {"weight": 10.0}  # points: WGAN-GP's own code for toy data; images: its paper


class UnfitError(Exception):
    """A remedy has no place in this trial; the text is the reason."""


class Changed(NamedTuple):
    """A trial with a remedy, and what the remedy is: `r1(gamma=0.1)`, `D's learning rate 0.01 → 0.0025`."""

    trial: Trial
    title: str


Change = Callable[[Trial], Changed]


def changed_by(name: str, trial: Trial) -> Changed:
    """Return a trial with one remedy.

    Raises:
        UnfitError: it has no place in this trial.
    """
    return CHANGES[name](trial)


def _adding(name: str, points: dict[str, float] | None = None, images: dict[str, float] | None = None) -> Change:
    """Return the change that adds a trick, with parameters for points and for images."""

    def change(trial: Trial) -> Changed:
        if name in _tricks(trial):
            raise UnfitError("the trial has it already")
        beside = [one for one in _tricks(trial) if one in PENALTIES]
        if name in PENALTIES and beside:
            raise UnfitError(f"the trial has another gradient penalty, {beside[0]}")
        trick: Choice[Trick] = choose("trick", {name: _strengths(trial, points, images)})
        return Changed(_inserted(trial, trick), trick.label)

    return change


def _strengths(trial: Trial, points: dict[str, float] | None, images: dict[str, float] | None) -> dict[str, float]:
    return dict((points if len(trial.dataset.build().shape) == 1 else images) or {})


def _inserted(trial: Trial, *added: Choice[Trick]) -> Trial:
    """Return a trial with more tricks, before a packing, which means single samples before it."""
    tricks = [*trial.tricks]
    at = next((i for i, one in enumerate(tricks) if one.name == "packing"), len(tricks))
    tricks[at:at] = added
    return replace(trial, tricks=tuple(tricks))


def _tricks(trial: Trial) -> list[str]:
    return [one.name for one in trial.tricks]


def _stronger_r1(trial: Trial) -> Changed:
    """Return R1 ten times as strong as the usual one, or as the trial's own."""
    if "r1" in _tricks(trial):
        return _tuned("r1", "gamma", STRONGER)(trial)
    return _adding("r1", *({"gamma": STRONGER * usual["gamma"]} for usual in _GAMMA))(trial)


def _using(name: str) -> Change:
    """Return the change to another loss."""

    def change(trial: Trial) -> Changed:
        if trial.loss.name == name:
            raise UnfitError("the trial has it already")
        loss: Choice[Loss] = choose("loss", name)
        return Changed(replace(trial, loss=loss), f"the loss {name}")

    return change


def _relativistic_with_penalties(trial: Trial) -> Changed:
    """Return the relativistic loss with R1 and R2 (Huang et al. 2024, arXiv:2501.05441) in place of other penalties."""
    penalties: list[Choice[Trick]] = [choose("trick", {name: _strengths(trial, *_GAMMA)}) for name in ("r1", "r2")]
    loss: Choice[Loss] = choose("loss", "relativistic_paired")
    others = replace(trial, loss=loss, tricks=tuple(one for one in trial.tricks if one.name not in PENALTIES))
    made = _inserted(others, *penalties)
    if (made.loss, made.labels["tricks"]) == (trial.loss, trial.labels["tricks"]):
        raise UnfitError("the trial has it already")
    return Changed(made, "the loss relativistic_paired with " + " and ".join(one.label for one in penalties))


def _fresh_start(trial: Trial) -> Changed:
    """Return the relativistic loss with R1 and R2, one update each and falling rates, and no other trick.

    Of the trial it keeps the data, the network, the batch and the steps. Rates: suites/planted_failures.yaml for
    points; Huang et al. 2024, arXiv:2501.05441 for images.
    """
    plain = replace(trial, tricks=(), n_critic=1, n_generator=1, update="alternating")
    points = len(trial.dataset.build().shape) == 1
    betas, rate = ([0.5, 0.9], 1e-3) if points else ([0.0, 0.99], 2e-4)
    adam: Choice[Optimizer] = choose("optimizer", {"adam": {"lr": rate, "betas": tuple(betas), "lr_final": 0.02}})
    made = _relativistic_with_penalties(replace(plain, optimizer=adam)).trial
    if made == trial:
        raise UnfitError("the trial is that already")
    return Changed(made, f"a fresh start ({made.loss.label} · {made.labels['tricks']} · {adam.label}, one update each)")


def _fresh_start_longer(trial: Trial) -> Changed:
    fresh = _fresh_start(trial)
    longer = _longer(MORE)(fresh.trial)
    return Changed(longer.trial, f"{fresh.title} and {longer.title}")


def _tuned(name: str, parameter: str, factor: float) -> Change:
    """Return the change that multiplies a trick's parameter, of a trial that has the trick."""

    def change(trial: Trial) -> Changed:
        if name not in _tricks(trial):
            raise UnfitError(f"the trial has no {name}")
        old = next(one for one in trial.tricks if one.name == name)
        new: Choice[Trick] = Choice.of(replace(old.build(), **{parameter: old.parameters[parameter] * factor}))
        tricks = tuple(new if one is old else one for one in trial.tricks)
        title = f"{name}'s {parameter} {old.parameters[parameter]:g} → {new.parameters[parameter]:g}"
        return Changed(replace(trial, tricks=tricks), title)

    return change


def _weaker_penalty(trial: Trial) -> Changed:
    for choice in trial.tricks:
        strength = choice.build().strength
        if "penalty" in choice.build().all_traits and strength:
            return _tuned(choice.name, strength, WEAKER)(trial)
    raise UnfitError("the trial has no penalty")


def _without(name: str, *then: Change) -> Change:
    """Return the change that takes a trick away and makes further ones."""

    def change(trial: Trial) -> Changed:
        if name not in _tricks(trial):
            raise UnfitError(f"the trial has no {name}")
        made = Changed(replace(trial, tricks=tuple(one for one in trial.tricks if one.name != name)), "")
        titles = []
        for one in then:
            made = one(made.trial)
            titles.append(made.title)
        return Changed(made.trial, " and ".join(titles) + f" instead of {name}" if titles else f"no {name}")

    return change


def _rates(title: str, *players: Player, factor: float) -> Change:
    """Return the change that multiplies learning rates."""

    def change(trial: Trial) -> Changed:
        old = trial.optimizer.build()
        rates = {f"{one.lower()}_lr": old.rate(one) * factor for one in players}
        if len(players) == 2:
            rates = {"lr": old.lr * factor} | {
                name: getattr(old, name) * factor for name in ("d_lr", "g_lr") if getattr(old, name) is not None
            }
        told = ", ".join(f"{old.rate(one):g} → {old.rate(one) * factor:g}" for one in players[:1])
        return Changed(replace(trial, optimizer=Choice.of(replace(old, **rates))), f"{title} {told}")

    return change


def _faster_discriminator(trial: Trial) -> Changed:
    """Return the discriminator at the generator's rate where its own is lower, else at four times its own."""
    old: Optimizer = trial.optimizer.build()
    rate = old.rate("G") if old.rate("D") < old.rate("G") else MORE * old.rate("D")
    made = replace(trial, optimizer=Choice.of(replace(old, d_lr=rate)))
    return Changed(made, f"D's learning rate {old.rate('D'):g} → {rate:g}")


def _no_momentum(trial: Trial) -> Changed:
    betas = trial.optimizer.parameters.get("betas")
    if betas is None:
        raise UnfitError(f"{trial.optimizer.name} has no β₁")
    if betas[0] == 0:
        raise UnfitError("β₁ is 0 already")
    optimizer = Choice.of(replace(trial.optimizer.build(), betas=(0.0, betas[1])))  # type: ignore[call-arg]
    return Changed(replace(trial, optimizer=optimizer), f"β₁ {betas[0]:g} → 0")


def _counted(field: str, to: int) -> Change:
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


def _averaged(trial: Trial) -> Changed:
    if trial.ema:
        raise UnfitError(f"the trial has training.ema {trial.ema:g} already")
    return Changed(replace(trial, ema=0.999), "training.ema 0.999")


def _longer(times: int) -> Change:
    """Return the change to so many times as many steps, evaluated as often in all."""

    def change(trial: Trial) -> Changed:
        scaled = {name: times * getattr(trial, name) for name in ("steps", "log_every", "evaluate_every")}
        return Changed(replace(trial, **scaled), f"steps {trial.steps:,} → {times * trial.steps:,}")

    return change


def _network(title: str, **factors: float) -> Change:
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
        told = ", ".join(f"{name} {value}" for name, value in sizes.items())
        return Changed(replace(trial, network=Choice.of(replace(old, **sizes))), f"{title} ({told})")

    return change


def _living_generator(trial: Trial) -> Changed:
    """Return the generator with units that are never zero."""
    if trial.network.parameters.get("activation") in (None, "leaky_relu"):
        raise UnfitError(f"{trial.network.name} has no other units to take")
    network = Choice.of(replace(trial.network.build(), activation="leaky_relu"))  # type: ignore[call-arg]
    return Changed(replace(trial, network=network), "leaky units in the generator")


CHANGES: dict[str, Change] = {
    "r1": _adding("r1", *_GAMMA),
    "stronger_r1": _stronger_r1,
    "zero_centered_gp": _adding("zero_centered_gp", *_GAMMA),
    "gradient_penalty": _adding("gradient_penalty", *_WEIGHT),
    "spectral_norm": _adding("spectral_norm"),
    "packing": _adding("packing"),
    "unrolled": _adding("unrolled"),
    "instance_noise": _adding("instance_noise", {"sigma": 0.5}, {"sigma": 0.1}),
    "one_sided_label_smoothing": _adding("one_sided_label_smoothing"),
    "ada": _adding("ada"),
    "lecam": _adding("lecam"),
    "diff_augment": _adding("diff_augment"),
    "non_saturating": _using("non_saturating"),
    "relativistic_paired": _using("relativistic_paired"),
    "relativistic_r1_r2": _relativistic_with_penalties,
    "fresh_start": _fresh_start,
    "fresh_start_longer": _fresh_start_longer,
    "weaker_penalty": _weaker_penalty,
    "fewer_flips": _tuned("label_flipping", "p", WEAKER),
    "less_noise": _tuned("instance_noise", "sigma", WEAKER),
    "larger_clip": _tuned("weight_clipping", "c", 1 / WEAKER),
    "gradient_penalty_for_clipping": _without("weight_clipping", _adding("gradient_penalty", *_WEIGHT)),
    "spectral_norm_for_clipping": _without("weight_clipping", _adding("spectral_norm")),
    "no_head_start": _without("head_start"),
    "slower_discriminator": _rates("D's learning rate", "D", factor=LESS),
    "slower_generator": _rates("G's learning rate", "G", factor=LESS),
    "slower": _rates("both learning rates, of D", "D", "G", factor=LESS),
    "faster": _rates("both learning rates, of D", "D", "G", factor=MORE),
    "faster_discriminator": _faster_discriminator,
    "no_momentum": _no_momentum,
    "fewer_discriminator_updates": _counted("n_critic", 1),
    "more_discriminator_updates": _counted("n_critic", 5),
    "fewer_generator_updates": _counted("n_generator", 1),
    "ema": _averaged,
    "longer": _longer(MORE),
    "much_longer": _longer(MORE * MORE),
    "wider": _network("wider networks", width=2, d_width=2),
    "smaller_discriminator": _network("a smaller discriminator", d_width=1 / 4),
    "shallower_discriminator": _network("fewer layers in the discriminator", d_depth=1 / 2),
    "leaky_generator": _living_generator,
}
# What is tried for every failure, after what its verdict proposes.
GENERAL = (
    "r1",
    "relativistic_r1_r2",
    "zero_centered_gp",
    "spectral_norm",
    "gradient_penalty",
    "non_saturating",
    "stronger_r1",
    "slower_discriminator",
    "slower",
    "instance_noise",
    "one_sided_label_smoothing",
    "ema",
    "fresh_start",
    "fresh_start_longer",
)

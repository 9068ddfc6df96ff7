"""Remedies by name: each makes of a failing trial one that differs in it alone, or says why it cannot."""

from __future__ import annotations

from dataclasses import replace

from ganbench.core.trial import Choice, Trial
from ganbench.cures.change import Change, Changed, UnfitError
from ganbench.cures.number_changes import (
    LESS,
    MORE,
    averaged,
    counted,
    faster_discriminator,
    living_generator,
    longer,
    network_sizes,
    no_momentum,
    rates,
)
from ganbench.cures.trick_changes import (
    PENALTIES,
    WEAKER,
    adding,
    inserted,
    strengths,
    tricks_of,
    tuned,
    weaker_penalty,
    without,
)
from ganbench.losses import Loss
from ganbench.optimizers import Optimizer
from ganbench.suite.choices import choose
from ganbench.tricks import Trick

STRONGER = 10
_GAMMA = {"gamma": 0.1}, {"gamma": 10.0}  # points: as suites/collapse_cures.yaml; images: Mescheder et al. 2018
_WEIGHT = {"weight": 0.1}, {"weight": 10.0}  # points: WGAN-GP's own code for toy data; images: its paper


def changed_by(name: str, trial: Trial) -> Changed:
    """Return a trial with one remedy.

    Raises:
        UnfitError: it has no place in this trial.
    """
    return CHANGES[name](trial)


def _stronger_r1(trial: Trial) -> Changed:
    """Return R1 ten times as strong as the usual one, or as the trial's own."""
    if "r1" in tricks_of(trial):
        return tuned("r1", "gamma", STRONGER)(trial)
    return adding("r1", *({"gamma": STRONGER * usual["gamma"]} for usual in _GAMMA))(trial)


def _using(name: str) -> Change:
    """Return the change to another loss."""

    def change(trial: Trial) -> Changed:
        if trial.loss.name == name:
            raise UnfitError("the trial has it already")
        loss: Choice[Loss] = choose("loss", name)
        return Changed(replace(trial, loss=loss), f"the loss {name}")

    return change


def _relativistic_with_penalties(trial: Trial, stronger: int = 1) -> Changed:
    """Return the relativistic loss with R1 and R2 (Huang et al. 2024, arXiv:2501.05441) in place of other penalties."""
    usual = ({"gamma": stronger * one["gamma"]} for one in _GAMMA)
    strength = strengths(trial, *usual)
    penalties: list[Choice[Trick]] = [choose("trick", {name: strength}) for name in ("r1", "r2")]
    loss: Choice[Loss] = choose("loss", "relativistic_paired")
    others = replace(trial, loss=loss, tricks=tuple(one for one in trial.tricks if one.name not in PENALTIES))
    made = inserted(others, *penalties)
    if (made.loss, made.labels["tricks"]) == (trial.loss, trial.labels["tricks"]):
        raise UnfitError("the trial has it already")
    return Changed(made, "the loss relativistic_paired with " + " and ".join(one.label for one in penalties))


def _fresh_start(stronger: int = 1, more_steps: int = 1) -> Change:
    """Return the change to the relativistic loss with R1 and R2, one update each and falling rates, and no other trick.

    Of the trial it keeps the data, the network, the batch and, unless it gets more of them, the steps. Rates:
    suites/planted_failures.yaml for points; Huang et al. 2024, arXiv:2501.05441 for images.
    """

    def change(trial: Trial) -> Changed:
        plain = replace(trial, tricks=(), n_critic=1, n_generator=1, update="alternating")
        points = len(trial.dataset.build().shape) == 1
        betas, rate = ([0.5, 0.9], 1e-3) if points else ([0.0, 0.99], 2e-4)
        adam: Choice[Optimizer] = choose("optimizer", {"adam": {"lr": rate, "betas": tuple(betas), "lr_final": 0.02}})
        made = _relativistic_with_penalties(replace(plain, optimizer=adam), stronger).trial
        if made == trial:
            raise UnfitError("the trial is that already")
        what = f"{made.loss.label} · {made.labels['tricks']} · {adam.label}"
        title = f"a fresh start ({what}, one update each)"
        more = longer(more_steps)(made) if more_steps > 1 else None
        return Changed(more.trial, f"{title} and {more.title}") if more else Changed(made, title)

    return change


CHANGES: dict[str, Change] = {
    "r1": adding("r1", *_GAMMA),
    "stronger_r1": _stronger_r1,
    "zero_centered_gp": adding("zero_centered_gp", *_GAMMA),
    "gradient_penalty": adding("gradient_penalty", *_WEIGHT),
    "spectral_norm": adding("spectral_norm"),
    "packing": adding("packing"),
    "unrolled": adding("unrolled"),
    "instance_noise": adding("instance_noise", {"sigma": 0.5}, {"sigma": 0.1}),
    "one_sided_label_smoothing": adding("one_sided_label_smoothing"),
    "ada": adding("ada"),
    "lecam": adding("lecam"),
    "diff_augment": adding("diff_augment"),
    "non_saturating": _using("non_saturating"),
    "relativistic_paired": _using("relativistic_paired"),
    "relativistic_r1_r2": _relativistic_with_penalties,
    "fresh_start": _fresh_start(),
    "fresh_start_longer": _fresh_start(more_steps=MORE),
    "fresh_start_stronger": _fresh_start(STRONGER, MORE),
    "weaker_penalty": weaker_penalty,
    "fewer_flips": tuned("label_flipping", "p", WEAKER),
    "less_noise": tuned("instance_noise", "sigma", WEAKER),
    "larger_clip": tuned("weight_clipping", "c", 1 / WEAKER),
    "gradient_penalty_for_clipping": without("weight_clipping", adding("gradient_penalty", *_WEIGHT)),
    "spectral_norm_for_clipping": without("weight_clipping", adding("spectral_norm")),
    "no_head_start": without("head_start"),
    "slower_discriminator": rates("D's learning rate", "D", factor=LESS),
    "slower_generator": rates("G's learning rate", "G", factor=LESS),
    "slower": rates("both learning rates, of D", "D", "G", factor=LESS),
    "faster": rates("both learning rates, of D", "D", "G", factor=MORE),
    "faster_discriminator": faster_discriminator,
    "no_momentum": no_momentum,
    "fewer_discriminator_updates": counted("n_critic", 1),
    "more_discriminator_updates": counted("n_critic", 5),
    "fewer_generator_updates": counted("n_generator", 1),
    "ema": averaged,
    "longer": longer(MORE),
    "much_longer": longer(MORE * MORE, least=4000),  # what rings take with usual rates
    "wider": network_sizes("wider networks", width=2, d_width=2),
    "smaller_discriminator": network_sizes("a smaller discriminator", d_width=1 / 4),
    "shallower_discriminator": network_sizes("fewer layers in the discriminator", d_depth=1 / 2),
    "leaky_generator": living_generator,
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
    "fresh_start_stronger",
)

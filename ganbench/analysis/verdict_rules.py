"""The rules that name a failure, as data: thresholds with their sources, conditions, remedies.

Rules are tried in order and the first that holds is the verdict of a run. `verdict_statistics` makes the statistics;
lengths are in units of the data's own spread. In a remedy `{r1}` is a component of the catalogue.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal, NamedTuple

HEALTHY, LOW_QUALITY, UNCLEAR, FAILED = "healthy", "low quality", "unclear", "failed"


class Threshold(NamedTuple):
    """A number that decides, and where it comes from."""

    value: float
    source: str


_MEASURED = "between healthy runs and planted failures on rings and Gaussians, fixed before the runs that test it"
THRESHOLDS = {
    "gradient exploded": Threshold(1e3, "Pascanu et al. 2013, arXiv:1211.5063, section 2, for the order of magnitude"),
    "gradient grew": Threshold(100.0, _MEASURED),
    "gradient large": Threshold(200.0, _MEASURED + "; collapsed: up to 50, unbounded critics: from 4e4"),
    "gradient vanished": Threshold(1e-3, "Arjovsky & Bottou 2017, arXiv:1701.04862, figure 2; healthy: 0.2 to 1.5"),
    "gradient alive": Threshold(0.05, _MEASURED),
    "loss saturated": Threshold(1e-2, "Arjovsky & Bottou 2017, arXiv:1701.04862, theorem 2.4; healthy: 0.5 to 1"),
    "critic flat": Threshold(1e-3, _MEASURED + "; healthy: 0.2 to 1.1"),
    "critic nearly flat": Threshold(0.04, _MEASURED + "; flipped labels: up to 0.031, momentum: from 0.05"),
    "known by heart": Threshold(0.5, "Karras et al. 2020, arXiv:2006.06676, section 3, whose target is 0.6"),
    "AUC gap": Threshold(0.1, _MEASURED + "; endless data: at most 0.015"),
    "stayed": Threshold(0.05, _MEASURED),
    "no advantage": Threshold(0.006, _MEASURED + "; flipped labels: up to 0.0033, hopping: from 0.012"),
    "oscillates": Threshold(0.12, _MEASURED + "; healthy: at most 0.041"),
    "hops": Threshold(0.25, _MEASURED + "; healthy: at most 0.056"),
    "straight": Threshold(0.5, _MEASURED),
    "still travelling": Threshold(0.25, _MEASURED),
    "gets somewhere": Threshold(0.1, _MEASURED + "; stopped early: from 0.15"),
    "point-like": Threshold(0.15, _MEASURED),
    "narrow": Threshold(0.6, _MEASURED),
    "shrunk": Threshold(0.8, _MEASURED),
    "swollen": Threshold(1.25, _MEASURED),
    "scattered": Threshold(1.5, _MEASURED),
    "good quality": Threshold(0.5, "half of the samples within 3σ of a mode; half of the precision of real samples"),
    "few recalled": Threshold(0.5, "half of the recall of real samples; Kynkäänniemi et al. 2019, arXiv:1904.06991"),
    "poor quality": Threshold(0.2, _MEASURED),
    "yes": Threshold(0.5, "a statistic that is 0 or 1"),
}
# A statistic in the words of a verdict's evidence; `{value}` is its value, lengths are in units of the data's spread.
WORDS = {
    "diverged": "losses or samples are not finite",
    "grad_g": "the generator's gradient norm is {value}",
    "grad_d": "the discriminator's gradient norm is {value}",
    "grad_g_growth": "the generator's gradient norm is {value} times the first",
    "grad_d_growth": "the discriminator's gradient norm is {value} times the first",
    "loss_slope": "the generator's loss passes on {value} of the slope of the logits",
    "critic_slope": "the discriminator's slope at generated samples is {value}",
    "overfit_ratio": "logits place held-out samples {value} of the way from trained-on to generated ones",
    "auc_gap": "the discriminator ranks trained-on samples better than held-out ones by {value}",
    "good": "modes (or recall) and quality are kept",
    "quality": "the share of good samples is {value}",
    "more_modes": "the data has several modes",
    "modes_lost": "{value} modes are missing",
    "recall_share": "recall is {value} of that of real samples",
    "advantage": "the discriminator's loss is {value} from that of a blind guess",
    "displacement": "the generator has moved by {value}",
    "move": "samples jump by {value} from one evaluation to the next",
    "net": "samples have travelled {value}",
    "net_path": "samples go straight ahead: net way over path is {value}",
    "spread": "the samples' spread is {value} of the data's",
    "oscillation": "the samples' mean swings by {value}",
}


class Condition(NamedTuple):
    """A statistic on one side of a threshold; one that is not known is on neither."""

    statistic: str
    side: Literal["<", ">"]
    threshold: str

    def holds(self, value: float) -> bool:
        """Return whether a value is on this side; `>` includes the threshold itself."""
        limit = THRESHOLDS[self.threshold].value
        return value < limit if self.side == "<" else value >= limit


@dataclass(frozen=True)
class Remedy:
    """What to try next; names in braces are components of the catalogue."""

    template: str

    @property
    def text(self) -> str:
        """Return the sentence without its braces."""
        return self.template.replace("{", "").replace("}", "")

    @property
    def components(self) -> tuple[str, ...]:
        """Return the names of the components, in the order of the sentence."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.template) if name)


@dataclass(frozen=True)
class Rule:
    """What must hold, all of it, for a verdict.

    Attributes:
        conditions: the first is the evidence that is shown first. cause: what is behind it, where a rule can tell.
    """

    verdict: str
    conditions: tuple[Condition, ...]
    remedy: Remedy
    cause: str = ""


C = Condition
_BAD = C("good", "<", "yes")
_MODES = C("more_modes", ">", "yes")
_CALM = Remedy("lower the discriminator's learning rate, or add {r1}, {gradient_penalty} or {spectral_norm}")
_TELLS = Remedy(
    "give the discriminator something to learn from: less {label_flipping} and {instance_noise}, more capacity, a "
    "higher rate"
)
_LONGER = Remedy("train longer, or raise the learning rates")
_DIVERSE = Remedy(
    "use {relativistic_paired} with {r1}, or add {zero_centered_gp}, {spectral_norm} or {packing}; fewer discriminator "
    "updates a step"
)
_STEADY = Remedy("add {zero_centered_gp} or {r1}, lower beta 1, or average the generator's weights (training.ema)")
NO_REMEDY = Remedy("nothing to mend")
REMAINDER = Remedy("train longer, widen the networks, or try {relativistic_paired} with {r1}")

RULES = (
    Rule(
        "diverged", (C("diverged", ">", "yes"),), Remedy("lower the learning rates, or add {r1} or {gradient_penalty}")
    ),
    Rule("exploding gradient", (C("grad_g", ">", "gradient exploded"),), _CALM, "generator"),
    Rule("exploding gradient", (C("grad_d", ">", "gradient exploded"),), _CALM, "discriminator"),
    Rule(
        "exploding gradient",
        (C("grad_g_growth", ">", "gradient grew"), C("grad_g", ">", "gradient large")),
        _CALM,
        "generator",
    ),
    Rule(
        "exploding gradient",
        (C("grad_d_growth", ">", "gradient grew"), C("grad_d", ">", "gradient large")),
        _CALM,
        "discriminator",
    ),
    Rule(
        "vanishing gradient",
        (C("loss_slope", "<", "loss saturated"), C("grad_g", "<", "gradient vanished"), _BAD),
        Remedy("use {non_saturating}, or hold the discriminator back with {r1}, {instance_noise} or fewer updates"),
        "the loss is saturated",
    ),
    Rule(
        "vanishing gradient",
        (C("critic_slope", "<", "critic flat"), C("grad_g", "<", "gradient vanished"), _BAD),
        Remedy("replace weight clipping by {gradient_penalty} or {spectral_norm}, or clip at a larger c"),
        "the critic is flat",
    ),
    Rule(
        "vanishing gradient",
        (C("grad_g", "<", "gradient vanished"), _BAD),
        Remedy("look at {loss_slope} and {critic_slope}; add {r1} or use {non_saturating}"),
    ),
    Rule(
        "discriminator overfit",
        (C("overfit_ratio", ">", "known by heart"), C("auc_gap", ">", "AUC gap")),
        Remedy(
            "more data, {ada}, {lecam} or {r1}, {diff_augment} for images, a smaller discriminator, or stop earlier"
        ),
    ),
    Rule(
        HEALTHY,
        (
            C("good", ">", "yes"),
            C("oscillation", "<", "oscillates"),
            C("spread", ">", "shrunk"),
            C("spread", "<", "swollen"),
        ),
        NO_REMEDY,
    ),
    Rule("under-trained", (C("displacement", "<", "stayed"),), _LONGER, "hardly moved"),
    Rule(
        "no signal",
        (
            C("advantage", "<", "no advantage"),
            C("critic_slope", "<", "critic nearly flat"),
            C("oscillation", ">", "oscillates"),
        ),
        _TELLS,
        "the discriminator learns nothing",
    ),
    Rule(
        "mode hopping",
        (C("move", ">", "hops"), C("spread", "<", "narrow"), _MODES),
        Remedy("fewer generator updates a discriminator update, {unrolled}, or {r1}"),
    ),
    Rule(
        "no signal",
        (C("net_path", ">", "straight"), C("oscillation", ">", "oscillates")),
        _TELLS,
        "the samples drift off",
    ),
    # Before the collapses: generators start out as points, or as images that are all alike.
    Rule(
        "under-trained",
        (
            C("net_path", ">", "straight"),
            C("net", ">", "gets somewhere"),
            C("grad_g", ">", "gradient alive"),
            C("quality", "<", "poor quality"),
        ),
        _LONGER,
        "still on its way",
    ),
    Rule(
        "under-trained",
        (
            C("net_path", ">", "still travelling"),
            C("net", ">", "gets somewhere"),
            C("spread", "<", "narrow"),
            C("grad_g", ">", "gradient alive"),
            C("quality", "<", "poor quality"),
        ),
        _LONGER,
        "still on its way",
    ),
    Rule("total collapse", (C("spread", "<", "point-like"), _MODES), _DIVERSE),
    Rule(
        "no signal", (C("spread", ">", "scattered"), C("oscillation", ">", "oscillates")), _TELLS, "the samples scatter"
    ),
    Rule("oscillation", (C("oscillation", ">", "oscillates"),), _STEADY),
    Rule("partial collapse", (C("modes_lost", ">", "yes"), C("quality", ">", "good quality")), _DIVERSE),
    Rule(
        "partial collapse",
        (C("recall_share", "<", "few recalled"), C("quality", ">", "good quality")),
        _DIVERSE,
        "much of the data is out of reach",
    ),
)

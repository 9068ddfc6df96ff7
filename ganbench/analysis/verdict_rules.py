"""The verdicts and the rules that name them, as data: thresholds with their sources, conditions, remedies.

Rules are tried in order and the first that holds is the verdict of a run. `verdict_statistics` makes the statistics,
all without units: lengths are in units of the data's spread, slopes in units of the loss's own, gradients of both and
of the weights, or of the gradient that a run began with. `verdict_remedies` says what to try next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ganbench.analysis import verdict_remedies as remedies
from ganbench.analysis.verdict_remedies import Remedy

HEALTHY, LOW_QUALITY, UNCLEAR, FAILED = "healthy", "low quality", "unclear", "failed"


class Meaning(NamedTuple):
    """What a verdict says in one line, and the family whose colour it has on pages (`report/marks.py`)."""

    summary: str
    family: str


# Every verdict that a run can have, in the order in which pages and lists show them.
VERDICTS = {
    HEALTHY: Meaning("All that real samples keep is kept, modes or recall and quality; nothing swings.", "healthy"),
    "partial collapse": Meaning("Samples are good, and some of the data's modes are missing.", "collapse"),
    "total collapse": Meaning("Samples are all alike, or in one mode.", "collapse"),
    "mode hopping": Meaning("Samples sit in few places at a time and jump from one to the next.", "hopping"),
    "oscillation": Meaning("Samples circle around the data and do not settle.", "game"),
    "no signal": Meaning("The discriminator does not tell the generator where the data are.", "game"),
    "discriminator overfit": Meaning("The discriminator knows its training samples by heart.", "game"),
    "discriminator wins": Meaning(
        "The discriminator's loss is next to nothing and its ranking perfect, and samples stay bad.", "game"
    ),
    "vanishing gradient": Meaning("The generator receives next to no gradient.", "gradient"),
    "exploding gradient": Meaning("The gradient of a player is far larger than in any run that works.", "gradient"),
    "diverged": Meaning("Losses or samples are not finite, or left the data's range by far.", "broken"),
    FAILED: Meaning("The run has no result.", "broken"),
    "under-trained": Meaning("The run ended before it was through.", "open"),
    LOW_QUALITY: Meaning("No failure with a name: too few samples are good.", "open"),
    UNCLEAR: Meaning("Columns that the rules read are missing.", "open"),
}


class Threshold(NamedTuple):
    """A number that decides, and where it comes from."""

    value: float
    source: str


_MEASURED = "between healthy runs and planted failures on rings, Gaussians and digits, fixed before what tests it"
THRESHOLDS = {
    "push exploded": Threshold(1e4, _MEASURED + "; others: up to 850, unbounded critics: from 4e5"),
    "gradient grew": Threshold(100.0, _MEASURED),
    "push large": Threshold(2e3, _MEASURED + "; others: up to 850, unbounded critics: from 4e5"),
    "push vanished": Threshold(0.02, "Arjovsky & Bottou 2017, arXiv:1701.04862, figure 2; healthy: 4 to 13"),
    "push alive": Threshold(0.3, _MEASURED),
    "gradient shrank": Threshold(1e-4, "Arjovsky & Bottou 2017, arXiv:1701.04862, figure 2; healthy: 0.5 and more"),
    "loss saturated": Threshold(1e-2, "Arjovsky & Bottou 2017, arXiv:1701.04862, theorem 2.4; healthy: 0.7 to 1"),
    "critic flat": Threshold(5e-3, _MEASURED + "; clipped: up to 4e-4, healthy: from 0.5"),
    "frozen": Threshold(1e-5, "a hundredth of the usual 1e-3 (Bottou et al. 2018, arXiv:1606.04838)"),
    "known by heart": Threshold(0.5, "Karras et al. 2020, arXiv:2006.06676, section 3, whose target is 0.6"),
    "AUC gap": Threshold(0.1, _MEASURED + "; endless data: at most 0.015"),
    "stayed": Threshold(0.05, _MEASURED),
    "no advantage": Threshold(0.15, _MEASURED + "; flipped labels: up to 0.09, momentum: from 0.22"),
    "all but won": Threshold(0.95, _MEASURED + "; five critic steps on digits: up to 0.92, one that wins: from 0.97"),
    "always right": Threshold(0.99, _MEASURED + "; a perfect ranking has 1"),
    "cannot tell": Threshold(0.6, _MEASURED + "; chance: 0.5, bad samples and one that learns: from 0.85"),
    "oscillates": Threshold(0.12, _MEASURED + "; healthy: at most 0.041"),
    "hops": Threshold(0.25, _MEASURED + "; healthy: at most 0.056"),
    "straight": Threshold(0.5, _MEASURED),
    "still travelling": Threshold(0.25, _MEASURED),
    "gets somewhere": Threshold(0.1, _MEASURED + "; stopped early: from 0.15"),
    "still rising": Threshold(0.3, _MEASURED),
    "point-like": Threshold(0.15, _MEASURED),
    "narrow": Threshold(0.6, _MEASURED),
    "shrunk": Threshold(0.8, _MEASURED),
    "swollen": Threshold(1.25, _MEASURED),
    "scattered": Threshold(1.5, _MEASURED),
    "one mode": Threshold(1.25, _MEASURED + "; one mode: up to 1.03, few modes: from 1.5"),
    "few modes used": Threshold(0.4, _MEASURED + "; blurred but everywhere: from 0.62"),
    "fair quality": Threshold(0.5, "half of the quality of real samples"),
    "few recalled": Threshold(0.5, "half of the recall of real samples; Kynkäänniemi et al. 2019, arXiv:1904.06991"),
    "poor quality": Threshold(0.2, _MEASURED),
    "yes": Threshold(0.5, "a statistic that is 0 or 1, or a number of modes"),
}
# A statistic in the words of a verdict's evidence; `{value}` is its value, lengths are in units of the data's spread.
WORDS = {
    "diverged": "losses or samples are not finite",
    "push_g": "the generator's gradient, times its weights' norm and over the loss's slope, is {value}",
    "push_d": "the discriminator's gradient, times its weights' norm and over the loss's slope, is {value}",
    "growth_g": "the generator's gradient norm is {value} times the first",
    "growth_d": "the discriminator's gradient norm is {value} times the first",
    "loss_share": "the slope of the generator's loss is {value} of what it is where the loss is not saturated",
    "critic_rise": "the discriminator's logit rises by {value} from generated to real samples",
    "step_d": "the discriminator's weights move by {value} of themselves in a step",
    "most_step_d": "the discriminator's weights never moved by more than {value} of themselves in a step",
    "overfit_ratio": "logits place held-out samples {value} of the way from trained-on to generated ones",
    "auc_gap": "the discriminator ranks trained-on samples better than held-out ones by {value}",
    "good": "all modes (or recall) and quality are kept",
    "quality": "the share of good samples is {value} of that of real ones",
    "more_modes": "the data has several modes",
    "modes_lost": "missing modes: {value}",
    "modes_used": "samples are spread over {value} modes",
    "used_share": "samples are spread over {value} of the modes",
    "recall_share": "recall is {value} of that of real samples",
    "rise": "what samples cover of the data has grown by {value} of itself since the second quarter",
    "advantage": "the discriminator makes {value} of what its logits could win",
    "won": "the discriminator has won {value} of all that its loss can win",
    "auc": "the discriminator ranks a real sample above a generated one in {value} of the pairs",
    "auc_alone": "the discriminator ranks a real sample above a generated one in {value} of the pairs",
    "displacement": "the generator has moved by {value} of the data's spread since it began",
    "move": "samples jump by {value} from one evaluation to the next",
    "net": "samples have travelled {value} of the data's spread",
    "net_path": "samples drift in one direction: {value} of their path is progress",
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
_FAINT = C("push_g", "<", "push vanished")
_SWINGS = C("oscillation", ">", "oscillates")
_STILL = C("oscillation", "<", "oscillates")
_ALIVE = C("push_g", ">", "push alive")
_POOR = C("quality", "<", "poor quality")
_FAIR = C("quality", ">", "fair quality")

RULES = (
    Rule("diverged", (C("diverged", ">", "yes"),), remedies.DIVERGED),
    # First: whatever samples do under a discriminator that never moved, they do because of it.
    Rule("no signal", (C("most_step_d", "<", "frozen"), _BAD), remedies.UNFROZEN, "the discriminator is frozen"),
    Rule(
        "vanishing gradient",
        (C("loss_share", "<", "loss saturated"), _FAINT, _BAD),
        remedies.UNSATURATED,
        "the loss is saturated",
    ),
    Rule(
        "vanishing gradient",
        (C("critic_rise", "<", "critic flat"), _FAINT, _BAD),
        remedies.STEEPER,
        "the critic is flat",
    ),
    Rule(
        "vanishing gradient",
        (_FAINT, C("critic_rise", ">", "critic flat"), C("loss_share", ">", "loss saturated"), _BAD),
        remedies.REVIVED,
        "the generator is dead",
    ),
    Rule("vanishing gradient", (_FAINT, _BAD), remedies.LOOK),
    Rule("vanishing gradient", (C("growth_g", "<", "gradient shrank"), _BAD), remedies.LOOK),
    # Before the explosions: samples run away from a discriminator that stands still, and its gradient grows with them.
    Rule("no signal", (C("step_d", "<", "frozen"), _BAD), remedies.UNFROZEN, "the discriminator is frozen"),
    Rule("exploding gradient", (C("push_g", ">", "push exploded"),), remedies.CALM, "generator"),
    Rule("exploding gradient", (C("push_d", ">", "push exploded"),), remedies.CALM, "discriminator"),
    Rule(
        "exploding gradient",
        (C("growth_g", ">", "gradient grew"), C("push_g", ">", "push large")),
        remedies.CALM,
        "generator",
    ),
    Rule(
        "exploding gradient",
        (C("growth_d", ">", "gradient grew"), C("push_d", ">", "push large")),
        remedies.CALM,
        "discriminator",
    ),
    Rule(
        "discriminator overfit",
        (C("overfit_ratio", ">", "known by heart"), C("auc_gap", ">", "AUC gap")),
        remedies.MORE_DATA,
    ),
    Rule(
        HEALTHY,
        (C("good", ">", "yes"), _STILL, C("spread", ">", "shrunk"), C("spread", "<", "swollen")),
        remedies.NO_REMEDY,
    ),
    # Before all that looks at movement: what samples do under a discriminator that has won is no fault of theirs.
    Rule(
        "discriminator wins", (C("won", ">", "all but won"), C("auc", ">", "always right"), _BAD), remedies.OUTMATCHED
    ),
    Rule("under-trained", (C("displacement", "<", "stayed"),), remedies.LONGER, "hardly moved"),
    Rule(
        "no signal",
        (C("advantage", "<", "no advantage"), _SWINGS, _BAD),
        remedies.TELLS,
        "the discriminator learns nothing",
    ),
    Rule(
        "no signal",
        (C("advantage", "<", "no advantage"), C("auc", "<", "cannot tell"), _POOR),
        remedies.TELLS,
        "the discriminator learns nothing",
    ),
    Rule("mode hopping", (C("move", ">", "hops"), C("spread", "<", "narrow"), _MODES), remedies.SLOWER),
    Rule("no signal", (C("net_path", ">", "straight"), _SWINGS), remedies.TELLS, "the samples drift off"),
    Rule(
        "no signal",
        (C("auc_alone", "<", "cannot tell"), _POOR),
        remedies.TELLS,
        "the discriminator tells nothing apart",
    ),
    # Before the collapses: generators start out as points, or as images that are all alike.
    Rule(
        "under-trained",
        (C("net_path", ">", "straight"), C("net", ">", "gets somewhere"), _ALIVE, _POOR),
        remedies.LONGER,
        "still on its way",
    ),
    Rule(
        "under-trained",
        (
            C("net_path", ">", "still travelling"),
            C("net", ">", "gets somewhere"),
            C("spread", "<", "narrow"),
            _ALIVE,
            _POOR,
        ),
        remedies.LONGER,
        "still on its way",
    ),
    Rule("total collapse", (C("spread", "<", "point-like"), _MODES), remedies.DIVERSE),
    Rule(
        "total collapse",
        (C("modes_used", "<", "one mode"), C("spread", "<", "narrow"), _MODES),
        remedies.DIVERSE,
        "one mode is left",
    ),
    Rule("no signal", (C("spread", ">", "scattered"), _SWINGS), remedies.TELLS, "the samples scatter"),
    Rule("oscillation", (_SWINGS,), remedies.STEADY),
    Rule(
        "under-trained",
        (C("recall_share", "<", "few recalled"), C("rise", ">", "still rising"), _FAIR),
        remedies.LONGER,
        "it still covers more of the data",
    ),
    Rule(
        "under-trained",
        (C("modes_lost", ">", "yes"), C("rise", ">", "still rising"), _FAIR),
        remedies.LONGER,
        "it still covers more of the data",
    ),
    Rule("partial collapse", (C("modes_lost", ">", "yes"), _FAIR), remedies.DIVERSE),
    Rule(
        "partial collapse",
        (C("used_share", "<", "few modes used"), C("rise", "<", "still rising")),
        remedies.DIVERSE,
        "few modes have the samples, and they are blurred",
    ),
    Rule(
        "partial collapse",
        (C("recall_share", "<", "few recalled"), _FAIR),
        remedies.DIVERSE,
        "much of the data is out of reach",
    ),
    Rule("partial collapse", (C("spread", "<", "shrunk"), _FAIR), remedies.DIVERSE, "the samples spread too little"),
)

"""What to try next, as data: the proposals of each verdict; a trial gets those that it has not tried already.

In a proposal `{r1}` is a component of the catalogue.
"""

from __future__ import annotations

import re
import string
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SETTINGS = ("loss", "tricks", "schedule", "optimizer")  # columns of the runs table that say what a trial has


class Proposal(NamedTuple):
    """One thing to try.

    Attributes:
        template: the proposal; the components in braces are what it adds. It is not for a trial that has one of them.
        has: it is only for a trial that has one of these components or settings, such as `n_critic`.
        lacks: it is not for a trial that has one of these.
        trains: the changes that `ganbench cure` trains for it (`cures/changes.py`); its components by default.
    """

    template: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    trains: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the proposal without its braces."""
        return self.template.replace("{", "").replace("}", "")

    @property
    def components(self) -> tuple[str, ...]:
        """Return the names in braces, in their order."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.template) if name)

    @property
    def changes(self) -> tuple[str, ...]:
        """Return the names of the changes that are trained for it; none where it is nothing that a suite can say."""
        return self.trains or self.components

    def fits(self, trial: frozenset[str]) -> bool:
        """Return whether the proposal is for a trial that has these components and settings."""
        return (not self.has or bool(trial & {*self.has})) and not trial & {*self.components, *self.lacks}


@dataclass(frozen=True)
class Remedy:
    """Proposals, the best first. The last must fit every trial."""

    proposals: tuple[Proposal, ...]
    MOST = 4  # are named at once

    def chosen(self, trial: frozenset[str]) -> tuple[Proposal, ...]:
        """Return the proposals for a trial that has these components and settings."""
        return tuple(one for one in self.proposals if one.fits(trial))[: self.MOST]


def used_by(facts: Mapping[Hashable, object]) -> frozenset[str]:
    """Return the components and settings that a row of the runs table names; none where it names nothing.

    Example:
        >>> sorted(used_by({"loss": "hinge", "tricks": "r1(gamma=0.1)+top_k", "schedule": "n_critic=5, batch=128"}))
        ['batch', 'hinge', 'n_critic', 'r1', 'top_k']
    """
    names: set[str] = set()
    for column in SETTINGS:
        label = facts.get(column)
        if isinstance(label, str):
            while label != (label := re.sub(r"\([^()]*\)", "", label)):
                pass
            names |= {part.split("=")[0].strip() for part in re.split(r"[+,]", label)}
    return frozenset(names - {"none", ""})


P = Proposal
PENALTIES = ("r1", "r2", "gradient_penalty", "zero_centered_gp", "lecam")
CALM = Remedy(
    (
        P("add {r1}", lacks=("gradient_penalty", "zero_centered_gp")),
        P("add {gradient_penalty}", lacks=("r1", "zero_centered_gp")),
        P("add {spectral_norm}"),
        P("fewer discriminator updates a step", has=("n_critic",), trains=("fewer_discriminator_updates",)),
        P("lower the discriminator's learning rate", trains=("slower_discriminator",)),
    )
)
DIVERGED = Remedy((P("add {r1}"), P("add {gradient_penalty}"), P("lower both learning rates", trains=("slower",))))
UNSATURATED = Remedy(
    (
        P("use {non_saturating}", lacks=("relativistic_paired",)),
        P("add {r1}", lacks=("gradient_penalty", "zero_centered_gp")),
        P("fewer discriminator updates a step", has=("n_critic",), trains=("fewer_discriminator_updates",)),
        P("train the discriminator less in advance", has=("head_start",), trains=("no_head_start",)),
        P("add {instance_noise}"),
        P("lower the discriminator's learning rate", trains=("slower_discriminator",)),
    )
)
OUTMATCHED = Remedy(
    (
        P("add {r1}", lacks=("gradient_penalty", "zero_centered_gp")),
        P("fewer discriminator updates a step", has=("n_critic",), trains=("fewer_discriminator_updates",)),
        P("train the discriminator less in advance", has=("head_start",), trains=("no_head_start",)),
        P("add {instance_noise}"),
        P("lower the discriminator's learning rate", trains=("slower_discriminator",)),
    )
)
STEEPER = Remedy(
    (
        P(
            "replace weight clipping by {gradient_penalty} or {spectral_norm}",
            has=("weight_clipping",),
            trains=("gradient_penalty_for_clipping", "spectral_norm_for_clipping"),
        ),
        P("clip at a larger c", has=("weight_clipping",), trains=("larger_clip",)),
        P(
            "a weaker penalty",
            has=PENALTIES,
            trains=("weaker_penalty",),
        ),
        P("fewer layers in the discriminator, or larger initial weights", trains=("shallower_discriminator",)),
    )
)
REVIVED = Remedy(
    (
        P("start the generator anew with a lower learning rate", trains=("slower_generator",)),
        P(
            "use leaky units or a normalisation in the generator, so that none stay at zero",
            trains=("leaky_generator",),
        ),
    )
)
LOOK = Remedy((P("add {r1}"), P("use {non_saturating}"), P("look at loss_slope and critic_slope")))
UNFROZEN = Remedy(
    (P("raise the discriminator's learning rate: its weights do not move", trains=("faster_discriminator",)),)
)
MORE_DATA = Remedy(
    (
        P("more data"),
        P("add {ada}"),
        P("add {lecam}"),
        P("add {r1}"),
        P("add {diff_augment} (images)"),
        P("a smaller discriminator, or stop earlier", trains=("smaller_discriminator",)),
    )
)
TELLS = Remedy(
    (
        P("flip fewer labels", has=("label_flipping",), trains=("fewer_flips",)),
        P("less noise on its inputs", has=("instance_noise",), trains=("less_noise",)),
        P(
            "a weaker penalty",
            has=PENALTIES,
            trains=("weaker_penalty",),
        ),
        P("more discriminator updates a step", trains=("more_discriminator_updates",)),
        P("give the discriminator more capacity or a higher learning rate", trains=("faster_discriminator",)),
    )
)
LONGER = Remedy((P("train longer, or raise the learning rates", trains=("longer", "much_longer", "faster")),))
SLOWER = Remedy(
    (
        P("fewer generator updates a discriminator update", has=("n_generator",), trains=("fewer_generator_updates",)),
        P("add {unrolled}"),
        P("add {r1}"),
        P("lower the generator's learning rate", trains=("slower_generator",)),
    )
)
DIVERSE = Remedy(
    (
        P("use {relativistic_paired}"),
        P("add {r1}", lacks=("gradient_penalty", "zero_centered_gp")),
        P("add {zero_centered_gp}", lacks=("r1", "gradient_penalty")),
        P("fewer discriminator updates a step", has=("n_critic",), trains=("fewer_discriminator_updates",)),
        P("add {spectral_norm}"),
        P("add {packing}"),
        P("lower the learning rates, or widen the networks", trains=("slower", "wider")),
    )
)
STEADY = Remedy(
    (
        P("add {zero_centered_gp}", lacks=("r1", "gradient_penalty")),
        P("add {r1}", lacks=("zero_centered_gp", "gradient_penalty")),
        P("average the generator's weights (training.ema)", lacks=("ema",), trains=("ema",)),
        P("lower beta 1 or the learning rates", trains=("no_momentum", "slower")),
    )
)
NO_REMEDY = Remedy((P("nothing to fix"),))
REMAINDER = Remedy(
    (
        P("use {relativistic_paired}"),
        P("add {r1}"),
        P("train longer, or widen the networks", trains=("longer", "wider")),
    )
)

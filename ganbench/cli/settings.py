"""Tricks that are settings of a suite, no components: what `explain`, `list tricks` and the catalogue say of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganbench.core.naming import is_named


@dataclass(frozen=True)
class Setting:
    """A trick that suites have a key for: what it does with its formula, its paper, its claim, and how to set it.

    `aliases` are the other names that papers have for it.
    """

    name: str
    summary: str
    source: str
    addresses: str
    example: str
    aliases: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield what `ganbench explain` prints."""
        yield f"{self.name} (a setting, no component)"
        yield f"  {self.summary}"
        yield f"paper: {self.source}"
        yield f"addresses: {self.addresses}"
        yield "example suite:"
        for line in self.example.split("\n"):
            yield f"  {line}"


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "ttur",
            "Two time scales: a rate of its own for each player, d_lr = 4e-4 and g_lr = 1e-4 with β₁ = 0.",
            "Heusel et al. 2017, arXiv:1706.08500, theorem 1; the numbers: Zhang et al. 2019, arXiv:1805.08318",
            "oscillation: a discriminator that is fast enough follows the generator to a local equilibrium",
            "datasets: [ring]\noptimizers: [adam, adam: {d_lr: 4e-4, g_lr: 1e-4, betas: [0.0, 0.9]}]",
            ("two_time_scale", "two_time_scale_update_rule"),
        ),
        Setting(
            "n_critic",
            "n_critic ≥ 1 updates of the discriminator to one of the generator; n_generator ≥ 1 is the reverse.",
            "Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 (k); 5: Arjovsky et al. 2017, arXiv:1701.07875",
            "a critic too far from its optimum for its gradient to mean anything",
            "datasets: [ring]\nlosses: [wasserstein]\ntricks: [gradient_penalty]\ntraining: {n_critic: 5}",
            ("critic_steps", "discriminator_steps", "d_steps"),
        ),
        Setting(
            "simultaneous",
            "update = simultaneous: both players move from the same weights; G does not see the new D.",
            "Mescheder et al. 2018, arXiv:1801.04406, section 2",
            "nothing: alternating, the default, is the stabler of the two; papers that did it this way are repeated so",
            "datasets: [ring]\ntraining: {update: simultaneous}",
        ),
        Setting(
            "ema",
            "Samples are judged from a moving average of the generator's weights, w̄ ← ema · w̄ + (1 − ema) · w.",
            "Yazıcı et al. 2019, arXiv:1806.04498; 0.999: Karras et al. 2018, arXiv:1710.10196",
            "samples that differ from step to step, as a generator circles; training itself is untouched",
            "datasets: [ring]\ntraining: {ema: 0.999}",
            ("exponential_moving_average", "weight_averaging"),
        ),
        Setting(
            "negative_momentum",
            "Gradient descent with μ < 0: b ← μ b + g, w ← w − η b, players in turn.",
            "Gidel et al. 2019, arXiv:1807.04740, section 4",
            "rotation: bilinear games come to rest at μ = −1/2",
            "datasets: [ring]\noptimizers: [sgd: {lr: 0.1, momentum: -0.5}]",
        ),
    )
}


def settings_named(text: str) -> list[Setting]:
    """Return the settings that have this name, however it is written."""
    return [setting for setting in SETTINGS.values() if is_named(text, setting.name, *setting.aliases)]

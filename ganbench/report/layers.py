"""The gradient through the depth of both networks: where it vanishes or explodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganbench.report import svg

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "grad_norm"
SIZE = (2.9, 1.45)
BOX = (0.135, 0.155, 0.84, 0.79)
NETWORKS = {"G": ("generator", svg.GENERATOR), "D": ("discriminator", svg.DISCRIMINATOR)}


def layer_profile(layers: pd.DataFrame, name: str) -> str:
    """Return an `<svg>` of each layer's gradient norm, first layer to last: early in training thin, late thick.

    Early is the first quarter of the logged steps, late the last half; medians over them and the seeds. Empty where no
    network has two layers.
    """
    if COLUMN not in layers or layers.empty:
        return ""
    step = layers["step"].to_numpy(float)
    early, late = layers.loc[step <= step.max() / 4], layers.loc[step >= step.max() / 2]
    profiles = {n: (_profile(early, n), _profile(late, n)) for n in NETWORKS}
    profiles = {n: found for n, found in profiles.items() if len(found[1]) > 1 and (found[1] > 0).all()}
    return _draw(profiles, name) if profiles else ""


def _profile(layers: pd.DataFrame, network: str) -> np.ndarray:
    own = layers[layers["network"] == network]
    return own.groupby("layer", sort=False)[COLUMN].median().to_numpy(float)


def _draw(profiles: dict[str, tuple[np.ndarray, np.ndarray]], name: str) -> str:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    from ganbench.report.panels import tick

    said = []
    with svg.settings():
        figure = Figure(figsize=SIZE, dpi=72)
        axes = figure.add_axes(BOX)
        axes.set_yscale("log")
        for network, (early, late) in profiles.items():
            word, colour = NETWORKS[network]
            for values, width, alpha in ((early, 0.8, 0.6), (late, 1.7, 1.0)):
                axes.plot(np.linspace(0, 1, len(values)), values, color=colour, lw=width, alpha=alpha, clip_on=False)
            said.append(f"{word} from {late[0]:.3g} in the first layer to {late[-1]:.3g} in the last")
        axes.grid(axis="y", color=svg.RULE, linewidth=0.7, clip_on=False)
        axes.tick_params(bottom=False, left=False, labelsize=8, labelcolor=svg.MUTED, pad=2)
        axes.patch.set_visible(False)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(svg.RULE)
        axes.set_xticks([0, 1], ["first", "last"])
        for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
            label.set_horizontalalignment(side)
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(tick)
        return svg.element(svg.parts(figure), SIZE, f"Gradient norm by layer, {name}: {'; '.join(said)}")

"""The moving picture at the top of the README: the two trials of `ganbench demo` side by side while they train.

`python tests/docs/demo_picture.py results/demo docs/demo.gif` draws it from the newest run in that folder.
"""

from __future__ import annotations

import sys
from textwrap import fill

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.artist import Artist

import ganbench
from ganbench.loaded import Results

FRAME_S, LAST_S = 0.1, 3.0  # how long a picture is shown, and the last one
REAL, LOST, KEPT = "#c3c9d2", "#b2182b", "#2166ac"


def draw(results: Results, to: str) -> list[int]:
    """Write the animation, and return the steps that it shows; a trial that was stopped keeps its last picture."""
    runs = results.runs.drop_duplicates("trial").sort_values("modes_captured")
    kept = [results.samples[trial] for trial in runs["trial"]]
    steps = [int(step) for step in max((one["steps"] for one in kept), key=len)]
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 4.2), dpi=100)
    dots = [_panel(ax, one["real"], *look) for ax, one, look in zip(axes, kept, _looks(runs), strict=True)]

    def show(frame: int) -> list[Artist]:
        step = steps[min(frame, len(steps) - 1)]
        figure.suptitle(f"step {step:,}", fontsize=10, y=0.06)
        for one, points in zip(kept, dots, strict=True):
            last = int(np.searchsorted(one["steps"], step, side="right")) - 1
            points.set_offsets(one["samples"][last][0])
        return dots

    frames = len(steps) + int(LAST_S / FRAME_S)
    FuncAnimation(figure, show, frames=frames).save(to, PillowWriter(fps=int(1 / FRAME_S)))
    plt.close(figure)
    return steps


def _looks(runs):
    """Yield title and colour of the trial that loses its modes and of the one that keeps them."""
    for colour, (_, run) in zip((LOST, KEPT), runs.iterrows(), strict=True):
        modes = f"{run['modes_captured']:.0f} of {run['known_modes']:.0f} modes"
        yield f"{fill(run['label'], 32)}\n{run['verdict']}, {modes}", colour


def _panel(ax, real, title, colour):
    ax.set_title(title, fontsize=9, color=colour)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
    ax.scatter(*real.T, s=9, color=REAL, linewidths=0)
    return ax.scatter([], [], s=5, color=colour, linewidths=0)


if __name__ == "__main__":
    folder, picture = sys.argv[1:]
    print(f"{picture}: steps {draw(ganbench.load(folder), picture)}")

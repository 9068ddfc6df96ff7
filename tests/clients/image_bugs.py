"""Bugs as a stranger would write them in a DCGAN on images, and healthy loops beside them.

`python -m tests.clients.image_bugs --seeds 0 2` prints what the monitor says of each, and when. `--fashion FOLDER`
takes Fashion-MNIST in place of scikit-learn's digits: the folder that holds `train-images-idx3-ubyte.gz`, such as
Debian's `/usr/share/datasets/fashion-mnist`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from tests.clients import image_inputs, image_settings, image_updates
from tests.clients.hearing import Case, listen, options
from tests.clients.image_loops import HEALTHY, STEPS, Dcgan, pictures

BUGS: tuple[type[Dcgan], ...] = (*image_updates.BUGS, *image_settings.BUGS, *image_inputs.BUGS)


def case_of(kind: type[Dcgan], fashion: str = "") -> Case:
    """Return a loop as one to listen to."""

    def run(folder: Path, seed: int, steps: int, enough: Callable[[], bool]) -> object:
        torch.manual_seed(seed)
        return kind(*pictures(fashion)).run(folder, steps, enough)

    return Case((kind.__doc__ or "").strip(), kind.says, run)


def main() -> None:
    parser = options(STEPS)
    parser.add_argument("--fashion", default="", help="a folder of Fashion-MNIST")
    chosen = parser.parse_args()
    listen([case_of(kind, chosen.fashion) for kind in (*BUGS, *HEALTHY)], chosen)


if __name__ == "__main__":
    main()

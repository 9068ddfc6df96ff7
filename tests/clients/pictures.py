"""Pictures of planted loops for docs/monitor.md: real samples, and beside them what the generator makes of them.

`python tests/clients/pictures.py docs` writes `docs/monitor_<name>.png` and prints what the monitor said of each.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_digits

from ganbench.monitor.pictures import grid
from tests.clients.bugs import BUGS, FAILURES, HEALTHY
from tests.clients.digits_loop import Loop
from tests.clients.hearing import Heard

STEPS, SEED, ENLARGED, GAP = 160, 0, 3, 4
CASES = {
    "healthy": "non-saturating",
    "wins": "D wins, non-saturating",
    "blind": "D blind: half of the labels flipped",
    "ranges": "real in [0, 1], G ends in tanh",
}


def draw(name: str, folder: Path) -> list[str]:
    """Train a planted loop and write its picture; return what the monitor said, line by line."""
    planted = next(one for one in (*BUGS, *FAILURES, *HEALTHY) if one.name == CASES[name])
    heard, log = Heard(), logging.getLogger("ganbench.monitor")
    log.addHandler(heard)
    with tempfile.TemporaryDirectory() as place:
        monitor = Loop(**planted.changes).run(Path(place) / "run", SEED, STEPS)
    log.removeHandler(heard)
    assert monitor._watch is not None
    fake = monitor._watch.record.snapshots.kept[max(monitor._watch.record.snapshots.kept)][0]
    (scans, _) = load_digits(return_X_y=True)
    real = torch.from_numpy(scans[:64].reshape(-1, 8, 8) / 16 * 255).round().to(torch.uint8).unsqueeze(1)
    left, right = (torch.from_numpy(grid(x)) for x in (real, fake))
    between = torch.full((len(left), GAP, 3), 255, dtype=torch.uint8)
    both = torch.cat((left, between, right), 1).repeat_interleave(ENLARGED, 0).repeat_interleave(ENLARGED, 1)
    Image.fromarray(both.numpy()).convert("L").save(folder / f"monitor_{name}.png", optimize=True)
    return heard.lines


if __name__ == "__main__":
    for case in CASES:
        print(f"{case}: {CASES[case]}", *draw(case, Path(sys.argv[1]))[:2], sep="\n  ", flush=True)

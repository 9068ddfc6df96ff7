"""Makes real_seeds.csv: 64 seeds of real runs, whose spread the tests of the comparison draw from.

Run it where a component that it uses has other numbers now: `python -m tests.analysis.make_real_seeds` (seconds).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.engine import Trainer
from tests.helpers.trials import small_trial

# Halfway, where seeds differ most, and where nearly all have found every mode.
STEPS = (300, 400)
COLUMNS = ["steps", "seed", "status", "modes_captured", "modes_hit", "hq_fraction", "mode_kl", "fid"]


def main() -> None:
    """Train and write the table."""
    tables = []
    for steps in STEPS:
        trial = small_trial(
            ("r1", {"gamma": 0.1}),
            dataset=("ring", {"sigma": 0.1}),
            network=("mlp", {"latent": 8, "width": 32}),
            optimizer=("adam", {"lr": 4e-3}),
            seeds=tuple(range(64)),
            steps=steps,
            batch=64,
            log_every=steps,
            evaluate_every=steps,
            samples=500,
            diagnostics=(),
        )
        trainer = Trainer(trial)
        while not trainer.finished:
            trainer.advance(60)
        tables.append(trainer.tables().runs[COLUMNS])
    pd.concat(tables).to_csv(Path(__file__).with_name("real_seeds.csv"), index=False, float_format="%.6g")


if __name__ == "__main__":
    main()

"""The folder that throws are made at: a suite that was run, an edited one, baselines, a checkpoint, caches."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

SUITE = """
name: small
datasets: [ring]
networks: [{mlp: {latent: 4, width: 16}}]
losses: [non_saturating, hinge]
tricks: [none]
seeds: 2
steps: 20
batch: 16
log_every: 5
evaluate: {every: 10, samples: 100}
"""
RUN, PARTS = Path("results/small"), Path("results/small/parts")


def prepare(here: Path) -> None:
    """Make it, with the commands of the ganbench that is imported."""
    from ganbench.cli.main import main
    from ganbench.core.status import Status
    from ganbench.extractors._trained import kept_weights
    from ganbench.extractors.digits import Digits
    from ganbench.tables.part_store import write_failure
    from tests.engine import Trainer, TrialJob

    kept_weights(Digits(), None)  # of the user's cache: a few seconds where it is empty
    weights = Digits().cache_file()
    os.chdir(here)
    os.environ["XDG_CACHE_HOME"] = str(here / "cache")
    (here / "outside").mkdir()
    (here / "outside/file").write_text("outside")
    (here / "outside/folder").mkdir()
    Path("other.yaml").write_text(SUITE.replace("steps: 20", "steps: 30"))
    Path("small.yaml").write_text(SUITE)
    run = ("--executor", "local")
    assert main(["run", "other.yaml", *run]) == 0
    new = next(RUN.glob("*/manifest.json")).parent
    assert main(["baseline", "save", str(new), "--as", "two"]) == 0
    assert main(["run", "small.yaml", *run]) == 0
    old = next(path.parent for path in RUN.glob("*/manifest.json") if path.parent != new)
    assert main(["baseline", "save", str(old), "--as", "one"]) == 0
    Path("old").write_text(old.name)
    Path("new").write_text(new.name)
    trial = plan("small.yaml").trials[0]
    job = TrialJob(trial, trial.key, Path("work").absolute())
    job.folder.mkdir()
    trainer = Trainer(trial, checkpoint=job.checkpoint)
    while trainer.step < 10:
        trainer.advance(0.0)
    trainer.save(job.checkpoint)
    write_failure(job.folder, trial.key, Status.TIMEOUT, "not finished")
    _write_pictures(here / "data/images/all")
    if weights.is_file():  # a cache that cannot be written is empty
        Digits().cache_file().parent.mkdir(parents=True)
        shutil.copy(weights, Digits().cache_file())


def plan(name: str):
    """Return the plan of a suite of the prepared folder."""
    from ganbench.suite.plan import make_plan
    from ganbench.suite.schema import read_suite

    return make_plan(read_suite(Path(name)))


def run_folder() -> Path:
    """Return the folder of the run of small.yaml."""
    return RUN / Path("old").read_text()


def other_run() -> Path:
    """Return the folder of the run of other.yaml."""
    return RUN / Path("new").read_text()


def _write_pictures(folder: Path) -> None:
    from PIL import Image

    folder.mkdir(parents=True)
    for i in range(10):
        pixels = np.random.default_rng(i).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")

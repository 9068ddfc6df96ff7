"""What a plan accepts trains: every trick with every network on every data set, every loss likewise, two steps each."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from PIL import Image

from ganbench.core import registry
from ganbench.core.trial import Trial
from ganbench.suite.plan import incompatibility
from ganbench.suite.schema import DEFAULT_DIAGNOSTICS
from tests.engine import begin
from tests.helpers.trials import choose, small_trial


def ours(kind: str) -> list[str]:
    return sorted(name for name, cls in registry.components(kind).items() if cls.__module__.startswith("ganbench."))


# Those that have to be downloaded differ from `image_folder` by their files alone.
DATASETS = [name for name in ours("dataset") if not registry.components("dataset")[name].__module__.endswith(
    ("mnist", "cifar10", "celeba", "stl10"))]  # fmt: skip
SMALL = {
    "mlp": {"latent": 4, "width": 8},
    "autoencoder": {"width": 8, "d_width": 8},
    "dcgan": {"latent": 4, "channels": 2},
    "resnet": {"latent": 4, "channels": 4},
    "r3gan": {"latent": 4, "channels": 4, "group_width": 4},
}
CHEAP = {"unrolled": {"steps": 1}, "head_start": {"steps": 1}, "minibatch_discrimination": {"kernels": 4}}
LOSSES = ["non_saturating", *(name for name in ours("loss") if name != "non_saturating")]


def trial_of(trick: str | None, network: str, dataset: str, loss: str) -> Trial:
    data = {"folder": "pictures", "size": 8} if dataset == "image_folder" else {}
    return small_trial(
        *([(trick, CHEAP.get(trick, {}))] if trick else []),
        network=(network, SMALL.get(network, {})),
        dataset=(dataset, data),
        loss=(loss, {}),
        steps=2,
        batch=12,
        seeds=(0, 1),
        log_every=1,
        evaluate_every=2,
        samples=24,
        diagnostics=tuple(choose("diagnostic", name) for name in DEFAULT_DIAGNOSTICS),
    )


def combinations() -> list[tuple[str | None, str, str, str | None]]:
    """Return trick, network, data set and loss of every combination; None for no trick, and for the first that goes."""
    tricks = itertools.product([None, *ours("trick")], ours("network"), DATASETS, [None])
    return [*tricks, *itertools.product([None], ours("network"), DATASETS, LOSSES)]


def planned(trick: str | None, network: str, dataset: str, loss: str | None) -> Trial | None:
    """Return the trial of a combination if a plan accepts it."""
    trials = (trial_of(trick, network, dataset, one) for one in ([loss] if loss else LOSSES))
    return next((trial for trial in trials if incompatibility(trial) is None), None)


def problem_of(trial: Trial) -> str | None:
    """Train two steps and return what was wrong."""
    try:
        begun = begin(trial, (0,))
        begun.train(2)
    except Exception as error:  # noqa: BLE001 - whatever training refuses
        return f"{type(error).__name__}: {error}"
    return None if begun.d.flat.isfinite().all() and begun.g.flat.isfinite().all() else "not finite"


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """Put what `image_folder` needs into a data folder, and leave no copies in the user's cache."""
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pictures/all").mkdir(parents=True)
    for i in range(40):
        pixels = np.random.default_rng(i).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/all/{i}.png")


def refused_by_training(chosen):
    """Return what was wrong with those that a plan accepts, by their names, and how many it accepts."""
    wrong, accepted = {}, 0
    for names in chosen:
        trial = planned(*names)
        if trial is not None:
            accepted += 1
            if problem := problem_of(trial):
                wrong[names] = problem
    return wrong, accepted


def test_what_a_plan_accepts_trains():
    """Eighty drawn with a fixed seed, and each trick that changes what D sees on the one network that minds."""
    drawn = random.Random("sample").sample(combinations(), 80)
    minding = [(trick, "dirac", "dirac", None) for trick in ("packing", "minibatch_stddev", "displaced_start", "r1")]
    wrong, accepted = refused_by_training([*drawn, *minding])
    assert wrong == {} and accepted > 30


@pytest.mark.verify
def test_all_that_a_plan_accepts_trains():
    wrong, accepted = refused_by_training(combinations())
    assert wrong == {} and accepted > 1000


def test_a_plan_says_why_a_network_of_one_number_cannot_have_it():
    for trick, why in (
        ("packing", "sees points of a line, packing shows it samples of shape (2,)"),
        ("minibatch_stddev", "is one number, minibatch_stddev adds to the features of a last layer"),
    ):
        assert incompatibility(trial_of(trick, "dirac", "dirac", "wasserstein")) == f"dirac: its discriminator {why}"

"""With every diagnostic of the registry on, each loss and trick trains to the same bits as with none."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.core.trial import Choice
from tests.engine import Trainer
from tests.helpers.trials import small_trial

POINTS = {"network": ("mlp", {"latent": 2, "width": 4, "depth": 1})}
ENERGY = {"network": ("autoencoder", {"latent": 2, "width": 4, "d_width": 4})}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 4, "latent": 4})}
CHEAP = {
    "duality_gap": {"steps": 2},
    "path_angle": {"points": 13},
    "gradient_snr": {"minibatches": 2},
    "game_jacobian": {"eigenvalues": 1},
}
# Convolutions have a thousand weights: a search takes a second a seed.
LONG = {"game_jacobian"}
CASES = [
    cls
    for kind in ("loss", "trick")
    for cls in registry.components(kind).values()
    if cls.__module__.startswith("ganbench.")
]


def diagnostics(*, without=()):
    """Return all of the registry, due at every second logged step at least."""
    found = []
    for name, cls in registry.components("diagnostic").items():
        if name in without or not cls.__module__.startswith("ganbench."):
            continue
        parameters = dict(CHEAP.get(name, {}))
        if "every" in getattr(cls, "__dataclass_fields__", {}):
            parameters["every"] = 2
        found.append(Choice.of(registry.build("diagnostic", name, parameters)))
    return tuple(found)


def trial_of(cls, **changes):
    if cls.kind == "loss":
        return small_trial(loss=(cls.name, {}), **(ENERGY if "energy" in cls.traits else POINTS), **changes)
    parameters = {"kernels": 3, "dimensions": 2} if cls.name == "minibatch_discrimination" else {}
    return small_trial((cls.name, parameters), **(IMAGES if "images" in cls.requires else POINTS), **changes)


def states(trial):
    """Return all that training holds at its end: weights, buffers, memories, moments, generators."""
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    found = {}
    for player in (trainer.d, trainer.g):
        moments = player.optimizer.state_dict()["state"].get(0, {})
        for group in (player.params, player.buffers, player.memory, moments):
            found |= {f"{player.name} {name}": t for name, t in group.items() if isinstance(t, torch.Tensor)}
    for name, kept in trainer.noise.state_dict().items():
        found |= {f"{name} start": kept["start"], f"{name} at": torch.tensor(kept["position"])}
    return trainer, found


@pytest.mark.parametrize("cls", CASES, ids=lambda cls: f"{cls.kind}-{cls.name}")
def test_diagnostics_leave_training_alone(cls):
    common = {"seeds": (0, 1), "steps": 3, "log_every": 1, "evaluate_every": 3, "metrics": (), "samples": 8}
    images = cls.kind == "trick" and "images" in cls.requires
    watched = diagnostics(without=LONG if images else ())
    _, bare = states(trial_of(cls, diagnostics=(), **common))
    trainer, measured = states(trial_of(cls, diagnostics=watched, **common))
    assert bare.keys() == measured.keys()
    assert all(torch.equal(bare[name], measured[name]) for name in bare)
    for player in (trainer.d, trainer.g):
        assert player.flat.dtype == torch.float32
        assert all(view.grad is None for view in player.params.values())
    told = {name for name, column in trainer.history.columns.items() if column[-1].isfinite().all()}
    assert {"path_norm", "grad_snr_g"} <= told or trainer.setup.rule is not None
    assert "duality_gap" in trainer.history.columns or trainer.setup.stateful_discriminator is not None


def test_an_image_network_has_every_number():
    small = {"network": ("dcgan", {"channels": 2, "latent": 2})}
    trial = small_trial(
        dataset=("digits", {}),
        **small,
        seeds=(0, 1),
        steps=2,
        log_every=1,
        evaluate_every=2,
        metrics=(),
        samples=8,
        batch=4,
        diagnostics=diagnostics(),
    )
    trainer, _ = states(trial)
    for choice in trial.diagnostics:
        for column in choice.build().columns:
            assert trainer.history.columns[column.name].isfinite().any(), column.name

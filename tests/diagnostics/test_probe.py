"""What diagnostics are shown of a trial's networks."""

from __future__ import annotations

import pytest
import torch

from ganbench.datasets._mixture import Points
from tests.engine import Trainer, every_steps, logged_update_steps
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial


def trained(*tricks, **changes):
    names = ("critic_slope", "overfitting", "cosine")
    trial = small_trial(*tricks, diagnostics=tuple(choose("diagnostic", n) for n in names), **changes)
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    return trainer


def test_the_look_is_at_the_networks_of_the_moment():
    trainer = trained()
    look = present(trainer.probe).snapshot(trainer.d, trainer.g, 1.0)
    d, g, leak = trainer.d.params, trainer.g.params, torch.nn.functional.leaky_relu

    def mlp(p, x, last, activation):
        for name in ("linear0", "linear1"):
            x = activation(x @ p[f"{name}.weight"] + p[f"{name}.bias"].unsqueeze(1))
        return x @ p[f"{last}.weight"] + p[f"{last}.bias"].unsqueeze(1)

    fake = mlp(g, present(trainer.probe).z, "linear2", torch.relu)
    torch.testing.assert_close(look.fake, fake)
    torch.testing.assert_close(look.discriminator(look.fake), mlp(d, fake, "head", lambda x: leak(x, 0.2)).squeeze(-1))
    assert not look.fake.requires_grad
    assert look.real.shape == look.heldout.shape == (3, 256, 2)
    assert not torch.equal(look.real, look.heldout)


def test_a_finite_set_shows_what_it_trains_on_and_what_it_does_not():
    trainer = trained(dataset=("gaussian", {"points": 16}))
    look, data = present(trainer.probe).snapshot(trainer.d, trainer.g, 1.0), trainer.setup.data
    assert isinstance(data, Points)
    known = (look.real.unsqueeze(-2) == data.train).all(-1).any(-1)
    unknown = (look.heldout.unsqueeze(-2) == data.train).all(-1).any(-1)
    assert known.all()
    assert not unknown.any()


def test_packed_samples_stay_packed():
    trainer = trained(("packing", {}))
    look = present(trainer.probe).snapshot(trainer.d, trainer.g, 1.0)
    assert look.discriminator(look.real).shape == (3, 128)


def test_a_discriminator_that_did_not_move_has_no_cosine():
    history = trained(n_generator=2, log_every=1).tables().history
    d = history[history.seed == 0].set_index("step").grad_cosine_d
    assert d.notna().sum() == 9
    assert d.loc[[3, 5, 7]].notna().all()
    assert history.grad_cosine_g.notna().sum() == 3 * 19


@pytest.mark.parametrize(
    ("every", "due"), [(1, {1, 5, 10, 15, 20}), (10, {1, 15}), (7, {1, 10, 15}), (100, {1}), (5, {1, 10, 15, 20})]
)
def test_due_steps(every, due):
    assert every_steps([1, 5, 10, 15, 20], every) == due


@pytest.mark.parametrize(
    ("n_generator", "read"), [(1, {1, 5, 10}), (2, {1, 5, 9, 10}), (4, {1, 5, 9, 10}), (10, {1, 5, 10})]
)
def test_read_steps_are_the_logged_ones_and_those_at_which_the_discriminator_moved(n_generator, read):
    assert logged_update_steps([1, 5, 10], n_generator) == read

"""What every trick must hold, the day its file appears."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.tricks import HOOKS, Trick
from tests.engine import TrialSetup, begin, gan_step
from tests.helpers.trials import small_trial

TRICKS = list(registry.components("trick").values())
# Where six small steps would not notice the default, or the trick asks for images.
PARAMETERS = {
    "ada": {"ramp": 20},
    "gradient_clipping": {"limit": 1e-3},
    "lecam": {"warm_up": 0},
    "replay_buffer": {"size": 16},
    "top_k": {"epoch": 1, "gamma": 0.8},
}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 4})}
PUBLIC = {"label", "parameters", "all_traits", "summary", "parameter_traits", "skip"}


@pytest.fixture(params=TRICKS, ids=lambda cls: cls.name)
def trick(request):
    return request.param()


def trial_of(trick, *tricks):
    """Return a small trial of a kind that the trick has a meaning in."""
    # Batch norm in D hides a shift of the fakes: the gradient of G's last bias is rounding alone, which Adam magnifies,
    # so only a batch of whole vector registers, with the same bits in company, will do.
    batch = 32 if trick.name == "batch_norm" else 16
    return small_trial(*tricks, batch=batch, **(IMAGES if "images" in trick.requires else {}))


def train(trick, seeds, steps=6, spoil=None):
    trial = trial_of(trick, (trick.name, PARAMETERS.get(trick.name, {})))
    setup, d, g, noise = begin(trial, seeds)
    last = None
    for step in range(1, steps + 1):
        if spoil is not None and step == 3:
            with torch.no_grad():
                next(iter(g.params.values()))[spoil] = torch.nan
        last = gan_step(setup, d, g, noise, step, previous=last)
    return {f"{p.name}.{name}": t.detach() for p in (d, g) for name, t in {**p.params, **p.buffers}.items()}


def test_has_known_hooks_only(trick):
    methods = {n for n, v in vars(type(trick)).items() if callable(v) and not n.startswith("_")}
    assert trick.hooks == methods & set(HOOKS)
    assert trick.hooks, "a trick without a hook does nothing"
    assert not methods - set(HOOKS) - PUBLIC, "the engine never calls these"


def test_a_hook_is_active_where_a_class_overrides_it():
    class Steeper(registry.find(Trick, "r1")):
        def penalty(self, view):
            return 2.0 * super().penalty(view)

    assert registry.build(Trick, "r1").hooks == {"penalty"} == Steeper().hooks
    assert Trick().hooks == frozenset()
    setup = TrialSetup(small_trial(("r1", {})), torch.device("cpu"))
    assert {hook for hook, tricks in setup.hooks.items() if tricks} == {"penalty"}


def test_declares_source_and_claim(trick):
    assert trick.source
    assert trick.addresses
    assert trick.summary()


def test_changes_training(trick):
    if trick.name == "truncation":
        pytest.skip("it changes evaluation alone, which tests/tricks/test_latent_tricks.py holds")
    plain = trial_of(trick)
    setup, d, g, noise = begin(plain, (0,))
    for step in range(1, 7):
        gan_step(setup, d, g, noise, step)
    changed = train(trick, (0,))
    assert any(not torch.equal(t.detach(), changed[f"G.{name}"]) for name, t in g.params.items())


def test_a_seed_trains_alike_alone_and_in_company(trick):
    alone, packed = train(trick, (5,)), train(trick, (3, 5, 9, 11))
    assert alone.keys() == packed.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(packed[name][1], tensor[0], rtol=1e-6, atol=1e-6)


def test_nan_in_one_seed_stays_there(trick):
    clean, dirty = train(trick, (0, 1, 2)), train(trick, (0, 1, 2), spoil=1)
    for name, tensor in dirty.items():
        assert torch.equal(tensor[[0, 2]], clean[name][[0, 2]]), name
    assert any(t[1].isnan().any() for t in dirty.values())

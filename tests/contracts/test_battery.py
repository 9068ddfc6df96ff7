"""The same battery for every loss and every trick, through the engine: finite, order-free, of the right sign, alone.

Where one does not apply, a table says why; a component that is in no table goes through all of it.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ganbench.core import registry
from tests.engine import Begun, PackedNoise, PackedStep, PackedView, TrialSetup, gan_step
from tests.helpers.present import present
from tests.helpers.trials import small_trial

CPU, BATCH = torch.device("cpu"), 12
# No size but the batch's is 12, so that whatever has an axis of 12 goes with the samples.
POINTS = {"network": ("mlp", {"latent": 4, "width": 16})}
ENERGY = {"network": ("autoencoder", {"latent": 4, "width": 16, "d_width": 16})}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 4, "latent": 4})}
# Where a few small steps would not notice the default.
PARAMETERS = {
    "ada": {"ramp": 24},
    "lecam": {"warm_up": 0},
    "replay_buffer": {"size": 24},
    "top_k": {"epoch": 1, "gamma": 0.8},
    "minibatch_discrimination": {"kernels": 5, "dimensions": 3},
}
CASES = [
    cls
    for kind in ("loss", "trick")
    for cls in registry.components(kind).values()
    if cls.__module__.startswith("ganbench.")
]


def trial_of(cls, **changes):
    if cls.kind == "loss":
        return small_trial(
            loss=(cls.name, {}), batch=BATCH, **(ENERGY if "energy" in cls.traits else POINTS), **changes
        )
    axes = IMAGES if "images" in cls.requires else POINTS
    return small_trial((cls.name, PARAMETERS.get(cls.name, {})), batch=BATCH, **axes, **changes)


@pytest.fixture(params=CASES, ids=lambda cls: f"{cls.kind}-{cls.name}")
def case(request):
    return request.param


def train(setup, d, g, seeds, steps=4):
    return Begun(setup, d, g, PackedNoise(seeds, CPU)).train(steps)


# A weight of no length has no direction to normalise.
NO_DIRECTION = {"spectral_norm", "weight_norm"}


@pytest.mark.parametrize("silent", ["generator", "discriminator", "both"])
def test_stays_finite_where_networks_answer_nothing(case, silent):
    """All samples at one point, no slope anywhere: where a root, a ratio or a logarithm would break."""
    if silent != "generator" and case.name in NO_DIRECTION:
        pytest.skip("a weight of no length has no direction to normalise")
    setup = TrialSetup(trial_of(case), CPU)
    d, g = setup.players((0, 1))
    with torch.no_grad():
        for player in {"generator": (g,), "discriminator": (d,), "both": (d, g)}[silent]:
            player.flat.zero_()
    last = train(setup, d, g, (0, 1))
    for passed in (last.d, last.g):
        assert torch.isfinite(passed.loss).all()
        assert torch.isfinite(passed.gradient).all()
    assert torch.isfinite(d.flat).all() and torch.isfinite(g.flat).all()


@pytest.mark.parametrize("size", [1e-6, 1e3])
def test_stays_finite_on_tiny_and_huge_data(case, size, monkeypatch):
    setup = TrialSetup(trial_of(case), CPU)
    take = setup.data.gather
    monkeypatch.setattr(setup.data, "gather", lambda drawn: size * take(drawn))
    d, g = setup.players((0, 1))
    train(setup, d, g, (0, 1))
    assert torch.isfinite(d.flat).all() and torch.isfinite(g.flat).all()


class Shuffled(PackedNoise):
    """Another's random numbers with those of each sample where that sample now is."""

    def __init__(self, seeds, order):
        super().__init__(seeds, CPU)
        self.order = order

    def draw(self, name, numbers, draw):
        drawn = super().draw(name, numbers, draw)
        for axis, size in enumerate(drawn.shape):
            drawn = drawn.index_select(axis, self.order) if size == BATCH else drawn
        return drawn


MIXED = torch.tensor([7, 2, 11, 0, 5, 9, 3, 10, 1, 8, 4, 6])
# Places have a meaning where samples are looked at in groups: these orders keep who is with whom.
ORDERS = {
    "packing": torch.tensor([4, 5, 10, 11, 0, 1, 8, 9, 2, 3, 6, 7]),  # pairs of neighbours
    "mode_seeking": torch.tensor([3, 0, 5, 1, 4, 2, 9, 6, 11, 7, 10, 8]),  # b and b + 6
    "minibatch_stddev": torch.tensor([2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9, 10]),  # b mod 3
}


def test_the_order_of_a_batch_does_not_matter(case, monkeypatch):
    if case.name == "replay_buffer":
        pytest.skip("which fake meets which slot is drawn by its place; the law is the same for all")
    torch.set_default_dtype(torch.float64)
    try:
        setup = TrialSetup(trial_of(case), CPU)
        take = setup.data.gather
        monkeypatch.setattr(setup.data, "gather", lambda drawn: take(drawn).double())
        d, g = setup.players((0, 1))
        if setup.rule is None:
            train(setup, d, g, (0, 1))  # so that what is remembered is there
        kept = {name: t.clone() for name, t in d.memory.items()}
        buffers = {name: t.clone() for name, t in (*d.buffers.items(), *g.buffers.items())}
        found = []
        for order in (torch.arange(BATCH), ORDERS.get(case.name, MIXED)):
            d.memory.clear()
            d.memory |= {name: t.clone() for name, t in kept.items()}
            for own in (d.buffers, g.buffers):
                for name, tensor in own.items():
                    tensor.copy_(buffers[name])
            context = PackedStep(setup, d, g, Shuffled((0, 1), order), 0.5, False)
            batch = context.minibatch()
            loss_d = context.discriminator_loss(d.params, g.params, batch).loss
            found.append((loss_d, context.generator_loss(d.params, g.params, batch).loss, batch))
        plain, mixed = found
        assert not torch.equal(plain[2].real, mixed[2].real)
        for here, there in zip(plain[:2], mixed[:2], strict=True):
            torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-10)
    finally:
        torch.set_default_dtype(torch.float32)


# To rounding alone, because a library's kernel depends on how much there is to compute.
OTHER_KERNELS = {
    "minibatch_discrimination": "15 columns are no whole number of vector registers",
}


def test_nan_in_one_seed_stays_there_and_a_seed_is_alike_alone(case):
    """With company, with company that is broken, and alone; tricks go through more of this in test_trick_contract."""
    finals = []
    for seeds, spoilt in (((0, 1, 2), None), ((0, 1, 2), 1), ((2,), None)):
        # Batches of whole vector registers: where one is not, a mean differs in its last bit.
        setup = TrialSetup(dataclasses.replace(trial_of(case), batch=32), CPU)
        d, g = setup.players(seeds)
        if spoilt is not None:
            with torch.no_grad():
                g.flat[spoilt] = torch.nan
        train(setup, d, g, seeds)
        finals.append((d.flat, g.flat))
    company, broken, alone = finals
    for whole, dirty, one in zip(company, broken, alone, strict=True):
        assert torch.equal(whole[[0, 2]], dirty[[0, 2]])
        assert dirty[1].isnan().any()
        torch.testing.assert_close(whole[2], one[0], rtol=1e-6, atol=1e-6)
        assert case.name in OTHER_KERNELS or torch.equal(whole[2], one[0]), "not bit for bit"


# Training D need not part the logits, training G need not raise its own, and why.
OTHER_AIMS = {
    "D": {
        "batch_norm": "what a minibatch has in common is what the norm takes out",
        "weight_clipping": "a critic with weights of at most 0.01 is flatter than the one that it starts as",
    },
    "G": {
        "feature_matching": "it matches features, and logits only as they follow",
        "mode_seeking": "samples are driven apart, wherever that takes them",
    },
}


def answers(setup, d, g, weights_d, weights_g):
    """Return the mean logits of real samples and fakes that training has not seen, as the discriminator sees them."""
    seeds = tuple(range(100, 100 + len(weights_d)))
    noise = PackedNoise(seeds, CPU)
    batch = PackedStep(setup, d, g, noise, 0.0, False).minibatch()
    view = PackedView(setup, d.views(weights_d), d.buffers, noise, 0.0, "G", dict(d.memory), training=False)
    with torch.no_grad():
        fake = setup.generate(g.views(weights_g), g.buffers, batch.z, training=True, noise=None)
        return view(view.preprocess(present(batch.real), "real")).mean(), view(view.preprocess(fake, "fake")).mean()


def trained(case, rates, start, first):
    """Return the game and its players after some steps from given weights, one player hardly moving."""
    setup = TrialSetup(trial_of(case, steps=200, optimizer=("adam", rates)), CPU)
    seeds = (0, 1, 2, 3)
    d, g = setup.players(seeds)
    with torch.no_grad():
        for player, weights in zip((d, g), start or (), strict=False):
            player.flat.copy_(weights)
    noise = PackedNoise(seeds, CPU)
    for step in range(first, first + 25):
        gan_step(setup, d, g, noise, step)
    return setup, d, g


def test_each_player_goes_its_way(case):
    """Training D alone raises mean real − fake logits; training G alone, against that D, raises the fakes'."""
    still = 1e-12
    setup, d, g = trained(case, {"d_lr": 3e-3, "g_lr": still}, None, 1)
    started = TrialSetup(trial_of(case), CPU).players((0, 1, 2, 3))[0].flat.detach()
    here = d.flat.detach().clone(), g.flat.detach().clone()
    if case.name not in OTHER_AIMS["D"]:
        real, fake = answers(setup, d, g, started, here[1])
        real_now, fake_now = answers(setup, d, g, *here)
        assert real_now - fake_now > real - fake
    setup, d, g = trained(case, {"d_lr": still, "g_lr": 1e-3}, here, 30)
    if case.name not in OTHER_AIMS["G"]:
        assert answers(setup, d, g, here[0], g.flat.detach())[1] > answers(setup, d, g, *here)[1]


def test_declares_what_penalties_object_to(case):
    """A discriminator whose answer on one sample depends on the others, or on a draw, has the trait that says so."""
    setup = TrialSetup(trial_of(case), CPU)
    d, g = setup.players((0, 1))
    context = PackedStep(setup, d, g, PackedNoise((0, 1), CPU), 0.0, False)
    batch = context.minibatch()
    view = context.discriminator_view(
        d.params, batch, setup.generate(g.params, g.buffers, batch.z, training=True, noise=None)
    )
    x = view.real.detach().requires_grad_()
    logits = view(x)
    (slope,) = torch.autograd.grad(logits[:, 1].sum(), x)
    assert slope[:, 1].any()
    slope[:, 1] = 0
    assert bool(slope.any()) == ("couples samples" in case().all_traits)
    assert torch.equal(logits, view(x)) != ("random discriminator" in case().all_traits)


def test_exceptions_are_of_components_that_exist():
    names = {cls.name for cls in CASES}
    assert {*NO_DIRECTION, *OTHER_KERNELS, *ORDERS, *OTHER_AIMS["D"], *OTHER_AIMS["G"], *PARAMETERS} <= names

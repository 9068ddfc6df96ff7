"""Tricks that remember, and those that change what the generator's loss is, against loops."""

from __future__ import annotations

import pytest
import torch

from ganbench.core.protocols import DiscriminatorView, Noise, PlayerName, Side
from ganbench.core.registry import build
from ganbench.losses import Loss
from ganbench.tricks.feature_matching import FeatureMatching
from ganbench.tricks.historical_averaging import HistoricalAveraging
from ganbench.tricks.lecam import LeCam
from ganbench.tricks.replay_buffer import ReplayBuffer
from ganbench.tricks.top_k import TopK
from tests.engine import PackedNoise, PackedStep, TrialSetup, gan_step
from tests.helpers.oracles import TrickOracle
from tests.helpers.present import present
from tests.helpers.stand_in import stand_in
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_lecam_anchors_follow_the_logits_and_wait():
    trick, memory = LeCam(weight=0.3, decay=0.9, warm_up=2), {}
    real_mean = fake_mean = None
    for step in range(5):
        r, f = randn(2, 6, seed=step), randn(2, 6, seed=100 + step)
        see = stand_in(DiscriminatorView, real_logits=r, fake_logits=f, memory=memory, step=step)
        value = trick.penalty(see)
        mean_r, mean_f = float(sum(r[1])) / 6, float(sum(f[1])) / 6
        real_mean = mean_r if real_mean is None else 0.9 * real_mean + 0.1 * mean_r
        fake_mean = mean_f if fake_mean is None else 0.9 * fake_mean + 0.1 * mean_f
        term = sum((float(a) - fake_mean) ** 2 for a in r[1]) / 6 + sum((float(b) - real_mean) ** 2 for b in f[1]) / 6
        assert value[1].item() == pytest.approx(0.3 * term if step >= 2 else 0.0)


def test_historical_average_is_the_mean_of_all_steps():
    setup = TrialSetup(small_trial(("historical_averaging", {"weight": 0.3})), CPU)
    d, g = setup.players((0, 1))
    noise, seen = PackedNoise((0, 1), CPU), []
    for step in range(1, 6):
        gan_step(setup, d, g, noise, step)
        seen.append(d.flat.detach().clone())
    mean = torch.stack(seen).mean(0)
    torch.testing.assert_close(d.memory["historical average"], mean)
    zero = torch.zeros_like(mean)
    pull = HistoricalAveraging(weight=0.3).gradients(d, zero)
    theta = d.flat.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(0.3 * (theta - mean.double()).square().sum(), theta)
    torch.testing.assert_close(pull.double(), expected, rtol=1e-5, atol=1e-7)


def test_feature_matching_replaces_the_adversarial_loss():
    setup = TrialSetup(small_trial(("feature_matching", {"weight": 2.0})), CPU)
    d, g = setup.players((0, 1))
    context = PackedStep(setup, d, g, PackedNoise((0, 1), CPU), 0.0, False)
    batch = context.minibatch(setup.generator_needs_real)
    loss = context.generator_loss(d.params, g.params, batch).loss
    fake = setup.generate(g.params, g.buffers, batch.z, training=True, noise=None)
    for seed in range(2):
        hidden = []
        for x in (present(batch.real)[seed], fake[seed]):
            for layer in ("linear0", "linear1"):
                w, b = d.params[f"{layer}.weight"][seed], d.params[f"{layer}.bias"][seed]
                x = torch.nn.functional.leaky_relu(x @ w + b, 0.2)
            hidden.append(sum(x) / len(x))
        expected = 2.0 * (hidden[0] - hidden[1]).square().sum()
        assert loss[seed].item() == pytest.approx(expected.item(), rel=1e-4)
    assert FeatureMatching.requires_real


def test_top_k_keeps_the_best_and_its_share_falls():
    fake, real = randn(2, 10), randn(2, 10, seed=1)
    for step, k in ((0, 10), (9, 10), (10, 8), (20, 6), (1000, 5)):
        best, of_real = TopK(gamma=0.8, epoch=10).generator_logits(fake, real, stand_in(DiscriminatorView, step=step))
        assert best.shape == present(of_real).shape == (2, k)
        for s in range(2):
            assert sorted(best[s].tolist()) == sorted(fake[s].tolist())[-k:]
    assert TopK().generator_logits(fake, None, stand_in(DiscriminatorView, step=0))[1] is None


def test_top_k_in_the_generators_loss():
    """The generator's loss of the engine is the loss of the best fakes' logits."""
    setup = TrialSetup(small_trial(("top_k", {"gamma": 0.5, "floor": 0.25, "epoch": 1})), CPU)
    d, g = setup.players((0, 1))
    losses = (context := PackedStep(setup, d, g, PackedNoise((0, 1), CPU), 0.5, False)).generator_loss(
        d.params, g.params, context.minibatch()
    )
    best = torch.stack([torch.stack(sorted(row)[-4:]) for row in losses.fake_logits])
    torch.testing.assert_close(losses.loss, build(Loss, "non_saturating", {}).generator(best))


@pytest.mark.parametrize(("size", "batch"), [(5, 3), (3, 5), (3, 8)])
def test_replayed_samples_are_those_of_a_list(size, batch):
    """One fake after the other meets a list, as in the authors' code; slots are drawn `size` at a time."""
    trick, memory, generator = ReplayBuffer(size=size, p=0.6), {}, torch.Generator().manual_seed(0)
    lists = [[], []]
    for step in range(8):
        x = (
            torch.full((2, batch, 1), 10.0 * step)
            + torch.arange(batch).view(1, -1, 1)
            + torch.tensor([[[0.0]], [[0.5]]])
        )
        draws = [torch.rand(2, 2, size, generator=generator) for _ in range(0, batch, size)]
        left = iter(draws)
        noise = stand_in(Noise, uniform=lambda name, *shape, left=left: next(left))
        see = stand_in(DiscriminatorView, player="D", memory=memory, noise=noise, batch_dim=1)
        shown = trick.inputs(x, see, "fake")
        for s, kept in enumerate(lists):
            values = x[s, :, 0].tolist()
            if len(kept) < size:
                kept += values[: size - len(kept)]
                expected = values
            else:
                expected = []
                for b, value in enumerate(values):
                    order, swap = draws[b // size][s].tolist()
                    slot = sorted(range(size), key=order.__getitem__)[b % size]
                    if swap[b % size] < 0.6:
                        kept[slot], value = value, kept[slot]
                    expected.append(value)
            assert shown[s, :, 0].tolist() == expected
            assert memory["replay buffer"][s, :, 0].tolist() == kept


def test_half_of_a_batch_larger_than_the_buffer_is_replayed():
    """Batch 128, 50 slots, p ½: a fake is new with probability ½, binomial over 200 batches, false alarms 1e-5."""
    trick, memory, generator = ReplayBuffer(), {}, torch.Generator().manual_seed(0)
    noise = stand_in(Noise, uniform=lambda name, *shape: torch.rand(shape, generator=generator).unsqueeze(0))
    see, new = stand_in(DiscriminatorView, player="D", memory=memory, noise=noise, batch_dim=1), 0
    for step in range(201):
        x = (1000.0 * step + torch.arange(128.0)).view(1, 128, 1)
        shown = trick.inputs(x, see, "fake")
        new += int((shown == x).sum()) if step else 0
    n = 200 * 128
    assert abs(new - n / 2) < 4.4 * (n / 4) ** 0.5


def test_replay_leaves_the_generator_and_real_samples_alone():
    x = randn(2, 4, 3)
    cases: tuple[tuple[PlayerName, Side], ...] = (("G", "fake"), ("D", "real"))
    for player, side in cases:
        see = stand_in(DiscriminatorView, player=player, memory={})
        assert ReplayBuffer().inputs(x, see, side) is x and not see.memory


def lecam(v, t, real, fake):
    r, f = v.logits(real), v.logits(fake)
    anchors = []
    for side, logits in (("real", r), ("fake", f)):
        # The anchor is a constant: this minibatch's mean in it is that of the weights that are not moved.
        now = v.frozen.setdefault(side, float(logits.mean()))
        anchors.append(t.decay * float(v.memory[f"lecam {side}"][v.seed]) + (1 - t.decay) * now)
    return t.weight * (((r - anchors[1]) ** 2).mean() + ((f - anchors[0]) ** 2).mean())


def replayed(v, t, x, side):
    if side == "real" or v.player == "G":
        return x
    kept, rows = list(v.memory["replay buffer"][v.seed]), []
    for start in range(0, len(x), t.size):
        order, swap = v.take("replay buffer")
        for slot, chance, new in zip(order.argsort(), swap, x[start : start + t.size], strict=False):
            shown = new
            if chance < t.p:
                kept[slot], shown = new.detach(), kept[slot]
            rows.append(shown)
    return torch.stack(rows)


def matching(v, t, real, fake):
    return t.weight * ((v.hidden(real).mean(0) - v.hidden(fake).mean(0)) ** 2).sum()


def best(v, t, r, f):
    k = max(1, round(max(t.gamma ** (v.step // t.epoch), t.floor) * len(f)))
    order = sorted(range(len(f)), key=lambda i: -float(f[i]))[:k]
    return (None if r is None else r[:k]), f[order]


def drawn_back(v, t, player, plain):
    flat = v.d if player == "D" else v.g
    return plain(v) + t.weight * ((flat - v.histories[player][v.seed]) ** 2).sum()


ORACLES = (
    TrickOracle(
        "lecam",
        parameters={"warm_up": 0},
        penalty=lecam,
        # google/lecam-gan: 0.3 and 1000 in BigGAN's scripts; 0.99 in StyleGAN2's loss (BigGAN's has 0.9).
        defaults={"weight": 0.3, "decay": 0.99, "warm_up": 1000},
    ),
    TrickOracle(
        "historical_averaging",
        alone=drawn_back,
        # section 3.3: the term has no factor
        defaults={"weight": 1.0},
    ),
    TrickOracle(
        "feature_matching",
        generator=matching,
        # Salimans 2016, section 3.1: the norm is the whole objective
        defaults={"weight": 1.0},
    ),
    TrickOracle(
        "top_k",
        parameters={"gamma": 0.8, "epoch": 1},
        choose=best,
        # Sinha 2020, section 4
        defaults={"gamma": 0.99, "floor": 0.5},
        open={"epoch": "endless data have no epochs"},
    ),
    TrickOracle(
        "replay_buffer",
        parameters={"size": 10},
        see=replayed,
        # Zhu 2017, section 4
        defaults={"size": 50, "p": 0.5},
    ),
)

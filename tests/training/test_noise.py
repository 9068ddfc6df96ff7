"""Random streams: independent of company, of block borders and of interruptions."""

from __future__ import annotations

import torch

from ganbench.core.streams import stream
from ganbench.training.noise import MAX_BLOCK_STEPS, PackedNoise

CPU = torch.device("cpu")


def take(noise, n, name="latent", shape=(4, 3)):
    return torch.stack([noise.normal(name, *shape) for _ in range(n)])


def test_a_seed_draws_the_same_in_any_company():
    alone, packed = take(PackedNoise((7,), CPU), 5), take(PackedNoise((3, 7, 11), CPU), 5)
    assert torch.equal(alone[:, 0], packed[:, 1])
    assert not torch.equal(packed[:, 0], packed[:, 1])


def test_names_do_not_touch_each_other():
    quiet, busy = PackedNoise((0,), CPU), PackedNoise((0,), CPU)
    drawn = []
    for _ in range(100):
        busy.uniform("another", 2)
        drawn.append(busy.normal("latent", 4, 3))
    assert torch.equal(take(quiet, 100), torch.stack(drawn))


def test_going_on_from_a_checkpoint_anywhere():
    straight = take(PackedNoise((1, 2), CPU), 3 * MAX_BLOCK_STEPS)
    for stop in (1, MAX_BLOCK_STEPS - 1, MAX_BLOCK_STEPS, MAX_BLOCK_STEPS + 1):
        first = PackedNoise((1, 2), CPU)
        take(first, stop)
        second = PackedNoise((1, 2), CPU)
        second.load_state_dict(first.state_dict())
        assert torch.equal(take(second, 20), straight[stop : stop + 20]), stop


def test_somebody_is_told_of_what_comes():
    """Of each block as it is drawn, of what is left of one after a checkpoint, and of no other stream."""
    told = []
    noise = PackedNoise((1, 2), CPU, {"latent:normal[4, 3]": told.append})
    noise.uniform("another", 2)
    drawn = take(noise, MAX_BLOCK_STEPS + 3)
    assert [len(block) for block in told] == [MAX_BLOCK_STEPS] * 2
    assert torch.equal(torch.cat(told)[: len(drawn)], drawn)
    again = PackedNoise((1, 2), CPU, {"latent:normal[4, 3]": told.append})
    again.load_state_dict(noise.state_dict())
    take(again, 1)
    assert torch.equal(told[2], told[1][3:])


def test_numbers_are_standard_normal():
    """256,000 numbers: |mean| and |variance − 1| beyond 4.4 standard errors have a false-alarm rate of 2e-5."""
    x = take(PackedNoise(range(8), CPU), 1000, shape=(8, 4)).double()
    n = x.numel()
    assert abs(x.mean().item()) < 4.4 / n**0.5
    assert abs(x.var().item() - 1) < 4.4 * (2 / n) ** 0.5


def test_streams_differ_by_every_argument():
    seeds = {stream(s, name, k) for s in range(50) for name in ("a", "b", "ab") for k in range(20)}
    assert len(seeds) == 50 * 3 * 20
    assert stream(1, "2") != stream(12)

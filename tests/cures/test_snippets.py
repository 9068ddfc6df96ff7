"""The lines of PyTorch that `ganbench cure` prints, put into a plain loop, give the engine's numbers.

Both sides take the same weights and random numbers and compute in double precision, where they differ by the order of
sums alone: after thirty steps by 4e-16 at most (1.5e-7 in single precision). The bound leaves other processors room for
thousands of such roundings and still sees a formula that is wrong by a part in a billion.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganbench.cures.changes import CHANGES, changed_by
from ganbench.cures.snippets import RATES, loop_with, snippet
from ganbench.cures.star import Arm
from tests.engine import Begun, begin, gan_step
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial

STEPS, SEED, BOUND = 30, 5, 1e-12
NAMES = (
    *("r1", "stronger_r1", "zero_centered_gp", "gradient_penalty", "spectral_norm", "one_sided_label_smoothing"),
    *("instance_noise", "non_saturating", "relativistic_paired", "relativistic_r1_r2", "ema", *RATES),
)


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def arm_of(name, **changes):
    base = small_trial(steps=STEPS, seeds=(SEED,), **({"loss": ("minimax", {})} if name == "non_saturating" else {}))
    changed = changed_by(name, replace(base, **changes))
    return Arm(name, changed.title, changed.trial)


def linear(params, name) -> nn.Linear:
    weight = params[f"{name}.weight"][0]
    layer = nn.Linear(*weight.shape)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.copy_(params[f"{name}.bias"][0].reshape(-1))
    return layer


class Discriminator(nn.Sequential):
    def forward(self, input):
        return super().forward(input).squeeze(-1)


def networks(begun: Begun) -> tuple[nn.Module, nn.Module]:
    g, d = begun.g.params, begun.d.params
    generator = nn.Sequential(*(linear(g, "linear0"), nn.ReLU(), linear(g, "linear1"), nn.ReLU(), linear(g, "linear2")))
    discriminator = Discriminator(
        *(linear(d, "linear0"), nn.LeakyReLU(0.2), linear(d, "linear1"), nn.LeakyReLU(0.2), linear(d, "head"))
    )
    return generator, discriminator


class Torch:
    """Torch whose random numbers are those that the engine draws for one seed."""

    def __init__(self, begun: Begun, stream: str):
        self._noise, self._stream = begun.noise, stream

    def __getattr__(self, name):
        return getattr(torch, name)

    def rand(self, *shape):
        return self._noise.uniform(self._stream, shape[0])[0].reshape(shape)

    def randn_like(self, x):
        return self._noise.normal(self._stream, *x.shape)[0]


STREAMS = {
    "gradient_penalty": "gradient penalty",
    "zero_centered_gp": "zero-centred penalty",
    "instance_noise": "instance noise",
}


def drawn(begun: Begun, kind: str) -> Iterator[torch.Tensor]:
    """Yield latents or real samples as the engine's minibatches have them."""
    setup, batch = begun.setup, begun.setup.trial.batch
    while True:
        if kind == "latent":
            yield setup.latents(begun.noise.normal("latent", batch, setup.latent))[0]
        else:

            def draw(generator, n):
                return setup.data.sample_indices(generator, n * batch).unflatten(0, (n, batch))

            yield setup.data.gather(begun.noise.draw("data", batch * setup.indices_per_sample, draw))[0].double()


def plain(arm: Arm, text: str) -> dict[str, Any]:
    """Run the plain loop with a snippet in it and return its names."""
    begun = begin(arm.trial, (SEED,))
    G, D = networks(begun)
    names: dict[str, Any] = {
        "torch": Torch(begun, STREAMS.get(arm.name, "")),
        "F": F,
        "copy": copy,
        "G": G,
        "D": D,
        "steps": STEPS,
        "latents": drawn(begun, "latent"),
        "batches": drawn(begun, "data"),
        "opt_d": torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999)),
        "opt_g": torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999)),
    }
    loop = loop_with(text)
    if arm.name == "spectral_norm" and text:  # both begin with the same vectors
        loop = loop.replace("for step in range(steps):", "same_start(D)\nfor step in range(steps):", 1)
        names["same_start"] = lambda d: same_start(d, begun)
    exec(loop, names)
    return names


def same_start(d, begun):
    for layer, name in ((d[0], "linear0"), (d[2], "linear1"), (d[4], "head")):
        layer.parametrizations.weight[0].u = begun.d.buffers[f"{name}.weight.u"][0].clone()


def engine(arm: Arm):
    """Return the engine's players after the same steps, and the average of G's weights."""
    begun = begin(arm.trial, (SEED,))
    average, last = begun.g.flat.clone(), None
    for step in range(1, STEPS + 1):
        last = gan_step(begun.setup, begun.d, begun.g, begun.noise, step, previous=last)
        average.lerp_(begun.g.flat, 1 - arm.trial.ema)
    return begun, last, begun.g.layout.views(average)


def distance(layers, params, names):
    gaps = []
    for layer, name in zip(layers, names, strict=True):
        weight = layer.parametrizations.weight.original if hasattr(layer, "parametrizations") else layer.weight
        gaps.append((weight.T - params[f"{name}.weight"][0]).abs().max().item())
        gaps.append((layer.bias - params[f"{name}.bias"][0].reshape(-1)).abs().max().item())
    return max(gaps)


def gap(arm: Arm, text: str) -> float:
    """Return the largest difference between the plain loop and the engine, in weights and last losses."""
    names = plain(arm, text)
    begun, last, average = engine(arm)
    last = present(last)
    G, D = names["G"], names["D"]
    gaps = [
        distance((D[0], D[2], D[4]), begun.d.params, ("linear0", "linear1", "head")),
        distance((G[0], G[2], G[4]), begun.g.params, ("linear0", "linear1", "linear2")),
        abs(names["d_loss"].item() - float(last.d.loss[0])),
        abs(names["g_loss"].item() - float(last.g.loss[0])),
    ]
    if arm.name == "ema":
        mean = names["average"]
        gaps.append(distance((mean[0], mean[2], mean[4]), average, ("linear0", "linear1", "linear2")))
    return max(gaps)


@pytest.mark.parametrize("name", NAMES)
def test_a_snippet_in_a_plain_loop_gives_the_engines_numbers(name):
    arm = arm_of(name)
    text = snippet(arm)
    assert text and "$" not in text
    assert len(text.splitlines()) <= 20, "about ten lines"
    assert gap(arm, text) < BOUND


def test_falling_rates():
    falling = choose("optimizer", "adam", lr=1e-3, betas=[0.5, 0.9], lr_final=0.02)
    arm = arm_of("slower", optimizer=falling)
    assert "LambdaLR" in snippet(arm)
    assert gap(arm, snippet(arm)) < BOUND


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("ema", "non_saturating")])
def test_without_the_snippet_the_numbers_are_others(name):
    """The plain loop is not the engine with the remedy, so the check above sees what the snippet does.

    An average changes no training, and the loop's own loss is the non-saturating one.
    """
    assert gap(arm_of(name), "") > 1e9 * BOUND


def test_every_file_of_a_snippet_is_that_of_a_remedy():
    files = {f.name.removesuffix(".txt") for f in resources.files("ganbench.cures").joinpath("snippets").iterdir()}
    assert files <= {*CHANGES, "loop", "rates", "falling_rates"}
    assert files - {"loop", "rates", "falling_rates"} <= {*NAMES}


def test_a_part_without_a_place_is_an_error():
    with pytest.raises(ValueError, match="before the first place"):
        loop_with("x = 1")

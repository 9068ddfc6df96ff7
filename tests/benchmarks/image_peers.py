"""A DCGAN's step beside other ways to write it: `python -m tests.benchmarks.image_peers [SIZE …]` prints a table.

The ways are an ordinary PyTorch loop, the same with channels last, the same compiled as well, and JAX (`pip install
jax`), one seed after another and all at once. Timed as in `peers.py`: in turn, on one thread, by processor time.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial

import torch

import tests.benchmarks.peers  # noqa: F401 - sets one thread before JAX is imported
from tests.benchmarks.apart import ratios_apart
from tests.benchmarks.test_step_speed import engine_step, machine
from tests.helpers.plain_dcgan import plain_dcgan_step

SEEDS, WIDTH, BATCH, LATENT, ROUNDS = 8, 16, 64, 32, 7


def jax_networks(size: int) -> tuple[Callable, Callable, Callable]:
    """Return how the weights of both networks start, the generator and the discriminator, as functions of JAX."""
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    side = 4
    widths = [WIDTH * 2**i for i in range((size // side).bit_length() - 1)]
    up, down = list(zip(widths[::-1], [*widths[-2::-1], 3], strict=True)), list(zip([3, *widths], widths, strict=False))
    layout = ("NHWC", "HWIO", "NHWC")

    def make(key):  # noqa: ANN001, ANN202 - trees of arrays
        draw = lambda k, *shape: 0.02 * jax.random.normal(k, shape)  # noqa: E731
        keys = iter(jax.random.split(key, 20))
        g = [(draw(next(keys), LATENT, widths[-1] * side**2), jnp.zeros(widths[-1] * side**2))]
        g += [(jnp.ones(i), jnp.zeros(i), draw(next(keys), 4, 4, i, o), jnp.zeros(o)) for i, o in up]
        d = [(draw(next(keys), 4, 4, i, o), jnp.zeros(o)) for i, o in down]
        return g, [*d, (draw(next(keys), widths[-1] * side**2, 1), jnp.zeros(1))]

    def generate(g, z):  # noqa: ANN001, ANN202
        x = (z @ g[0][0] + g[0][1]).reshape(len(z), side, side, widths[-1])
        for scale, shift, w, b in g[1:]:
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = jax.nn.relu((x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift)
            x = jax.lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=layout) + b
        return jnp.tanh(x)

    def judge(d, x):  # noqa: ANN001, ANN202
        for w, b in d[:-1]:
            x = jax.lax.conv_general_dilated(x, w, (2, 2), ((1, 1), (1, 1)), dimension_numbers=layout) + b
            x = jnp.where(x > 0, x, 0.2 * x)
        return x.reshape(len(x), -1) @ d[-1][0] + d[-1][1]

    return make, generate, judge


def jax_step(size: int, seeds: int) -> Callable[[], None]:
    """Return a step of the same networks, losses and optimisers in JAX: jitted, and over seeds by vmap."""
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    tree = jax.tree_util.tree_map
    make, generate, judge = jax_networks(size)
    images = jax.random.randint(jax.random.key(1), (1000, size, size, 3), 0, 256).astype(jnp.uint8)

    def loss_d(d, fake, x):  # noqa: ANN001, ANN202
        return jax.nn.softplus(-judge(d, x)).mean() + jax.nn.softplus(judge(d, fake)).mean()

    def loss_g(g, d, z):  # noqa: ANN001, ANN202
        return jax.nn.softplus(-judge(d, generate(g, z))).mean()

    def adam(state, gradient, t):  # noqa: ANN001, ANN202
        p, m, v = state
        m = tree(lambda a, b: 0.5 * a + 0.5 * b, m, gradient)
        v = tree(lambda a, b: 0.9 * a + 0.1 * b * b, v, gradient)
        mean, square = 1 - 0.5**t, 1 - 0.9**t
        return tree(lambda w, a, b: w - 2e-3 * (a / mean) / (jnp.sqrt(b / square) + 1e-8), p, m, v), m, v

    def step(carry):  # noqa: ANN001, ANN202
        d, g, key, t = carry
        key, a, b, c = jax.random.split(key, 4)
        x = images[jax.random.randint(a, (BATCH,), 0, len(images))] / 127.5 - 1
        fake = generate(g[0], jax.random.normal(b, (BATCH, LATENT)))
        d = adam(d, jax.grad(loss_d)(d[0], fake, x), t)
        g = adam(g, jax.grad(loss_g)(g[0], d[0], jax.random.normal(c, (BATCH, LATENT))), t)
        return d, g, key, t + 1.0

    def start(key):  # noqa: ANN001, ANN202
        zero = lambda p: (p, tree(jnp.zeros_like, p), tree(jnp.zeros_like, p))  # noqa: E731
        g, d = make(key)
        return zero(d), zero(g), key, jnp.float32(1)

    run = jax.jit(jax.vmap(step) if seeds > 1 else step, donate_argnums=0)
    keys = jax.random.split(jax.random.key(0), seeds)
    carry = [jax.vmap(start)(keys) if seeds > 1 else start(keys[0])]

    def steps() -> None:
        carry[0] = jax.block_until_ready(run(carry[0]))

    return steps


def main(sizes: list[int]) -> None:
    """Print the table: what a seed's step of each way takes, over ours."""
    torch.set_num_threads(1)
    print(f"Measured on {machine()}; median and quartiles.\n\n| a step of one seed over ours | image | ratio |")
    print("| --- | --- | --- |")
    for size in sizes:
        ours = partial(engine_step, seeds=SEEDS, dataset=("shapes", {"size": size}), network=("dcgan", {}))
        ways = {
            "a plain loop": (partial(plain_dcgan_step, 3, size), 1),
            "with channels last": (partial(plain_dcgan_step, 3, size, last=True), 1),
            "with channels last, compiled": (partial(plain_dcgan_step, 3, size, last=True, compile=True), 1),
            "JAX, one seed": (partial(jax_step, size, 1), 1),
            f"JAX, {SEEDS} seeds by vmap": (partial(jax_step, size, SEEDS), SEEDS),
        }
        for name, (there, seeds) in ways.items():
            times = ratios_apart(there, ours, rounds=ROUNDS, counts=(3 * SEEDS // seeds, 3))
            found = [SEEDS / seeds * ratio for ratio in times]
            low, middle, high = statistics.quantiles(found, n=4)
            print(f"| {name} | {size}×{size} | {middle:.2f} ({low:.2f} – {high:.2f}) |", flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [16, 32])

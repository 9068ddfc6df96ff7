"""The plain step beside what it competes with: `python -m tests.benchmarks.peers` writes the table into its page.

Every row is a ratio of two functions that are timed in turn, on one thread, by processor time: in one process, and for
images in one each. The peer is JAX's `jit(vmap(scan))`: install it beside (`pip install jax`); without it that row says
so. The floor is the step's matrix products alone, each into the same memory again and again.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

# Before JAX is imported: one thread, as torch has.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import torch
from torch import Tensor

from ganbench.check.speed import reference_step
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import suite_of
from ganbench.suite.yaml import Document
from tests.benchmarks.apart import ratios_apart
from tests.benchmarks.test_step_speed import engine_step, machine, ratios
from tests.engine import Trainer
from tests.helpers.plain_dcgan import plain_dcgan_step

PAGE = Path(__file__).parents[2] / "docs/performance.md"
START, END = "<!-- peers -->", "<!-- end of peers -->"
LATENT = 8
JAX_STEPS = 50
Step = Callable[[], None]


def products(seeds: int, width: int, batch: int) -> Step:
    """Return a function that does the matrix products of one plain step of a two-layer MLP, and nothing else."""

    def one(rows: int, inner: int, columns: int, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        return [
            (torch.randn(seeds, rows, inner), torch.randn(seeds, inner, columns), torch.empty(seeds, rows, columns))
        ] * count

    # Generator twice, discriminator three times forward; then by weights and by inputs. Logits are no products here.
    forward = [*one(batch, LATENT, width, 2), *one(batch, width, width, 5), *one(batch, width, 2, 2)]
    forward += one(batch, 2, width, 3)
    by_weights = [*one(2, batch, width, 2), *one(width, batch, width, 3), *one(width, batch, 2, 1)]
    by_weights += one(LATENT, batch, width, 1)
    by_inputs = [*one(batch, width, width, 4), *one(batch, width, 2, 1), *one(batch, 2, width, 1)]
    work = [*forward, *by_weights, *by_inputs]

    def step() -> None:
        for a, b, out in work:
            torch.bmm(a, b, out=out)

    return step


def jax_steps(seeds: int, width: int, batch: int) -> Step | None:
    """Return a function that does `JAX_STEPS` steps of all seeds in one compiled call; None where there is no JAX."""
    try:
        import jax  # pyright: ignore[reportMissingImports] - a peer, in no extra
    except ImportError:
        return None
    start, step = jax_game(width, batch)
    carry = [jax.vmap(start)(jax.random.split(jax.random.key(0), seeds))]
    run = jax.jit(jax.vmap(lambda c: jax.lax.scan(step, c, None, JAX_STEPS)[0]), donate_argnums=0)

    def steps() -> None:
        carry[0] = jax.block_until_ready(run(carry[0]))

    return steps


def jax_game(width: int, batch: int) -> tuple[Callable, Callable]:
    """Return how one seed's networks, optimisers and key start, and one step of them, as functions of JAX."""
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    def init(key: jax.Array, sizes: tuple[int, ...]) -> list[tuple[jax.Array, jax.Array]]:
        return [
            (jax.random.uniform(k, (i, o), minval=-1, maxval=1) / i**0.5, jnp.zeros(o))
            for k, i, o in zip(jax.random.split(key, len(sizes)), sizes, sizes[1:], strict=False)
        ]

    def apply(layers: list[tuple[jax.Array, jax.Array]], x: jax.Array, slope: float) -> jax.Array:
        for w, b in layers[:-1]:
            x = x @ w + b
            x = jnp.where(x > 0, x, slope * x)
        return x @ layers[-1][0] + layers[-1][1]

    angles = jnp.arange(8) * (2 * jnp.pi / 8)
    centres = jnp.stack((jnp.cos(angles), jnp.sin(angles)), 1)
    tree = jax.tree_util.tree_map

    def loss_d(d, g, z, x):  # noqa: ANN001, ANN202 - trees of arrays
        fake = apply(g, z, 0.0)
        return jax.nn.softplus(-apply(d, x, 0.2)).mean() + jax.nn.softplus(apply(d, fake, 0.2)).mean()

    def loss_g(g, d, z):  # noqa: ANN001, ANN202
        return jax.nn.softplus(-apply(d, apply(g, z, 0.0), 0.2)).mean()

    def adam(state, gradient, t):  # noqa: ANN001, ANN202
        p, m, v = state
        m = tree(lambda a, b: 0.5 * a + 0.5 * b, m, gradient)
        v = tree(lambda a, b: 0.999 * a + 0.001 * b * b, v, gradient)
        mean, square = 1 - 0.5**t, 1 - 0.999**t
        p = tree(lambda w, a, b: w - 1e-3 * (a / mean) / (jnp.sqrt(b / square) + 1e-8), p, m, v)
        return p, m, v

    def step(carry, _):  # noqa: ANN001, ANN202
        d, g, key, t = carry
        key, a, b, c, e = jax.random.split(key, 5)
        x = centres[jax.random.randint(a, (batch,), 0, 8)] + 0.01 * jax.random.normal(b, (batch, 2))
        d = adam(d, jax.grad(loss_d)(d[0], g[0], jax.random.normal(c, (batch, LATENT)), x), t)
        g = adam(g, jax.grad(loss_g)(g[0], d[0], jax.random.normal(e, (batch, LATENT))), t)
        return (d, g, key, t + 1.0), None

    def start(key):  # noqa: ANN001, ANN202
        kd, kg, key = jax.random.split(key, 3)
        zero = lambda p: (p, tree(jnp.zeros_like, p), tree(jnp.zeros_like, p))  # noqa: E731
        return zero(init(kd, (2, width, width, 1))), zero(init(kg, (LATENT, width, width, 2))), key, jnp.float32(1)

    return start, step


def of_settings(settings: int, seeds: int) -> Step:
    """Return a step of so many settings of the optimiser with so many seeds each, as one trial."""
    space = {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}, "optimizer.d_over_g": {"log_uniform": [0.25, 4]}}
    keys = {"name": "c", "datasets": ["ring"], "steps": 10**5, "evaluate": {"every": 10**5}, "seeds": seeds}
    vary = {"vary": {"settings": settings, "space": space}}
    (trial,) = make_plan(suite_of(Document("c", {**keys, **(vary if settings > 1 else {})}))).trials
    trainer = Trainer(trial)
    return lambda: trainer.advance(0.0)


def _times(step: Step, count: int) -> Step:
    def steps() -> None:
        for _ in range(count):
            step()

    return steps


def rows(rounds: int) -> list[tuple[str, str]]:
    """Return each line of the table: what is measured, and the median with the quartiles."""
    lines: list[tuple[str, str]] = []

    def add(what: str, here: Step, there: Step, scale: float = 1.0, counts: tuple[int, int] = (50, 50)) -> None:
        pair = [_times(step, count) for step, count in zip((here, there), counts, strict=True)]
        keep(what, [scale * ratio for ratio in ratios(*pair, rounds=rounds, steps=1, warm_up=3)])

    def keep(what: str, found: list[float]) -> None:
        low, middle, high = statistics.quantiles(found, n=4)
        lines.append((what, f"{middle:.2f} ({low:.2f} – {high:.2f})"))
        print(*lines[-1], flush=True)

    for width, batch, seeds in ((64, 64, 16), (128, 256, 8)):
        size, ours = f"width {width}, batch {batch}, {seeds} seeds", engine_step(seeds=seeds, width=width, batch=batch)
        add(f"a plain loop's step over a step a seed: {size}", reference_step(width, batch), ours, seeds)
        add(f"a step over its matrix products: {size}", ours, products(seeds, width, batch))
        fast = engine_step(seeds=seeds, width=width, batch=batch, compile=True)
        add(f"a plain loop's step over a compiled step a seed: {size}", reference_step(width, batch), fast, seeds)
        add(f"a compiled step over an eager one: {size}", fast, ours)
        add(f"a compiled step over its matrix products: {size}", fast, products(seeds, width, batch))
        jax = jax_steps(seeds, width, batch)
        if jax is None:
            lines.append((f"a step over JAX's: {size}", "unmeasured: JAX is not installed"))
        else:
            add(f"a step over JAX's `jit(vmap(scan))`: {size}", ours, jax, counts=(JAX_STEPS, 1))
            add(f"a compiled step over JAX's `jit(vmap(scan))`: {size}", fast, jax, counts=(JAX_STEPS, 1))
    add("16 settings of 4 seeds over 64 seeds of one setting", of_settings(16, 4), of_settings(1, 64), counts=(5, 5))
    for seeds in (64, 128, 256, 512):
        count = max(1, 320 // seeds)
        many = engine_step(seeds=seeds)
        add(f"a seed of {seeds} over a seed of 16", many, engine_step(), 16 / seeds * 20 / count, (count, 20))
    dcgan = partial(engine_step, seeds=8, dataset=("shapes", {"size": 32}), network=("dcgan", {}))
    found = ratios_apart(partial(plain_dcgan_step, 3, 32), dcgan, rounds=2 * rounds, counts=(8, 1))
    keep("a plain loop's step over a step a seed: DCGAN, 32×32, 8 seeds", [8 * ratio for ratio in found])
    return lines


def shown(page: str, lines: list[tuple[str, str]]) -> str:
    """Return the page with the table in its place."""
    table = "\n".join(f"| {what} | {value} |" for what, value in lines)
    before, rest = page.split(START)
    text = f"Measured on {machine()}; median and quartiles.\n\n| what | ratio |\n| --- | --- |\n{table}"
    return f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    torch.set_num_threads(1)
    measured = rows(parser.parse_args().rounds)
    PAGE.write_text(shown(PAGE.read_text(), measured))

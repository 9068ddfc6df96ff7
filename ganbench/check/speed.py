"""`ganbench check --speed`: a step of the engine against an ordinary loop's, measured side by side in one run.

Absolute times belong to a machine and its neighbours; the ratio of two loops that alternate does much less so.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ganbench.core.errors import IncomparableError, UsageError
from ganbench.core.files import replaced
from ganbench.core.results_files import json_bytes, read_json, require_file

FILE = "speed.json"
SEEDS, WIDTH, BATCH, LATENT = 16, 64, 64, 8
ROUNDS, STEPS, WARM_UP = 15, 50, 60
LEAST = 0.05  # slower by less than this is never reported
DEVIATIONS = 3.0
MOST_NOISE = 100.0  # of a logarithm: what is above says nothing, and its exponential is beyond all numbers


@dataclass(frozen=True)
class Speed:
    """The cost of a step of all seeds in steps of the reference loop.

    Attributes:
        ratio: median over rounds. noise: standard error of its logarithm, 1.2533 · s / √n. rounds: n.
    """

    ratio: float
    noise: float
    rounds: int


def measure(rounds: int = ROUNDS, *, compiled: bool = False) -> Speed:
    """Train a ring of eight, a round of the engine and one of the reference loop in turn, on one thread.

    Time is the processor's, so that a busy machine costs noise alone. It takes about ten seconds, and up to a minute
    more where the step is compiled.

    Raises:
        UsageError: the step cannot be compiled on this machine.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here, there = _engine(compiled), reference_step(WIDTH, BATCH)
        for step in (here, there):
            _clock(step, WARM_UP)
        return speed_of([_clock(here, STEPS) / _clock(there, STEPS) for _ in range(rounds)])
    finally:
        torch.set_num_threads(threads)


def speed_of(ratios: list[float]) -> Speed:
    """Return the speed that the ratios of the rounds give."""
    logs = [math.log(ratio) for ratio in ratios]
    # Of the median of normal values, √(π/2) times that of the mean; the spread is robust against one bad round.
    low, _, high = statistics.quantiles(logs, n=4)
    return Speed(statistics.median(ratios), 1.2533 * (high - low) / 1.349 / math.sqrt(len(logs)), len(logs))


def tolerance(old: Speed, now: Speed) -> float:
    """Return how much slower counts: three standard errors of the log ratio of the two, at least 5 %."""
    return max(LEAST, math.expm1(DEVIATIONS * math.hypot(old.noise, now.noise)))


def check_speed(root: Path, machine: str, save: bool, compiled: bool) -> tuple[int, str]:
    """Measure, and save or judge; return the exit code and a line.

    Args:
        root: folder of baselines, where `speed.json` has a speed for each class of machines.
        machine: `linux-x86_64-cpu`.
        save: make this the baseline.
        compiled: of a compiled step, which has a speed of its own in the file.

    Raises:
        IncomparableError: there is no baseline of this class of machines; reported before anything is measured.
        UsageError: the file cannot be written, or the step not be compiled.
    """
    option = " --compiled" if compiled else ""
    machine += "-compiled" if compiled else ""
    path = root / FILE
    require_file(path)
    known = _read(path)
    if not save and machine not in known:
        raise IncomparableError(f"{path}: no speed of {machine}; `ganbench check --speed{option} --save` measures one")
    now = measure(compiled=compiled)
    cost = f"a {'compiled ' if compiled else ''}step of {SEEDS} seeds takes {now.ratio:.3f} steps of the reference loop"
    if save:
        _write(path, {**known, machine: now})
        return 0, f"{cost}; saved in {path}"
    old = known[machine]
    slower, limit = now.ratio / old.ratio - 1, tolerance(old, now)
    verdict = "slower" if slower > limit else "faster" if -slower > limit else "no slower"
    return int(slower > limit), f"{verdict}: {cost}, {old.ratio:.3f} before ({slower:+.1%}, tolerance {limit:.1%})"


def _write(path: Path, known: Mapping[str, Speed]) -> None:
    speeds = {name: asdict(speed) for name, speed in sorted(known.items())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            file.write(json_bytes(speeds, indent=2))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another --baselines") from None


def reference_step(width: int, batch: int) -> Callable[[], None]:
    """Return one step of an ordinary PyTorch loop of one seed: ring of 8, two layers, non-saturating loss, Adam."""
    import torch
    import torch.nn as nn
    import torch.nn.functional as F  # noqa: N812 - its usual name

    def players(inputs: int, act: Callable[[], nn.Module], outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, width), act(), nn.Linear(width, width), act(), nn.Linear(width, outputs))

    generator, critic = players(LATENT, nn.ReLU, 2), players(2, lambda: nn.LeakyReLU(0.2), 1)
    of_g, of_d = (torch.optim.Adam(player.parameters(), 1e-3, (0.5, 0.999)) for player in (generator, critic))
    angles = torch.arange(8) * (2 * math.pi / 8)
    centres = torch.stack((angles.cos(), angles.sin()), dim=1)

    def step() -> None:
        real = centres[torch.randint(8, (batch,))] + 0.01 * torch.randn(batch, 2)
        fake = generator(torch.randn(batch, LATENT)).detach()
        of_d.zero_grad()
        (F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()).backward()
        of_d.step()
        of_g.zero_grad()
        F.softplus(-critic(generator(torch.randn(batch, LATENT)))).mean().backward()
        of_g.step()

    return step


def _engine(compiled: bool) -> Callable[[], None]:
    from ganbench.api import Suite
    from ganbench.training.trainer import Trainer

    suite = Suite(
        "speed",
        datasets=["ring"],
        networks=[{"mlp": {"width": WIDTH}}],
        seeds=SEEDS,
        batch=BATCH,
        steps=10**5,
        evaluate={"every": 10**5},
    )
    trainer = Trainer(suite.plan().trials[0], compile=compiled)
    if compiled and not trainer.compiled:
        raise UsageError("the step cannot be compiled here, as said above; install g++ or name a compiler in CXX")
    return lambda: trainer.advance(0.0)


def _clock(step: Callable[[], None], steps: int) -> float:
    start = time.process_time()
    for _ in range(steps):
        step()
    return time.process_time() - start


def _read(path: Path) -> dict[str, Speed]:
    """Return the speeds in a file by class of machines; none where there is no file.

    Raises:
        IncomparableError: it cannot be read, or holds what is no speed.
    """
    try:
        speeds = {name: _speed(one) for name, one in read_json(path).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        why = getattr(error, "strerror", None) or f"{error}"
        raise IncomparableError(
            f"{path}: cannot be read ({why}); take it back from version control, or move it away and measure anew with "
            "`ganbench check --speed --save`"
        ) from None
    return speeds


def _speed(one: dict[str, float | int]) -> Speed:
    speed = Speed(float(one["ratio"]), float(one["noise"]), int(one["rounds"]))
    if not (0 < speed.ratio < math.inf and 0 <= speed.noise < MOST_NOISE and speed.rounds > 0):
        raise ValueError(f"no measurement gives {speed}")
    return speed

"""What a machine with a GPU measures in one command: `python -m tests.benchmarks.gpu`, or `make gpu`.

Correctness: every component trains a step on the device and on the CPU from the same weights and the same random
numbers, and the gradients of that step are compared. Speed: the time of a step at S = 1 to 256 seeds, of a short trial,
and the memory. The tables go into a marked section of docs/performance.md. Without CUDA it says so in one line and
changes nothing; `--device cpu` runs all of it on the CPU, to try the command, and prints the tables.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganbench.core import registry
from ganbench.core.trial import Trial
from ganbench.suite.plan import incompatibility
from tests.benchmarks.test_step_speed import machine
from tests.engine import PackedNoise, Trainer
from tests.helpers.trials import small_trial

PAGE = Path(__file__).parents[2] / "docs/performance.md"
START, END = "<!-- gpu -->", "<!-- end of gpu -->"
SEEDS = (1, 8, 64, 256)
# Of a gradient, as a share of its norm: float32 sums in another order. No TF32, which keeps 10 bits.
TOLERANCE = 1e-3
STEPS = 50
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 8})}
SHORT = {"steps": 2, "evaluate_every": 2, "log_every": 1, "samples": 64, "metrics": (), "seeds": (0, 1), "batch": 32}


class RecordedNoise(PackedNoise):
    """Random numbers as they are, kept in the order of their draws."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.seeds, torch.device("cpu"))
        self.drawn: list[Tensor] = []

    def draw(self, name: str, numbers: int, draw: Callable[[torch.Generator, int], Tensor]) -> Tensor:
        """Return the next `[S, …]` of a stream."""
        self.drawn.append(super().draw(name, numbers, draw))
        return self.drawn[-1]


class RepeatedNoise(PackedNoise):
    """Numbers that were drawn on the CPU: a generator of a GPU draws others from the same seed."""

    def __init__(self, recorded: RecordedNoise, device: torch.device) -> None:
        super().__init__(recorded.seeds, device)
        self._values = iter(recorded.drawn)

    def draw(self, name: str, numbers: int, draw: Callable[[torch.Generator, int], Tensor]) -> Tensor:
        """Return what was drawn at this place, on the device."""
        return next(self._values).to(self.device)


def cases() -> dict[str, Trial]:
    """Return a short trial of each component that a step uses, by kind and name."""
    trials: dict[str, Trial] = {}
    for name in registry.components("loss"):
        trials[f"loss {name}"] = small_trial(loss=(name, {}), **SHORT)
    for name in registry.components("trick"):
        trials[f"trick {name}"] = small_trial((name, {}), **SHORT)
    for name in registry.components("optimizer"):
        trials[f"optimizer {name}"] = small_trial(optimizer=(name, {}), **SHORT)
    for name in registry.components("network"):
        data = {"dirac": "dirac", "mlp": "ring", "autoencoder": "ring"}.get(name, "digits")
        trials[f"network {name}"] = small_trial(network=(name, {}), dataset=(data, {}), **SHORT)
    for label, trial in trials.items():
        kind, name = label.split()
        if incompatibility(trial) and kind == "loss":
            trials[label] = small_trial(loss=(name, {}), network=("autoencoder", {}), **SHORT)
        elif incompatibility(trial) and kind == "trick":
            trials[label] = small_trial((name, {}), **SHORT, **IMAGES)
        elif incompatibility(trial) and kind == "network":
            trials[label] = small_trial(network=(name, {}), loss=("ebgan", {}), **SHORT)
    return {label: trial for label, trial in trials.items() if incompatibility(trial) is None}


def difference(trial: Trial, device: torch.device) -> float:
    """Return how far the device is from the CPU after a step: of both players' gradients, the largest share."""
    here, there = Trainer(trial), Trainer(trial, device=str(device))
    here.noise = recorded = RecordedNoise(trial)
    here.advance(0.0)
    there.noise = RepeatedNoise(recorded, device)
    there.advance(0.0)
    assert here.last is not None and there.last is not None
    shares = []
    for one, other in ((here.last.d, there.last.d), (here.last.g, there.last.g)):
        distance = (other.gradient.cpu() - one.gradient).norm()
        shares.append((distance / one.gradient.norm().clamp(min=1e-12)).item())
    return max(shares)


def correctness(device: torch.device) -> list[str]:
    """Return the table of differences; those over the tolerance, and what fails, are marked."""
    lines = ["| component | largest difference of a gradient, as a share of it | |", "| --- | --- | --- |"]
    for label, trial in cases().items():
        try:
            share = difference(trial, device)
            lines.append(f"| {label} | {share:.1e} | {'' if share <= TOLERANCE else '**over**'} |")
        except (RuntimeError, ValueError) as error:
            lines.append(f"| {label} | {str(error).splitlines()[0][:80]} | **fails** |")
    return lines


def _seconds(work: Callable[[], None], device: torch.device, count: int) -> float:
    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    wait()
    start = time.perf_counter()
    for _ in range(count):
        work()
    wait()
    return (time.perf_counter() - start) / count


def speed(device: torch.device, seeds: tuple[int, ...], steps: int) -> list[str]:
    """Return the table of steps by number of seeds, with the memory of the device."""
    lines = ["| network | seeds | a step, ms | a seed's step, ms | memory, MB |", "| --- | --- | --- | --- | --- |"]
    for network, options in (("mlp", {"network": ("mlp", {"width": 64})}), ("dcgan", IMAGES)):
        for count in seeds:
            trial = small_trial(
                **options, seeds=tuple(range(count)), batch=64, steps=10**5, evaluate_every=10**5, log_every=50
            )
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            trainer = Trainer(trial, device=str(device))
            _seconds(lambda t=trainer: t.advance(0.0), device, 3)
            ms = 1e3 * _seconds(lambda t=trainer: t.advance(0.0), device, steps)
            memory = f"{torch.cuda.max_memory_allocated(device) / 1e6:.0f}" if device.type == "cuda" else "–"
            lines.append(f"| {network} | {count} | {ms:.2f} | {ms / count:.3f} | {memory} |")
    return lines


def suite(device: torch.device, steps: int) -> list[str]:
    """Return the time of a whole short trial with its evaluations."""
    trial = small_trial(seeds=tuple(range(8)), batch=64, steps=steps, evaluate_every=max(1, steps // 4), samples=2000)
    trainer = Trainer(trial, device=str(device))
    seconds = _seconds(lambda: trainer.advance(float("inf")), device, 1)
    return [f"A trial of {steps} steps and 8 seeds on the ring, with four evaluations: {seconds:.1f} s."]


def shown(page: str, text: str) -> str:
    """Return the page with the text in its place."""
    before, rest = page.split(START)
    return f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Measure, and write the page's section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device here: nothing measured; `--device cpu` tries the command on the CPU")
        return
    device = torch.device(given.device)
    on = f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}" if device.type == "cuda" else machine()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    parts = [speed(device, tuple(given.seeds), given.steps), suite(device, 40 * given.steps), correctness(device)]
    text = "\n\n".join([f"Measured on {on}.", *("\n".join(part) for part in parts)])
    if device.type == "cuda":
        PAGE.write_text(shown(PAGE.read_text(), text))
    print(text)


if __name__ == "__main__":
    main()

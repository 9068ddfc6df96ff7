"""Memory and time of a monitor at its defaults, in loops with large samples or many frozen weights.

`python tests/clients/costs.py` prints them as a table. Each loop runs in processes of its own, with a
monitor and without. Time is the processor's, on one thread, so that other work on the machine does not count.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganbench

STEPS, LATENT = 40, 100


def images() -> tuple[nn.Module, nn.Module, Tensor]:
    g = nn.Sequential(nn.Linear(LATENT, 768), nn.Unflatten(1, (3, 16, 16)), nn.Upsample(size=1024), nn.Tanh())
    return g, nn.Sequential(nn.AvgPool2d(64), nn.Flatten(), nn.Linear(768, 1)), torch.rand(2, 3, 1024, 1024) * 2 - 1


def audio() -> tuple[nn.Module, nn.Module, Tensor]:
    g = nn.Sequential(nn.Linear(LATENT, 8192), nn.Tanh(), nn.Unflatten(1, (1, 8192)))
    return g, nn.Sequential(nn.Conv1d(1, 8, 64, 32), nn.Flatten(), nn.Linear(2040, 1)), torch.randn(16, 1, 8192) / 4


def adapter() -> tuple[nn.Module, nn.Module, Tensor]:
    frozen = nn.Sequential(nn.Linear(LATENT, 7000), nn.Linear(7000, 7000), nn.Linear(7000, 100)).requires_grad_(False)
    return nn.Sequential(frozen, nn.Linear(100, 100)), nn.Linear(100, 1), torch.randn(16, 100)


CASES = {"3 × 1024² images, batches of 2": images, "audio [16, 1, 8192]": audio, "50 M frozen, 10 k trained": adapter}


def measure(case: str, watched: bool) -> None:
    """Train, and print the milliseconds of a step and the largest memory in MB."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    g, d, real = CASES[case]()
    opt_g = torch.optim.Adam([p for p in g.parameters() if p.requires_grad], 1e-4)
    opt_d = torch.optim.Adam(d.parameters(), 1e-4)
    with tempfile.TemporaryDirectory() as folder:
        monitor = ganbench.Monitor(g, d, f"{folder}/run", loss="ns") if watched else None
        began = time.process_time()
        for _ in range(STEPS):
            fake = g(torch.randn(len(real), LATENT))
            real_logits, fake_logits = d(real), d(fake.detach())
            d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
            opt_d.zero_grad()
            d_loss.backward()
            opt_d.step()
            opt_g.zero_grad()
            F.softplus(-d(fake)).mean().backward()
            opt_g.step()
            if monitor is not None:
                monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
        taken = time.process_time() - began
        if monitor is not None:
            monitor.close()
    print(1e3 * taken / STEPS, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def main() -> None:
    heads = ("loop", "ms a step alone", "with the monitor", "memory alone, MB", "with the monitor")
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for case in CASES:
        command = [sys.executable, "-W", "ignore", __file__, case]
        run = [
            subprocess.run([*command, w], capture_output=True, text=True, check=True).stdout.split()
            for w in ("", "watched")
        ]
        (alone, memory), (watched, memory_watched) = [[float(x) for x in numbers] for numbers in run]
        print(f"| {case} | {alone:.1f} | {watched:.1f} | {memory:,.0f} | {memory_watched:,.0f} |", flush=True)


if __name__ == "__main__":
    measure(sys.argv[1], bool(sys.argv[2])) if len(sys.argv) > 2 else main()

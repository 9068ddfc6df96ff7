"""Two steps timed in turn, each in a process of its own, as a user's loop is.

In one process the memory that one step leaves to the allocator serves the other. Images are large enough for that to
matter: a plain loop of a DCGAN at 32 pixels alone asks the system for 2,000 pages a step, a fifteenth of its time, and
for none of them beside a step of many seeds.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

Step = Callable[[], Any]


def ratios_apart(
    here: Callable[[], Step], there: Callable[[], Step], *, rounds: int, counts: tuple[int, int], warm_up: int = 2
) -> list[float]:
    """Return (time of `here`) / (time of `there`) of each round, by processor time of one thread.

    Args:
        here, there: make the steps; they are pickled, so they are functions of a module or `functools.partial` of one.
        rounds: how many.
        counts: how many steps of each one a round has. warm_up: as many rounds before.
    """
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    for make, count in zip((here, there), counts, strict=True):
        ours, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs, make, count), daemon=True).start()
        theirs.close()
        ends.append(ours)
    times = [[_asked(end) for end in ends] for _ in range(warm_up + rounds)][warm_up:]
    for end in ends:
        end.close()
    return [a / counts[0] / (b / counts[1]) for a, b in times]


def _asked(end: Connection) -> float:
    end.send(None)
    return end.recv()


def _serve(end: Connection, make: Callable[[], Step], count: int) -> None:
    """Time so many steps whenever the other end asks for it, until it closes."""
    import torch

    torch.set_num_threads(1)
    step = make()
    while True:
        try:
            end.recv()
        except EOFError:
            return
        start = time.process_time()
        for _ in range(count):
            step()
        end.send(time.process_time() - start)

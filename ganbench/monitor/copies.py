"""Whether the copies of the generator that somebody else keeps follow it: `judged=` and `ema=`."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

AFTER = 50  # steps
FEW = 64  # numbers of each tensor that are compared


class Copies:
    """Compares averaged copies with what they were at the beginning; holds them weakly.

    Args:
        generator: the network itself.
        copies: argument of the monitor → network, None where it was not given.
        findings: takes the sentences.
    """

    def __init__(self, generator: nn.Module, copies: Mapping[str, object], findings: Findings) -> None:
        self._findings = findings
        self._generator = weakref.ref(generator)
        # One that is no module, such as a function around an average, shows none of its weights.
        modules = {name: copy for name, copy in copies.items() if isinstance(copy, nn.Module)}
        known = {name: copy for name, copy in modules.items() if copy is not generator}
        self._copies = {
            name: (weakref.ref(copy), _heads(copy.parameters()), _buffers(copy)) for name, copy in known.items()
        }
        self._first = _buffers(generator) if known else {}
        self._steps = 0

    @property
    def decided(self) -> bool:
        """Return whether nothing is looked at any more."""
        return self._steps >= AFTER

    def look(self, step: int) -> None:
        """Take in a step; after fifty, say which copy is still what it was."""
        self._steps += 1
        generator = self._generator()
        if self._steps != AFTER or generator is None:
            return
        for name, (known, weights, buffers) in self._copies.items():
            if (copy := known()) is None:
                continue
            if _same(weights, _heads(copy.parameters())):
                self._findings.say(
                    step,
                    f"copy {name}",
                    f"{name}= has not moved in {AFTER} steps: the averaged copy is what it was at the beginning; its "
                    "decay is 1, or its update is not called, or not yet",
                )
                continue
            now, its = _buffers(copy), _buffers(generator)
            stale = [
                n for n, before in buffers.items()
                if n in now and n in its and n in self._first
                and torch.equal(before, now[n]) and not torch.equal(self._first[n], its[n])
            ]  # fmt: skip
            if stale:
                self._findings.say(
                    step,
                    f"buffers {name}",
                    f"{name}= has other buffers than the generator: {', '.join(stale[:2])} … have not moved in {AFTER} "
                    "steps, so that its running statistics are of no samples; copy its buffers() as well",
                )


def _heads(tensors: object) -> list[Tensor]:
    return [t.detach().flatten()[:FEW].clone() for t in tensors]  # type: ignore[attr-defined]


def _buffers(network: nn.Module) -> dict[str, Tensor]:
    return {n: b.detach().flatten()[:FEW].clone() for n, b in network.named_buffers() if b.is_floating_point()}


def _same(before: list[Tensor], now: list[Tensor]) -> bool:
    return len(before) == len(now) and all(torch.equal(a, b) for a, b in zip(before, now, strict=True))

"""Several networks that play one part, and what several networks answer."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor, nn

from ganbench.core.errors import UsageError
from ganbench.monitor.isolation import call
from ganbench.monitor.player import unwrapped

Networks = nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module]


class Several(nn.Module):
    """Networks that play one part together, as one module that lists their parameters and keeps none of them alive.

    Called, it answers with the mean of all their answers to a sample.

    Args:
        networks: name → network.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._networks = {name: weakref.ref(unwrapped(network)) for name, network in networks.items()}

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Return those that still exist, by name."""
        return {name: network for name, ref in self._networks.items() if (network := ref()) is not None}

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the mean of the answers, `[B]`."""
        answers = [each for network in self.networks.values() for each in answers_of(call(network, *inputs))]
        return torch.stack([a.reshape(len(a), -1).float().mean(1) for a in answers]).mean(0)

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield name and parameter, each once, the name of its network in front."""
        seen: set[int] = set()
        for name, network in self.networks.items():
            for inner, parameter in network.named_parameters(recurse=recurse):
                if id(parameter) not in seen or not remove_duplicate:
                    seen.add(id(parameter))
                    yield f"{prefix}{name}.{inner}", parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield nothing: each network's buffers are copied where it is called."""
        return iter(())

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Generator[tuple[str, nn.Module], None, None]:
        """Yield name and module of every part."""
        memo = set() if memo is None else memo
        for name, network in self.networks.items():
            yield from network.named_modules(memo, f"{prefix}{name}", remove_duplicate)


def part(role: str, given: Networks) -> nn.Module:
    """Return one module for all networks that play a part: a network itself, or `Several`.

    Raises:
        UsageError: something else was given.
    """
    if isinstance(given, Mapping):
        networks = {str(name): network for name, network in given.items()}
    elif isinstance(given, list | tuple):
        networks = {str(i): network for i, network in enumerate(given)}
    else:
        return given  # type: ignore[return-value] # refused where it is no network
    wrong = [type(n).__name__ for n in networks.values() if not isinstance(unwrapped(n), nn.Module)]
    if wrong or not networks:
        text = f"holds {wrong[0]}, which is no torch.nn.Module" if wrong else "holds no network"
        raise UsageError(f"ganbench.Monitor: {role} {text}; give a network, or a list or dict of networks")
    return Several(networks)


def members(network: nn.Module) -> list[nn.Module]:
    """Return the networks behind `part`."""
    return list(network.networks.values()) if isinstance(network, Several) else [network]


def called(network: nn.Module) -> str:
    """Return the class of a network, or those of several."""
    return "+".join(dict.fromkeys(type(one).__name__ for one in members(network)))


def joined(value: object) -> object:
    """Return all logits of several answers in one tensor; whatever else was given as it is."""
    answers = answers_of(value)
    if len(answers) < 2:
        return answers[0] if answers else value
    return torch.cat([a.detach().flatten().float() for a in answers])


def answers_of(answer: object) -> list[Tensor]:
    """Return the logits in what discriminators answer: of each scale, period or network one tensor.

    Lists and dicts may lie in one another. In a tuple or dataclass such as (validity, class) or (logits, feature maps)
    the first holds them, unless both have one number per sample.

    Example:
        >>> import torch
        >>> [len(a) for a in answers_of(([torch.zeros(2), torch.zeros(3)], "features"))]
        [2, 3]
    """
    if isinstance(answer, Tensor):
        return [answer]
    if isinstance(answer, Mapping):
        return [each for value in answer.values() for each in answers_of(value)]
    if is_dataclass(answer) and not isinstance(answer, type):
        return answers_of(tuple(getattr(answer, field.name) for field in fields(answer)))
    if isinstance(answer, list):
        return [each for value in answer for each in answers_of(value)]
    if isinstance(answer, tuple) and answer:
        alike = all(isinstance(a, Tensor) and a[:1].numel() == 1 for a in answer if isinstance(answer[0], Tensor))
        chosen = answer if alike and isinstance(answer[0], Tensor) else answer[:1]
        return [each for value in chosen for each in answers_of(value)]
    return []

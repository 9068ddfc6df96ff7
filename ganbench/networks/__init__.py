"""Networks: a generator and a discriminator each, one file a family; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from annotated_types import Interval

from ganbench.core.component import Component

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganbench.training.noise import Noise

Params = dict[str, "Tensor"]


class Net(Protocol):
    """One player's function. Parameters and buffers are dictionaries of stacked tensors `[S, …]`, passed in."""

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        ...

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for `x` `[S, B, …]`; in training it may move `buffers` in place."""
        ...


@dataclass(frozen=True)
class Network(Component):
    """A family of generator and discriminator.

    Attributes:
        latent: dimension of the generator's input.
    """

    kind: ClassVar[str] = "network"

    latent: Annotated[int, Interval(ge=1, le=65536)] = 8

    @abstractmethod
    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""

    @abstractmethod
    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, *shape] → [S, B, F]`, and F."""

    @abstractmethod
    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""

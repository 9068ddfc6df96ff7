"""The trial as `skip` reads it, to say why a component has no meaning in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class ComponentFacts(Protocol):
    """What `skip` may read of any component of the trial."""

    name: ClassVar[str]

    @property
    def parameters(self) -> Mapping[str, object]:
        """Return every parameter with its value."""
        ...


class DatasetFacts(ComponentFacts, Protocol):
    """What `skip` may read of the data set."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of one sample."""
        ...


class TrickFacts(ComponentFacts, Protocol):
    """What `skip` may read of a trick."""

    @property
    def hooks(self) -> frozenset[str]:
        """Return the names of the hooks that it overrides."""
        ...

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample as the discriminator sees it with this trick."""
        ...


class Chosen(Protocol[T_co]):
    """A component that the trial has."""

    @property
    def name(self) -> str:
        """Return how a suite calls it."""
        ...

    def build(self) -> T_co:
        """Return the component."""
        ...


class TrialFacts(Protocol):
    """The trial as `skip` reads it, to say why a component has no meaning in it."""

    @property
    def batch(self) -> int:
        """Return B."""
        ...

    @property
    def dataset(self) -> Chosen[DatasetFacts]:
        """Return its data set."""
        ...

    @property
    def network(self) -> Chosen[ComponentFacts]:
        """Return its networks."""
        ...

    @property
    def optimizer(self) -> Chosen[ComponentFacts]:
        """Return its optimiser."""
        ...

    @property
    def tricks(self) -> Sequence[Chosen[TrickFacts]]:
        """Return its tricks, in their order."""
        ...

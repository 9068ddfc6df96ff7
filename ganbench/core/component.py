"""What a component is: a frozen dataclass whose fields are its parameters and whose class attributes describe it."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

from ganbench.core.facts import TrialFacts


@dataclasses.dataclass(frozen=True)
class Component(ABC):
    """The declaration that every component shares. Subclasses are frozen dataclasses too.

    Parameters are the fields: each has a default and a type that pydantic can check
    (`gamma: Annotated[float, Gt(0)] = 10.0`). A component holds no state: tensors live in the trial.

    Attributes:
        kind: set by the kind's base class: `"loss"`, `"trick"`, …
        name: how a suite calls it. aliases: what papers and other libraries call it; suggestions and lists show them.
        version: goes up whenever the component's numbers change; different versions are never compared.
        group: a heading to list it under.
        source: the paper and equation.
        addresses: the problem that it is claimed to fix, in a few words.
        traits: facts that others may object to or ask for, e.g. `("images",)`.
        conflicts: trait → why this component has no meaning beside it.
        requires: trait → why some component of the trial must have it.
        strength: the parameter that says how strong it is, if one does; `tricks.strength` under `vary` multiplies it.
        strongest: the largest value that this parameter is multiplied up to.
        source_hash: of a class from a file that `--import` named, the start of the hash of the file's content.
        lanes: the parameters that may differ along the seed axis; its hooks combine them by `core.lanes.along`.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
    group: ClassVar[str] = ""
    source: ClassVar[str] = ""
    addresses: ClassVar[str] = ""
    traits: ClassVar[tuple[str, ...]] = ()
    conflicts: ClassVar[Mapping[str, str]] = {}
    requires: ClassVar[Mapping[str, str]] = {}
    strength: ClassVar[str] = ""
    strongest: ClassVar[float] = math.inf
    lanes: ClassVar[tuple[str, ...]] = ()
    source_hash: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """Return the name with the parameters that differ from their defaults: `r1(gamma=0.1)`."""
        changed = [
            f"{f.name}={getattr(self, f.name)}" for f in dataclasses.fields(self) if getattr(self, f.name) != f.default
        ]
        return f"{self.name}({', '.join(changed)})" if changed else self.name

    @property
    def parameters(self) -> dict[str, Any]:
        """Return every parameter with its value, tuples as lists: what goes into a trial's canonical configuration."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    def parameter_traits(self) -> tuple[str, ...]:
        """Return traits that depend on the parameters."""
        return ()

    @property
    def all_traits(self) -> tuple[str, ...]:
        """Return the traits, with those that depend on the parameters."""
        return (*self.traits, *self.parameter_traits())

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the component has no meaning in this trial, or None."""
        return None

    @classmethod
    def revision(cls) -> int | str:
        """Return what stands for the code in keys and tables: the version, with the hash of an imported file."""
        return f"{cls.version}+{cls.source_hash}" if cls.source_hash else cls.version

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0]

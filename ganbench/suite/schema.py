"""The suite: one YAML file that says what to sweep, as a frozen model that is right or was never made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Interval, Len
from pydantic import FailFast, Field, PrivateAttr, ValidationError

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.core.results_files import Json
from ganbench.core.trial import Choice
from ganbench.suite.choices import AXIS_KEYS, Cell, ChoiceOf, Strict, with_tuples
from ganbench.suite.mistakes import mistakes
from ganbench.suite.overrides import override
from ganbench.suite.sections import Count, Evaluate, Exclusion, Resources, Stop, Training
from ganbench.suite.space import Search
from ganbench.suite.values import Axis, Name, Seeds
from ganbench.suite.vary import SEEDS, Vary
from ganbench.suite.yaml import Document, Keys, read_file

EVALUATIONS = 80  # per run where the suite does not say: verdicts need sixty
DEFAULT_DIAGNOSTICS = (
    *("gradients", "losses", "logits", "updates"),
    *("loss_slope", "critic_slope", "excess", "overfitting"),
)

Datasets = Annotated[tuple[Annotated[Choice, ChoiceOf("dataset")], ...], FailFast(), Axis]
Networks = Annotated[tuple[Annotated[Choice, ChoiceOf("network")], ...], FailFast(), Axis]
Losses = Annotated[tuple[Annotated[Choice, ChoiceOf("loss")], ...], FailFast(), Axis]
Tricks = Annotated[tuple[Annotated[Cell, ChoiceOf("trick", combined=True)], ...], FailFast(), Axis]
Optimizers = Annotated[tuple[Annotated[Choice, ChoiceOf("optimizer")], ...], FailFast(), Axis]
Diagnostics = Annotated[tuple[Annotated[Choice, ChoiceOf("diagnostic")], ...], FailFast()]


def _default(kind: str, *names: str) -> Any:  # noqa: ANN401 - pydantic's own type
    """Return a field whose default is these components, looked up when they are needed."""
    return Field(default_factory=lambda: tuple(Choice.of(registry.find(kind, name)()) for name in names))


class Block(Strict):
    """A matrix and how its trials are trained; in `include`, what is not given comes from the suite."""

    what: ClassVar[str] = "key of a block"
    later: ClassVar[frozenset[str]] = frozenset({"vary"})
    datasets: Datasets = ()
    networks: Networks = _default("network", "mlp")
    losses: Losses = _default("loss", "non_saturating")
    tricks: Tricks = ((),)
    optimizers: Optimizers = _default("optimizer", "adam")
    seeds: Seeds = tuple(range(8))
    steps: Count = 4000
    batch: Annotated[int, Interval(ge=1, le=65536)] = 64
    log_every: Count = 50
    evaluate: Evaluate = Field(default_factory=Evaluate)
    diagnostics: Diagnostics = _default("diagnostic", *DEFAULT_DIAGNOSTICS)
    training: Training = Field(default_factory=Training)
    stop: Stop = Field(default_factory=Stop)
    vary: Vary | None = None

    @property
    def run_seeds(self) -> tuple[int, ...]:
        """Return the seeds of each setting: fewer where settings vary and the suite does not say."""
        return tuple(range(SEEDS)) if self.vary is not None and "seeds" not in self.model_fields_set else self.seeds

    @property
    def cells(self) -> int:
        """Return how many cells the matrix has."""
        return math.prod(len(getattr(self, key)) for key in AXIS_KEYS)


class Suite(Block):
    """A checked suite; `docs/suites.md` has the keys."""

    what: ClassVar[str] = "key"
    later: ClassVar[frozenset[str]] = frozenset({"stop", "search", "vary"})
    name: Name
    description: Annotated[str, Len(0, 2000)] = ""
    include: Annotated[tuple[Block, ...], FailFast()] = ()
    exclude: Annotated[tuple[Exclusion, ...], FailFast()] = ()
    search: Search | None = None
    resources: Resources = Field(default_factory=Resources)
    _document: Document = PrivateAttr(default_factory=lambda: Document("suite"))

    @property
    def own_matrix(self) -> bool:
        """Return whether the suite's own axes count: they name something, or there is no `include`."""
        return not self.include or bool(self.model_fields_set & AXIS_KEYS.keys())

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return the matrices to expand: the suite's own, then those of `include` with what they lack filled in."""
        return tuple(block for _, block in self.placed_blocks)

    @property
    def placed_blocks(self) -> tuple[tuple[Keys, Block], ...]:
        """Return the blocks with where each stands in the file."""
        included = tuple((("include", i), _merged(self, block)) for i, block in enumerate(self.include))
        return (((), self), *included) if self.own_matrix else included

    def place(self, path: Keys = ()) -> str:
        """Return where the file says it, for errors: `suites/x.yaml:12:5`."""
        return self._document.place(path)

    def resolved(self) -> Json:
        """Return plain data that reads as an equal suite, with defaults and overrides written out."""
        names = [n for n in _written(self) if n not in AXIS_KEYS or self.own_matrix]
        if any(block.vary for block in self.blocks) and "seeds" not in self.model_fields_set:
            names.remove("seeds")  # a block that varies has fewer by default
        names.sort(key=lambda n: n not in ("name", "description"))
        return {name: _plain(getattr(self, name), name) for name in names}


def _written(model: Strict) -> list[str]:
    """Return the fields to write out: what later versions brought only where it is not at its default.

    So the hash of an older suite stays what it was.
    """
    fields = type(model).model_fields
    return [
        n
        for n in fields
        if n not in model.later or getattr(model, n) != fields[n].get_default(call_default_factory=True)
    ]


def _merged(base: Block, over: Block) -> Block:
    """Return `base` with what `over` was given; nested settings are merged key by key, lists and vary replaced."""
    changes: Json = {}
    for name in over.model_fields_set:
        old, new = getattr(base, name), getattr(over, name)
        nested = isinstance(new, Strict) and not isinstance(new, Vary)
        given = {n: getattr(new, n) for n in new.model_fields_set} if nested else None
        changes[name] = new if given is None else old.model_copy(update=given)
    return base.model_copy(update=changes)


def _plain(value: object, name: str = "", *, given: bool = False) -> object:
    """Return plain data of a part of a suite: all that `_written` names, or only what it was `given`."""
    if isinstance(value, Choice):
        return {value.name: dict(value.parameters)} if value.parameters else value.name
    if isinstance(value, (Search, Vary)):
        return value.plain
    if isinstance(value, Exclusion):
        return value.axes
    if isinstance(value, Strict):
        names = [n for n in type(value).model_fields if n in value.model_fields_set] if given else _written(value)
        return {n: _plain(getattr(value, n), n, given=given) for n in names}
    if not isinstance(value, tuple):
        return value
    # Blocks inherit what they were not given; a cell without tricks is called none.
    items = [_plain(item, given=name == "include") for item in value]
    return [item or "none" for item in items] if name == "tricks" else items


def read_suite(path: str | Path, overrides: Sequence[str] = ()) -> Suite:
    """Read and check a suite file.

    Args:
        path: the YAML file.
        overrides: texts such as `"steps=500"` or `"evaluate.every=100"`; they win over the file, blocks included.

    Raises:
        UsageError: a line for each mistake, `suites/x.yaml:12:5: problem; remedy`.
    """
    document = read_file(Path(path))
    for text in overrides:
        override(document, text)
    document.data.setdefault("name", Path(path).stem)
    return suite_of(document)


def suite_of(document: Document) -> Suite:
    """Check plain data as a suite.

    Raises:
        UsageError: a line for each mistake, which names its place in the document.
    """
    data = with_tuples(document.data)
    try:
        suite = Suite.model_validate(data)
    except ValidationError:
        raise mistakes(document, data, Suite.model_validate) from None
    suite._document = document
    _check_data(suite)
    _check_stop(suite)
    if suite.search is not None and any(block.vary for block in suite.blocks):
        raise UsageError(
            f"{suite.place(('search',))}: a suite has `search` or `vary`: a search tunes one setting, vary compares "
            "methods over many; remove one of them"
        )
    return suite


def _check_data(suite: Suite) -> None:
    if all(block.datasets for block in suite.blocks):
        return
    missing = [i for i, block in enumerate(suite.include) if not block.datasets]
    where = () if suite.own_matrix or not missing else ("include", missing[0])
    raise UsageError(f"{suite.place(where)}: no data set is named; add for example `datasets: [ring]`")


def _check_stop(suite: Suite) -> None:
    """Raise where a trial is to end at a collapse that none of its metrics would show."""
    for block in suite.blocks:
        if not block.stop.collapsed:
            continue
        if "position" not in {m.name for dataset in block.datasets for m in block.evaluate.metrics_of(dataset)}:
            raise UsageError(
                f"{suite.place(('stop', 'collapsed'))}: a collapse shows in the metric position; add it to "
                "`evaluate.metrics`"
            )

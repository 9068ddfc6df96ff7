"""The suite: one YAML file that says what to sweep, as a frozen model that is right or was never made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Interval, Len
from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, ValidationError, WithJsonSchema

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.core.trial import Choice
from ganbench.sweep.choices import ChoiceOf, Strict, choice_schema, choose, complaint, first_error, hashable
from ganbench.sweep.yaml_reader import Document, Keys, describe, read_file, read_value, shorten

MAX_SEEDS = 1024
AXES = {"datasets": "dataset", "networks": "network", "losses": "loss", "tricks": "tricks", "optimizers": "optimizer"}
DEFAULT_METRICS = ("modes", "fid")
DEFAULT_DIAGNOSTICS = ("gradients", "losses", "logits", "updates")

Json = dict[str, Any]
Cell = tuple[Choice, ...]
M = TypeVar("M", bound=Strict)


def _seeds(written: Any) -> tuple[int, ...]:  # noqa: ANN401 - anything may have been written
    if isinstance(written, int) and not isinstance(written, bool):
        if not 1 <= written <= MAX_SEEDS:
            raise complaint(f"seeds: write how many, 1 to {MAX_SEEDS}, found {written}")
        return tuple(range(written))
    if not isinstance(written, tuple) or not written:
        raise complaint(f"seeds: write how many or a list such as [0, 1, 2], found {describe(written)}")
    if len(written) > MAX_SEEDS:
        raise complaint(f"seeds: {len(written)} of them; write at most {MAX_SEEDS}")
    for i, seed in enumerate(written):
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
            raise complaint(f"seeds: each is a whole number from 0 to 2147483647, found {describe(seed)}", (i,))
        if seed in written[:i]:
            raise complaint(f"seeds: {seed} is listed twice; keep one", (i,))
    return written


def _cell(written: Any) -> Cell:  # noqa: ANN401 - anything may have been written
    """Read a cell of the axis `tricks`: none, one, or a list of tricks that are combined."""
    if written == "none" or written == ():
        return ()
    cell: list[Choice] = []
    for i, one in enumerate(written if isinstance(written, tuple) else (written,)):
        path: Keys = (i,) if isinstance(written, tuple) else ()
        try:
            trick = choose("trick", one)
        except Exception as error:
            context = getattr(error, "context", None)
            if context is None:
                raise
            raise complaint(context["text"], (*path, *context["path"]), key=context["key"]) from None
        if trick.name in [t.name for t in cell]:
            raise complaint(f"tricks: {trick.name} twice in one cell; keep one", path)
        cell.append(trick)
    return tuple(cell)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(written: Any) -> float | None:  # noqa: ANN401 - anything may have been written
    if written is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([smhd]?)", str(written))
    if isinstance(written, bool) or match is None or not 1 <= float(match[1]) * _UNITS[match[2]] <= 30 * 86400:
        raise complaint(f"timeout: write seconds or a text such as 30m or 2h, 1s to 30d, found {describe(written)}")
    return float(match[1]) * _UNITS[match[2]]


def _slug(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise complaint(
            f"name: {shorten(name)!r} names a folder: use up to 64 of a-z, A-Z, 0-9, '_' and '-', beginning with a letter or "
            "digit; without `name` the file's name is taken"
        )
    return name


def _cell_schema() -> Json:
    one = choice_schema("trick")
    return {"anyOf": [{"const": "none"}, *one["anyOf"], {"type": "array", "items": one}]}


class _TricksCell:
    """Pydantic annotation of a tricks cell."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's types
        """Check with `_cell`."""
        return handler.generate_schema(Annotated[Any, PlainValidator(_cell)])

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Json:  # noqa: ANN401 - pydantic's types
        """Return the schema of a cell."""
        return _cell_schema()


def _axis_list(written: Any) -> Any:  # noqa: ANN401 - anything may have been written
    if not isinstance(written, tuple) or not written:
        raise complaint(f"expected a list with at least one entry, such as [a, b], found {describe(written) if written != () else 'an empty list'}")
    return written


AxisList = BeforeValidator(_axis_list)
Seeds = Annotated[
    tuple[int, ...],
    PlainValidator(_seeds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_SEEDS},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]
Timeout = Annotated[
    float | None,
    PlainValidator(_duration),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 1}, {"type": "string"}, {"type": "null"}]}),
]
Count = Annotated[int, Interval(ge=1, le=10**9)]


def _defaults(kind: str, *names: str) -> tuple[Choice, ...]:
    return tuple(Choice.of(registry.find(kind, name)()) for name in names)


class Evaluate(Strict):
    """How samples are judged: `every` so many steps, with so many generated `samples`, by these `metrics`."""

    what: ClassVar[str] = "key of evaluate"
    every: Count = 500
    samples: Annotated[int, Interval(ge=2, le=1_000_000)] = 2000
    metrics: Annotated[tuple[Annotated[Choice, ChoiceOf("metric")], ...], AxisList] = Field(
        default_factory=lambda: _defaults("metric", *DEFAULT_METRICS)
    )


class Training(Strict):
    """The update rule: D updates before and G updates in a step, their order, decay of the averaged generator."""

    what: ClassVar[str] = "key of training"
    n_critic: Annotated[int, Interval(ge=1, le=1000)] = 1
    n_generator: Annotated[int, Interval(ge=1, le=1000)] = 1
    update: Literal["alternating", "simultaneous"] = "alternating"
    ema: Annotated[float, Interval(ge=0, lt=1)] = 0.0


class Resources(Strict):
    """What a trial may use: CPU cores, and a time after which it is given up."""

    what: ClassVar[str] = "key of resources"
    cpus: Annotated[int, Interval(ge=1, le=1024)] = 1
    timeout: Timeout = None


class Exclusion(Strict):
    """Cells to leave out: every given axis must match, by name or full label; `*` and `?` are wildcards."""

    what: ClassVar[str] = "axis"
    dataset: str | None = None
    network: str | None = None
    loss: str | None = None
    tricks: str | None = None
    optimizer: str | None = None

    @property
    def axes(self) -> dict[str, str]:
        """Return the given axes with their patterns."""
        return {axis: pattern for axis, pattern in self if pattern is not None}


class Block(Strict):
    """A matrix and how its trials are trained; in `include`, what is not given comes from the suite."""

    datasets: Annotated[tuple[Annotated[Choice, ChoiceOf("dataset")], ...], AxisList] = ()
    networks: Annotated[tuple[Annotated[Choice, ChoiceOf("network")], ...], AxisList] = Field(
        default_factory=lambda: _defaults("network", "mlp")
    )
    losses: Annotated[tuple[Annotated[Choice, ChoiceOf("loss")], ...], AxisList] = Field(
        default_factory=lambda: _defaults("loss", "non_saturating")
    )
    tricks: Annotated[tuple[Annotated[Cell, _TricksCell], ...], AxisList] = ((),)
    optimizers: Annotated[tuple[Annotated[Choice, ChoiceOf("optimizer")], ...], AxisList] = Field(
        default_factory=lambda: _defaults("optimizer", "adam")
    )
    seeds: Seeds = tuple(range(8))
    steps: Count = 4000
    batch: Annotated[int, Interval(ge=1, le=65536)] = 64
    log_every: Count = 50
    evaluate: Evaluate = Field(default_factory=Evaluate)
    diagnostics: tuple[Annotated[Choice, ChoiceOf("diagnostic")], ...] = Field(
        default_factory=lambda: _defaults("diagnostic", *DEFAULT_DIAGNOSTICS)
    )
    training: Training = Field(default_factory=Training)


class Suite(Block):
    """A checked suite; see `docs/suites.md`."""

    name: Annotated[str, Field(min_length=1), BeforeValidator(lambda v: _slug(v) if isinstance(v, str) else v)]
    description: Annotated[str, Len(0, 2000)] = ""
    include: tuple[Block, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    resources: Resources = Field(default_factory=Resources)
    _document: Document = PrivateAttr(default_factory=lambda: Document("suite"))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return the matrices to expand: the suite's own and those of `include`, what they lack filled in.

        The suite's own does not count where it names no axis and there are blocks.
        """
        own = Block.model_construct(self.model_fields_set & set(Block.model_fields), **_shallow(self, Block))
        included = tuple(_merged(own, block) for block in self.include)
        return included if included and not self.model_fields_set & set(AXES) else (own, *included)

    def place(self, path: Keys = ()) -> str:
        """Return `suites/x.yaml:12:5` of a value."""
        return self._document.place(path)

    def resolved(self) -> Json:
        """Return the suite as plain data that reads as an equal suite, defaults written out."""
        return {"name": self.name, **{k: v for k, v in _plain(self).items() if k != "name"}}


def _shallow(model: Strict, of: type[Strict]) -> Json:
    return {name: getattr(model, name) for name in of.model_fields}


def _merged(base: M, over: M) -> M:
    """Return `base` with what was written in `over`; nested settings are merged, axes and lists are replaced."""
    changes = {}
    for name in over.model_fields_set:
        old, new = getattr(base, name), getattr(over, name)
        changes[name] = _merged(old, new) if isinstance(new, Strict) else new
    return base.model_copy(update=changes)


def _plain(value: Any) -> Any:  # noqa: ANN401 - models, choices and plain values
    if isinstance(value, Block) and not isinstance(value, Suite):
        return {name: _plain_field(name, getattr(value, name)) for name in sorted(value.model_fields_set)}
    if isinstance(value, Exclusion):
        return {name: pattern for name, pattern in value if pattern is not None}
    if isinstance(value, Suite):
        keep = type(value).model_fields if not value.include else value.model_fields_set | set(type(value).model_fields) - set(AXES)
        return {name: _plain_field(name, getattr(value, name)) for name in type(value).model_fields if name in keep}
    if isinstance(value, Strict):
        return {name: _plain(item) for name, item in value}
    if isinstance(value, Choice):
        return {value.name: dict(value.parameters)} if value.parameters else value.name
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _plain_field(name: str, value: Any) -> Any:  # noqa: ANN401 - as above
    return [_plain(cell) if cell else "none" for cell in value] if name == "tricks" else _plain(value)


def read_suite(path: str | Path, overrides: list[str] | tuple[str, ...] = ()) -> Suite:
    """Read and check a suite file.

    Args:
        path: the YAML file.
        overrides: texts such as `"steps=500"` or `"evaluate.every=100"`; they win over the file, in blocks too.

    Raises:
        UsageError: one line, `suites/x.yaml:12:5: problem; remedy`.
    """
    document = read_file(Path(path))
    for override in overrides:
        _override(document, override)
    document.data.setdefault("name", Path(path).stem)
    try:
        suite = Suite.model_validate(hashable(document.data))
    except ValidationError as errors:
        where, text, key = first_error(errors)
        raise UsageError(f"{document.place(where, key=key)}: {text}") from None
    suite._document = document  # noqa: SLF001 - it travels with the suite only to name places
    return suite


def _override(document: Document, text: str) -> None:
    """Put `key.key=value` into a document, and into the blocks that say otherwise."""
    name, equals, value = text.partition("=")
    source = f"--set {shorten(text)}"
    if not equals or not name.strip():
        raise UsageError(f"{source}: not an override; write it as key=value, for example --set steps=500")
    keys: Keys = tuple(int(part) if part.isdecimal() and len(part) < 6 else part for part in name.strip().split("."))
    try:
        data = read_value(value, source) if value.strip() else None
    except UsageError as error:
        raise UsageError(re.sub(rf"^{re.escape(source)}:\d+:\d+", lambda _: source, str(error))) from None
    targets: list[Keys] = [keys]
    for i, block in enumerate(_list(document.data.get("include"))):
        if isinstance(block, dict) and keys[0] in block:
            targets.append(("include", i, *keys))
    for target in targets:
        _put(document.data, target, data, source)
        document.sources[target] = source


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _put(data: Any, path: Keys, value: Any, source: str) -> None:  # noqa: ANN401 - any YAML data
    *way, last = path
    for key in way:
        if isinstance(data, dict):
            if data.get(key) is None:
                data[key] = {}
            data = data[key]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            raise UsageError(f"{source}: there is nothing at {key!r}; name a key of the suite")
    if isinstance(data, dict):
        data[last] = value
    elif isinstance(data, list) and isinstance(last, int) and last < len(data):
        data[last] = value
    else:
        raise UsageError(f"{source}: there is nothing at {last!r}; name a key of the suite")

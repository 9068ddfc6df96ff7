"""Components as a suite writes them, `hinge` or `r1: {gamma: 0.1}`, and the strict models that check its mappings."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
import warnings
from typing import ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UnknownComponentError, UsageError, component_errors, reason, unknown
from ganbench.core.naming import AXES
from ganbench.core.results_files import Json
from ganbench.core.trial import Choice
from ganbench.suite.yaml import Keys, describe, shorten

# The key of each axis of a matrix, and the axis of a trial that one of its entries becomes.
AXIS_KEYS = dict(zip(("datasets", "networks", "losses", "tricks", "optimizers"), AXES, strict=False))
LARGEST = 3.4e38  # float32 ends at 3.403e38

Cell = tuple[Choice, ...]  # of tricks


def suite_error(text: str, path: Keys = (), *, key: bool = False) -> PydanticCustomError:
    """Return an error with our own text, about something at `path` below the value that is being checked."""
    return PydanticCustomError("ganbench", "{text}", {"text": text, "path": path, "key": key})


def with_tuples(data: object) -> object:
    """Return the data with tuples for lists, as strict and frozen models want them."""
    if isinstance(data, dict):
        return {key: with_tuples(value) for key, value in data.items()}
    return tuple(with_tuples(value) for value in data) if isinstance(data, (list, tuple)) else data


class Strict(BaseModel):
    """A frozen mapping without unknown keys; lists in it are tuples."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    what: ClassVar[str] = "key"
    later: ClassVar[frozenset[str]] = frozenset()  # fields that came after the first version, see `Suite.resolved`

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_keys(cls, data: object) -> object:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                problem = cls._belongs_under(str(key)) or unknown(cls.what, shorten(str(key)), cls.model_fields)
                raise suite_error(problem, (key,), key=True)
        return data

    @classmethod
    def _belongs_under(cls, key: str) -> str:
        """Return where a key belongs that a mapping inside this one has: `metrics`, or `evaluate_every`."""
        if f"{key}s" in cls.model_fields:  # a slip of the pen is nearer
            return ""
        for name, field in cls.model_fields.items():
            optional = typing.get_origin(field.annotation) in (typing.Union, types.UnionType)
            for inner in typing.get_args(field.annotation) if optional else (field.annotation,):
                known = inner.model_fields if isinstance(inner, type) and issubclass(inner, Strict) else {}
                if (short := key.removeprefix(f"{name}_")) in known:
                    return f"{key!r} belongs under {name!r}; write `{name}: {{{short}: …}}`"
        return ""


@functools.cache
def parameter_model(cls: type[Component]) -> type[Strict]:
    """Return the pydantic model of a component's parameters: its fields with their types, limits and defaults."""
    hints = typing.get_type_hints(cls, include_extras=True)
    fields: Json = {f.name: (hints[f.name], f.default) for f in dataclasses.fields(cls)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a parameter that is called as one of pydantic's own methods: `copy`
        model = create_model(cls.__name__, __base__=Strict, **fields)
    model.what = f"parameter of {cls.name}"
    return model


def choose(kind: str, written: object) -> Choice:
    """Return the component that a suite's `hinge` or `{r1: {gamma: 0.1}}` names, every parameter checked."""
    name, parameters = _name_and_parameters(kind, written)
    try:
        cls = registry.find(kind, name)
    except UnknownComponentError:
        known = registry.components(kind)
        problem = unknown(kind, shorten(name), known, registry.aliases(known.values()))
        raise suite_error(problem, (name,) if isinstance(written, dict) else (), key=True) from None
    try:
        checked = parameter_model(cls).model_validate(parameters)
        _require_float32(name, checked)
    except ValidationError as errors:
        path, text, key = first_error(errors)
        raise suite_error(text, (name, *path), key=key) from None
    try:
        with component_errors(name, ValueError):
            return Choice.of(cls(**{f.name: getattr(checked, f.name) for f in dataclasses.fields(cls)}))
    except (ValueError, UsageError) as error:
        text = reason(error) if isinstance(error, UsageError) else f"{name}: {reason(error)}"
        raise suite_error(text, (name,) if isinstance(written, dict) else ()) from None


def _require_float32(name: str, checked: Strict) -> None:
    """Raise for a number that tensors of float32 cannot hold: a trial would die of it."""
    for field, value in checked:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float) and abs(one) > LARGEST:
                raise suite_error(f"{field}: {one:g} is beyond float32; write at most {LARGEST:g}", (name, field))


def _name_and_parameters(kind: str, written: object) -> tuple[str, Json]:
    if isinstance(written, str):
        return written, {}
    if not isinstance(written, dict):
        raise suite_error(f"{kind}: expected a name or `name: {{parameter: value}}`, found {describe(written)}")
    if len(written) != 1:
        extra = next(iter(list(written)[1:]), None)
        names = ", ".join(shorten(str(key), 20) for key in list(written)[:4]) or "none"
        raise suite_error(
            f"{kind}: expected one name, found {len(written)} ({names}); indent its parameters or write "
            "`name: {parameter: value}`",
            () if extra is None else (extra,),
            key=True,
        )
    name, parameters = next(iter(written.items()))
    if parameters is not None and not isinstance(parameters, dict):
        raise suite_error(
            f"the parameters of {shorten(name)} are a mapping such as `{{gamma: 0.1}}`, not {describe(parameters)}",
            (name,),
        )
    return name, parameters or {}


def choose_cell(written: object) -> Cell:
    """Return a cell of the axis `tricks`: `none`, one trick, or a list of tricks that are combined."""
    if written == "none":
        return ()
    if not isinstance(written, tuple):
        return (choose("trick", written),)
    cell: dict[str, Choice] = {}
    for i, one in enumerate(written):
        if one == "none":
            raise suite_error("tricks: `none` is a cell of its own; take it out of this one", (i,))
        try:
            trick = choose("trick", one)
        except PydanticCustomError as error:
            context = error.context or {}
            raise suite_error(context["text"], (i, *context["path"]), key=context["key"]) from None
        if trick.name in cell:
            raise suite_error(f"tricks: {trick.name} twice in one cell; keep one", (i,))
        cell[trick.name] = trick
    return tuple(cell.values())


@dataclasses.dataclass(frozen=True)
class ChoiceOf:
    """Pydantic annotation of a choice, `Annotated[Choice, ChoiceOf("loss")]`, or of a cell of tricks."""

    kind: str
    combined: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check with `choose` or `choose_cell`."""
        check = choose_cell if self.combined else functools.partial(choose, self.kind)
        return no_info_plain_validator_function(check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        """Return the names, and each name with its parameters."""
        one = choice_schema(self.kind)
        return {"anyOf": [{"const": "none"}, *one["anyOf"], {"type": "array", "items": one}]} if self.combined else one


def choice_schema(kind: str) -> Json:
    """Return the JSON Schema of one choice of a kind."""
    known = registry.components(kind)
    entries = [
        {
            "type": "object",
            "properties": {name: _parameter_schema(cls)},
            "required": [name],
            "additionalProperties": False,
        }
        for name, cls in known.items()
    ]
    names = [{"const": name, "description": cls.summary()} for name, cls in known.items()]
    return {"anyOf": [*names, *entries]}


def _parameter_schema(cls: type[Component]) -> Json:
    schema = parameter_model(cls).model_json_schema()
    schema.pop("title", None)
    for entry in schema.get("properties", {}).values():
        entry.pop("title", None)
    return {**schema, "type": ["object", "null"], "description": cls.summary()}


_WANTED = {
    "int": "a whole number such as 8",
    "float": "a number such as 1e-4",
    "bool": "true or false",
    "string": "text, in quotes if it looks like a number",
    "tuple": "a list such as [a, b]",
    "list": "a list such as [a, b]",
    "model": "a mapping such as {key: value}",
    "dict": "a mapping such as {key: value}",
}


def first_error(errors: ValidationError) -> tuple[Keys, str, bool]:
    """Return path, text and whether it is about a key, of the first error in pydantic's list."""
    details = errors.errors(include_url=False)
    # A union reports each of its members; the one that got furthest knows most.
    first = max(details, key=lambda e: e["type"] == "ganbench")
    context = first.get("ctx", {})
    if first["type"] == "ganbench":
        return (*first["loc"], *context["path"]), context["text"], context["key"]
    path = first["loc"]
    if first["type"] == "missing":
        return path[:-1], f"the key `{path[-1]}` is missing; add it", False
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    kind, _, what = first["type"].rpartition("_")
    if what == "type" and kind in _WANTED:
        problem = f"expected {_WANTED[kind]}, found {describe(first['input'])}"
    else:
        problem = f"{first['msg'].removeprefix('Input ')}, found {describe(first['input'])}"
    return path, f"{name}: {problem}" if name else problem, False

"""A component as a suite writes it (`hinge`, `r1: {gamma: 0.1}`) and the checks of its parameters."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UnknownComponentError, unknown
from ganbench.core.trial import Choice
from ganbench.suite.yaml import Keys, describe, shorten

Json = dict[str, Any]


def suite_error(text: str, path: Keys = (), *, key: bool = False) -> PydanticCustomError:
    """Return an error with our own text, about something at `path` below the value that is being checked."""
    return PydanticCustomError("ganbench", "{text}", {"text": text, "path": path, "key": key})


def hashable(data: Any) -> Any:  # noqa: ANN401 - any plain data
    """Return the data with tuples for lists, as frozen models and strict pydantic want them."""
    if isinstance(data, dict):
        return {key: hashable(value) for key, value in data.items()}
    return tuple(hashable(value) for value in data) if isinstance(data, (list, tuple)) else data


class Strict(BaseModel):
    """A frozen mapping without unknown keys; lists in it are tuples."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    what: ClassVar[str] = "key"
    later: ClassVar[frozenset[str]] = frozenset()  # fields that the first version did not have

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_keys(cls, data: Any) -> Any:  # noqa: ANN401 - anything may have been written
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise suite_error(unknown(cls.what, shorten(str(key)), cls.model_fields), (key,), key=True)
        return data


@functools.cache
def parameter_model(cls: type[Component]) -> type[BaseModel]:
    """Return the pydantic model of a component's parameters: its fields with their types, limits and defaults."""
    hints = typing.get_type_hints(cls, include_extras=True)
    fields: dict[str, Any] = {f.name: (hints[f.name], f.default) for f in dataclasses.fields(cls)}
    model: Any = create_model(cls.__name__, __base__=Strict, **fields)
    model.what = f"parameter of {cls.name}"
    return model


def choose(kind: str, written: Any) -> Choice:  # noqa: ANN401 - anything may have been written
    """Return the component that a suite's `hinge` or `{r1: {gamma: 0.1}}` names, every parameter checked."""
    name, parameters = _name_and_parameters(kind, written)
    try:
        cls = registry.find(kind, name)
    except UnknownComponentError:
        problem = unknown(kind, shorten(name), registry.components(kind))
        raise suite_error(problem, (name,) if isinstance(written, dict) else (), key=True) from None
    try:
        checked = parameter_model(cls).model_validate(parameters)
    except ValidationError as errors:
        path, text, key = first_error(errors)
        raise suite_error(text, (name, *path), key=key) from None
    try:
        component = cls(**{f.name: getattr(checked, f.name) for f in dataclasses.fields(cls)})
    except ValueError as error:
        raise suite_error(f"{name}: {error}", (name,) if isinstance(written, dict) else ()) from None
    return Choice.of(component)


def _name_and_parameters(kind: str, written: Any) -> tuple[str, Json]:  # noqa: ANN401 - anything may have been written
    if isinstance(written, str):
        return written, {}
    if not isinstance(written, dict):
        raise suite_error(f"{kind}: expected a name or `name: {{parameter: value}}`, found {describe(written)}")
    if len(written) != 1:
        extra = next(iter(list(written)[1:]), None)
        found = ", ".join(shorten(str(key), 20) for key in list(written)[:4]) or "none"
        raise suite_error(
            f"{kind}: expected one name, found {len(written)} ({found}); indent its parameters or write "
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


@dataclasses.dataclass(frozen=True)
class ChoiceOf:
    """Pydantic annotation of a choice: `Annotated[Choice, ChoiceOf("loss")]`."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:  # noqa: ANN401
        """Check with `choose`."""
        return core_schema.no_info_plain_validator_function(functools.partial(choose, self.kind))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Json:  # noqa: ANN401
        """Return the names, and each name with its parameters."""
        return choice_schema(self.kind)


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
    """Return path, text and whether it is about a key, of the first error that pydantic found."""
    details = errors.errors(include_url=False)
    # A union reports each of its members; the one that got furthest knows most.
    first = max(details, key=lambda e: e["type"] == "ganbench")
    context = first.get("ctx", {})
    if first["type"] == "ganbench":
        return (*first["loc"], *context["path"]), context["text"], context["key"]
    path = first["loc"]
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    kind, _, what = first["type"].rpartition("_")
    if what == "type" and kind in _WANTED:
        problem = f"expected {_WANTED[kind]}, found {describe(first['input'])}"
    else:
        problem = f"{first['msg'].removeprefix('Input ')}, found {describe(first['input'])}"
    return path, f"{name}: {problem}" if name else problem, False

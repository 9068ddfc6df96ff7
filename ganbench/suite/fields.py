"""The fields of a suite that have a syntax of their own: seeds, cells of tricks, durations, names."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema
from pydantic_core.core_schema import ValidationInfo

from ganbench.core.trial import Choice
from ganbench.suite.choices import Json, choice_schema, choose, suite_error
from ganbench.suite.yaml import describe, shorten

MAX_SEEDS = 1024
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

Cell = tuple[Choice, ...]


def _seeds(written: Any) -> tuple[int, ...]:  # noqa: ANN401 - anything may have been written
    if isinstance(written, int) and not isinstance(written, bool):
        if not 1 <= written <= MAX_SEEDS:
            raise suite_error(f"seeds: write how many, 1 to {MAX_SEEDS}, found {written}")
        return tuple(range(written))
    if not isinstance(written, tuple) or not written:
        raise suite_error(f"seeds: write how many or a list such as [0, 1, 2], found {describe(written)}")
    if len(written) > MAX_SEEDS:
        raise suite_error(f"seeds: {len(written)} of them; write at most {MAX_SEEDS}")
    for i, seed in enumerate(written):
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
            raise suite_error(f"seeds: each is a whole number from 0 to 2147483647, found {describe(seed)}", (i,))
        if seed in written[:i]:
            raise suite_error(f"seeds: {seed} is listed twice; keep one", (i,))
    return written


def _cell(written: Any) -> Cell:  # noqa: ANN401 - anything may have been written
    """Read a cell of the axis `tricks`: none, one, or a list of tricks that are combined."""
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


def _duration(written: Any) -> float | None:  # noqa: ANN401 - anything may have been written
    if written is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([smhd]?)", str(written))
    seconds = float(match[1]) * _SECONDS[match[2]] if match and not isinstance(written, bool) else 0.0
    if not 1 <= seconds <= 30 * 86400:
        raise suite_error(f"timeout: write seconds or a text such as 30m or 2h, 1s to 30d, found {describe(written)}")
    return seconds


def _slug(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise suite_error(
            f"name: {shorten(name)!r} cannot name a folder; use up to 64 of a-z, A-Z, 0-9, '_' and '-', a letter or "
            "digit first (without `name` it is the file's name)"
        )
    return name


def _axis(written: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - anything may have been written
    if not isinstance(written, tuple) or not written:
        found = "an empty list" if written == () else describe(written)
        raise suite_error(f"{info.field_name}: expected a list with at least one entry, such as [a, b], found {found}")
    return written


class _CellField:
    """Pydantic annotation of a cell of tricks."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:  # noqa: ANN401
        """Check with `_cell`."""
        return core_schema.no_info_plain_validator_function(_cell)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Json:  # noqa: ANN401 - pydantic's own types
        """Return `none`, one trick, or a list of tricks."""
        one = choice_schema("trick")
        return {"anyOf": [{"const": "none"}, *one["anyOf"], {"type": "array", "items": one}]}


Axis = BeforeValidator(_axis)
TricksCell = Annotated[Cell, _CellField]
Name = Annotated[str, AfterValidator(_slug)]
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
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 1},
                {"type": "string", "pattern": "^[0-9.]+ ?[smhd]?$"},
                {"type": "null"},
            ]
        }
    ),
]

"""Single values as a suite writes them, and their checks: seeds, times, names, lists that must hold something."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema

from ganbench.suite.choices import suite_error
from ganbench.suite.yaml import describe, shorten

MAX_SEEDS = 1024
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _seeds(written: object) -> tuple[int, ...]:
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


def _duration(written: object) -> float | None:
    """Return seconds: of a number, or of a text such as `90s`, `30m`, `1.5 h`, `2d`."""
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


def _axis(written: object, info: ValidationInfo) -> object:
    if not isinstance(written, tuple) or not written:
        problem = "an empty list" if written == () else describe(written)
        raise suite_error(
            f"{info.field_name}: expected a list with at least one entry, such as [a, b], found {problem}"
        )
    return written


_MANY = {"type": "integer", "minimum": 1, "maximum": MAX_SEEDS}
_LISTED = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True}
_TIMES = [{"type": "number", "minimum": 1}, {"type": "string", "pattern": "^[0-9.]+ ?[smhd]?$"}, {"type": "null"}]

Axis = BeforeValidator(_axis)
Name = Annotated[str, AfterValidator(_slug)]
Seeds = Annotated[tuple[int, ...], PlainValidator(_seeds), WithJsonSchema({"anyOf": [_MANY, _LISTED]})]
Timeout = Annotated[float | None, PlainValidator(_duration), WithJsonSchema({"anyOf": _TIMES})]

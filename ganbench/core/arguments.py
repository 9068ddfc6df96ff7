"""Checks what a caller gives to the Python interface: a wrong kind of value is one line that names the argument.

>>> whole("ganbench.Monitor: samples", 100, least=1)
100
>>> whole("ganbench.Monitor: samples", "many", least=1)
Traceback (most recent call last):
ganbench.core.errors.UsageError: ganbench.Monitor: samples is 'many'; give a whole number from 1 on
"""

from __future__ import annotations

import contextlib
import math
import numbers
import os
from collections.abc import Iterable
from pathlib import Path

from ganbench.core.errors import UsageError

LONGEST_TEXT = 1000  # of a name or a filter
LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """Return a value in one short line, whatever its own text is; the name of its type where it has no such text."""
    if isinstance(value, (str, bytes)):
        return f"{value[:LONGEST_SHOWN]!r}{'…' if len(value) > LONGEST_SHOWN else ''}"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - it may be anybody's class
        text = ""
    short = text and len(text) <= LONGEST_SHOWN and text.isprintable()
    return text if short else f"an object of type {type(value).__name__}"


def path(place: str, value: object) -> Path:
    """Return a path.

    Args:
        place: of the argument, as in `ganbench.load: path`.
        value: what was given.

    Raises:
        UsageError: it is none, or one that no file can have.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"{place} is {shown(value)}; give a path as text or pathlib.Path")
    given = Path()
    try:
        given = Path(value)
        os.fsencode(given)
        if not os.fspath(value) or "\0" in str(given):
            raise ValueError
        os.lstat(given)
    except FileNotFoundError:
        pass
    except (TypeError, ValueError) as error:
        raise UsageError(f"{place} is {shown(value)}, which no file can be called; give another path") from error
    except OSError as error:
        if isinstance(error, (NotADirectoryError, PermissionError)):
            return given  # whoever opens it says so
        raise UsageError(f"{place} is {shown(str(value))}: {str(error.strerror).lower()}; give another path") from None
    return given


def text(place: str, value: object) -> str:
    """Return a text.

    Raises:
        UsageError: it is none, or too long to be a name or a filter.
    """
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise UsageError(f"{place} is {shown(value)}; give a text of at most {LONGEST_TEXT:,} characters")
    return str(value)


def optional_text(place: str, value: object) -> str | None:
    """Return a text or None; see `text`."""
    return None if value is None else text(place, value)


def texts(place: str, values: object) -> tuple[str, ...]:
    """Return several texts.

    Raises:
        UsageError: it is one text alone, no list, or holds something else.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise UsageError(f"{place} is {shown(values)}; give a list of texts")
    try:
        listed = list(values)
    except TypeError:  # an array without axes
        raise UsageError(f"{place} is {shown(values)}; give a list of texts") from None
    return tuple(text(f"{place}[{number}]", value) for number, value in enumerate(listed))


def whole(place: str, value: object, least: int = 0, most: int = 2**53) -> int:
    """Return a whole number, NumPy's included.

    Raises:
        UsageError: it is none, or outside of `least` to `most`.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not least <= int(value) <= most:
        raise UsageError(f"{place} is {shown(value)}; give a whole number from {least} on")
    return int(value)


def number(place: str, value: object, above: float, most: float = math.inf) -> float:
    """Return a finite number, NumPy's included.

    Raises:
        UsageError: it is none, or not above `above` and at most `most`.
    """
    given = math.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # a whole number of a thousand digits
            given = float(value)
    if not (above < given <= most and math.isfinite(given)):
        raise UsageError(f"{place} is {shown(value)}; give a number above {above:g}{_up_to(most)}")
    return given


def _up_to(most: float) -> str:
    return "" if math.isinf(most) else f" and at most {most:g}"

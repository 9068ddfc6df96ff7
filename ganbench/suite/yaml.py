"""Strict YAML: what a person meant or one line that says what is wrong, never a guess and never code.

PyYAML only cuts the text into events here; the values are made of them in this file, which keeps them plain and
bounded. The language differs from `yaml.safe_load` on purpose: `1e-4` is a number, only `true` and `false` are
booleans, `no`, `010`, `1:30` and dates stay text, and duplicate keys, tags, non-finite numbers, control characters and
everything beyond the limits below are errors.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ganbench.core.errors import UsageError
from ganbench.core.given_files import read_given

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24
MAX_NODES = 50_000  # aliases counted as often as they are used

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "false": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PARSERS_DIFFER = re.compile("[\t\ufeff]")  # libyaml takes tabs inside plain text, and drops marks of byte order

Keys = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, both from 1


@dataclass
class Document:
    """A YAML mapping with the place of everything in it.

    Attributes:
        source: what errors call it: a path, or the option that the text came from.
        data: dictionaries, lists, texts, numbers, booleans and None.
        places: the place of every value by its path. key_places: the same of every key.
        sources: what to call values that came from elsewhere, such as `--set steps=500`.
    """

    source: str
    data: dict[str, object] = field(default_factory=dict)
    places: dict[Keys, Place] = field(default_factory=dict)
    key_places: dict[Keys, Place] = field(default_factory=dict)
    sources: dict[Keys, str] = field(default_factory=dict)

    def place(self, path: Keys = (), *, key: bool = False) -> str:
        """Return `suites/x.yaml:12:5` of a value (or of its key), or of the nearest value around it."""
        around = [path[:end] for end in range(len(path) + 1)]
        for outer in around:
            if outer in self.sources:
                return self.sources[outer]
        at = self.key_places.get(path) if key else None
        at = at or next((self.places[outer] for outer in reversed(around) if outer in self.places), (1, 1))
        return f"{self.source}:{at[0]}:{at[1]}"


def describe(value: object) -> str:
    """Return a short description of a value for an error: "the text 'no'", "a list"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, str):
        return f"the text {shorten(value)!r}"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, dict) else f"{value!r}"


def shorten(text: str, limit: int = 60) -> str:
    """Return at most `limit` characters of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def read_file(path: Path) -> Document:
    """Read a YAML file whose root is a mapping.

    Raises:
        UsageError: the file cannot be read, is not strict YAML, or is beyond the limits: `path:line:column: …`.
    """
    try:
        raw = read_given(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"{path}: cannot be read ({reason}); give the path of a suite file") from None
    return read_bytes(raw, str(path))


def read_bytes(raw: bytes, source: str) -> Document:
    """Read a YAML text whose root is a mapping; see `read_file`."""
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{source}:1:1: larger than {MAX_BYTES // 1024} KiB; split it into several suites")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        raise _problem(source, _position(before), "not UTF-8 text", "save the file as UTF-8") from None
    reader = _read(text, source)
    if not isinstance(reader.root, dict):
        raise UsageError(
            f"{reader.document.place()}: the file must be a mapping, not {describe(reader.root)}; "
            "start with a key such as `datasets: [ring]`"
        )
    reader.document.data = reader.root
    return reader.document


def read_value(text: str, source: str) -> object:
    """Read the YAML text of one value, as strictly as a file."""
    return _read(text, source).root


def _read(text: str, source: str) -> _Reader:
    """Read with libyaml where that means the same; elsewhere with PyYAML's own parser, which is ten times slower."""
    if yaml.__with_libyaml__ and not _PARSERS_DIFFER.search(text):
        try:
            return _Reader(source, yaml.parse(text, Loader=yaml.CSafeLoader)).read()
        except (yaml.YAMLError, ValueError):
            pass  # the other parser says what is wrong, and where, in the words that are used here
    reader = _Reader(source, yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        return reader.read()
    except yaml.reader.ReaderError as error:
        at = _position(text[: error.position])
        raise _problem(source, at, f"the character U+{int(error.character):04X} is not allowed", "remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else reader.at
        line = text.splitlines()[at[0] - 1 : at[0]]
        if "\\t" in str(error.problem) or (line and re.match(r" *\t", line[0])):
            raise _problem(source, at, "a tab where spaces belong", "indent with spaces") from None
        what = ", ".join(" ".join(part.split()) for part in (error.context, error.problem) if part)
        remedy = "check quotes, brackets and indentation"
        raise _problem(source, at, f"not valid YAML ({shorten(what, 100)})", remedy) from None
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:  # bad escapes, absurd %YAML versions
        raise _problem(
            source, reader.at, f"not valid YAML ({shorten(str(error))})", "check quotes and escapes"
        ) from None


def _position(before: str) -> Place:
    """Return line and column of what follows this text."""
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


def _problem(source: str, at: Place, problem: str, remedy: str) -> UsageError:
    return UsageError(f"{source}:{at[0]}:{at[1]}: {problem}; {remedy}")


class _Reader:
    """Makes a document of PyYAML's events. It calls itself for what a list or mapping holds, MAX_DEPTH deep at most."""

    def __init__(self, source: str, events: Iterator[yaml.Event]) -> None:
        self.document = Document(source)
        self.root: object = None
        self.events = events
        self.anchors: dict[str | None, tuple[object, int]] = {}  # each value, and how many values it holds
        self.nodes = 0
        self.at: Place = (1, 1)

    def fail(self, problem: str, remedy: str) -> UsageError:
        """Return the error at the current place."""
        return _problem(self.document.source, self.at, problem, remedy)

    def next(self) -> yaml.Event:
        """Return the next event, its place being the current one."""
        event = next(self.events)
        self.at = (event.start_mark.line + 1, event.start_mark.column + 1)
        return event

    def read(self) -> _Reader:
        """Read the only document of the text; return the reader."""
        self.next()
        if isinstance(self.next(), yaml.StreamEndEvent):
            self.at = (1, 1)
            raise self.fail("the file is empty", "write a suite, for example `datasets: [ring]`")
        self.root = self.value(self.next(), ())
        self.next()
        if not isinstance(self.next(), yaml.StreamEndEvent):
            raise self.fail("a second document", "keep one document a file")
        return self

    def value(self, event: yaml.Event, path: Keys) -> object:
        """Return the value that this event begins, which lies at `path`; note its place and its anchor."""
        self.document.places[path] = self.at
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        before = self.nodes
        self.check(event)
        if isinstance(event, yaml.ScalarEvent):
            value = self.resolve(event.value) if event.style in (None, "") else event.value
        elif len(path) >= MAX_DEPTH:
            raise self.fail(f"nested more than {MAX_DEPTH} deep", "flatten it")
        else:
            self.anchors.pop(event.anchor, None)  # within itself it is not finished
            value = self.mapping(path) if isinstance(event, yaml.MappingStartEvent) else self.sequence(path)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before)
        return value

    def sequence(self, path: Keys) -> list[object]:
        """Return a list up to its end."""
        values: list[object] = []
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            values.append(self.value(event, (*path, len(values))))
        return values

    def mapping(self, path: Keys) -> dict[str, object]:
        """Return a mapping up to its end."""
        values: dict[str, object] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                what = "an alias" if isinstance(event, yaml.AliasEvent) else "a list or mapping"
                raise self.fail(f"{what} as a key", "use plain text as keys; quote text with braces")
            self.check(event)
            inner = (*path, event.value)
            if event.value in values:
                line = self.document.key_places[inner][0]
                raise self.fail(f"duplicate key {shorten(event.value)!r}, first on line {line}", "keep one of them")
            self.document.key_places[inner] = self.at
            values[event.value] = self.value(self.next(), inner)
        return values

    def alias(self, name: str) -> object:
        """Return a copy of what an anchor holds, counted in full: nine levels of nine aliases are refused here."""
        if name not in self.anchors:
            raise self.fail(f"the alias *{shorten(name)} has no finished anchor before it", "define it first with &")
        value, nodes = self.anchors[name]
        self.count(nodes)
        return copy.deepcopy(value)

    def count(self, nodes: int) -> None:
        """Count so many values; refuse more than the limit."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self.fail(f"more than {MAX_NODES} values, aliases expanded", "split the suite or use fewer aliases")

    def check(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        """Count one value; refuse control characters and `!!anything`: a suite names components, never types."""
        self.count(1)
        if event.tag is not None:
            raise self.fail(
                f"the tag {shorten(event.tag)!r} is not allowed", "remove it; suites hold plain values only"
            )
        if isinstance(event, yaml.ScalarEvent) and (bad := _CONTROL.search(event.value)):
            raise self.fail(f"the character U+{ord(bad[0]):04X} is not allowed", "remove it")

    def resolve(self, text: str) -> str | int | float | bool | None:
        """Return what a plain scalar means."""
        if _NULL.fullmatch(text):
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _NOT_FINITE.fullmatch(text):
            raise self.fail(f"{text} is not a finite number", "write a finite number")
        if _INT.fullmatch(text):
            if len(text) > 19:
                raise self.fail(f"the number {shorten(text, 24)} is too large", "write at most 18 digits")
            return int(text)
        if len(text) <= 400 and _FLOAT.fullmatch(text):
            value = float(text)
            if not math.isfinite(value):
                raise self.fail(f"{shorten(text, 24)} is beyond the range of floats", "write a finite number")
            return value
        return text

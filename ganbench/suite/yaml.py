"""Strict YAML: what a person meant or one line that says what is wrong, never a guess and never code.

PyYAML only cuts the text into events here; building values is ours, which keeps it small and bounded. It differs
from `yaml.safe_load` on purpose: `1e-4` is a number, only `true` and `false` are booleans, `no`, `010`, `1:30` and
dates stay text, and duplicate keys, tags, non-finite numbers, control characters and everything beyond the limits below
are errors.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ganbench.core.errors import UsageError
from ganbench.suite.document import Document, Keys, describe, shorten

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24
MAX_NODES = 50_000  # aliases counted as often as they are used

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "false": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass
class _Open:
    """A list or mapping that is being read."""

    value: list[Any] | dict[str, Any]
    path: Keys
    anchor: str | None
    nodes_before: int
    key: str | None = None


def read_file(path: Path) -> Document:
    """Read a YAML file whose root is a mapping.

    Raises:
        UsageError: the file cannot be read, is not strict YAML, or is beyond the limits: `path:line:column: …`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
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
    document = _Builder(source).build(text)
    if not isinstance(document.data, dict):
        raise UsageError(
            f"{document.place()}: the file must be a mapping, not {describe(document.data)}; "
            "start with a key such as `datasets: [ring]`"
        )
    return document


def read_value(text: str, source: str) -> Any:  # noqa: ANN401 - whatever was written
    """Return the value of a piece of YAML, such as the right side of `--set steps=500`."""
    return _Builder(source).build(text).data


def _position(before: str) -> tuple[int, int]:
    """Return line and column, from 1, of what follows this text."""
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


def _problem(source: str, at: tuple[int, int], problem: str, remedy: str) -> UsageError:
    return UsageError(f"{source}:{at[0]}:{at[1]}: {problem}; {remedy}")


class _Builder:
    """Builds one document from PyYAML's events; keeps its own stack, so depth costs no recursion."""

    def __init__(self, source: str) -> None:
        self.document = Document(source)
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.at = (1, 1)
        self.roots = 0

    def fail(self, problem: str, remedy: str) -> UsageError:
        """Return the error at the current place."""
        return _problem(self.document.source, self.at, problem, remedy)

    def build(self, text: str) -> Document:
        """Return the document."""
        for event in self.events(text):
            self.at = (event.start_mark.line + 1, event.start_mark.column + 1)
            match event:
                case yaml.DocumentStartEvent():
                    self.roots += 1
                    if self.roots > 1:
                        raise self.fail("a second document", "keep one document a file")
                case yaml.AliasEvent():
                    self.alias(event.anchor)
                case yaml.ScalarEvent():
                    self.scalar(event)
                case yaml.CollectionStartEvent():
                    self.open(event)
                case yaml.CollectionEndEvent():
                    self.close()
        if self.roots == 0:
            self.at = (1, 1)
            raise self.fail("the file is empty", "write a suite, for example `datasets: [ring]`")
        return self.document

    def events(self, text: str) -> Iterator[Any]:
        """Yield PyYAML's events; its errors become ours."""
        try:
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            self.at = _position(text[: error.position])
            raise self.fail(f"the character U+{int(error.character):04X} is not allowed", "remove it") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.at = (mark.line + 1, mark.column + 1) if mark else self.at
            line = text.splitlines()[self.at[0] - 1 : self.at[0]]
            if "\\t" in str(error.problem) or (line and re.match(r" *\t", line[0])):
                raise self.fail("a tab where spaces belong", "indent with spaces") from None
            raise self.fail(f"not valid YAML ({_one_line(error)})", "check quotes, brackets and indentation") from None
        except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:  # bad escapes, absurd %YAML versions
            raise self.fail(f"not valid YAML ({shorten(str(error))})", "check quotes and escapes") from None

    def count(self, nodes: int) -> None:
        """Count nodes against the limit."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self.fail(f"more than {MAX_NODES} values, aliases expanded", "split the suite or use fewer aliases")

    def path(self) -> Keys:
        """Return where the next value goes."""
        if not self.stack:
            return ()
        top = self.stack[-1]
        return (*top.path, top.key if isinstance(top.value, dict) else len(top.value))  # type: ignore[return-value]

    def wants_key(self) -> bool:
        """Return whether the next node is a key."""
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def put(self, value: Any) -> None:  # noqa: ANN401 - any YAML value
        """Put a value into the innermost open collection."""
        if not self.stack:
            self.document.data = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            top.value[top.key] = value
            top.key = None

    def scalar(self, event: yaml.ScalarEvent) -> None:
        """Read a key, or a value of the type that it looks like if it is plain, and text if it is quoted."""
        self.count(1)
        self.refuse_tag(event.tag)
        if bad := _CONTROL.search(event.value):
            raise self.fail(f"the character U+{ord(bad[0]):04X} is not allowed", "remove it")
        if self.wants_key():
            self.key(event.value)
            return
        value = self.resolve(event.value) if event.style is None else event.value
        self.document.places[self.path()] = self.at
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.put(value)

    def key(self, text: str) -> None:
        """Start an entry of the innermost mapping."""
        top = self.stack[-1]
        assert isinstance(top.value, dict)
        if text in top.value:
            line = self.document.key_places[(*top.path, text)][0]
            raise self.fail(f"duplicate key {shorten(text)!r}, first on line {line}", "keep one of them")
        top.key = text
        self.document.key_places[(*top.path, text)] = self.at

    def resolve(self, text: str) -> Any:  # noqa: ANN401 - text, number, boolean or None
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

    def refuse_tag(self, tag: str | None) -> None:
        """Refuse `!!anything`: a suite names components, never types or code."""
        if tag is not None:
            raise self.fail(f"the tag {shorten(tag)!r} is not allowed", "remove it; suites hold plain values only")

    def open(self, event: yaml.CollectionStartEvent) -> None:
        """Start a list or a mapping."""
        before = self.nodes
        self.count(1)
        self.refuse_tag(event.tag)
        if len(self.stack) >= MAX_DEPTH:
            raise self.fail(f"nested more than {MAX_DEPTH} deep", "flatten it")
        if self.wants_key():
            raise self.fail("a list or mapping as a key", "use plain text as keys; quote text with braces")
        path = self.path()
        self.document.places[path] = self.at
        value: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Open(value, path, event.anchor, before))
        if event.anchor:
            self.anchors.pop(event.anchor, None)

    def close(self) -> None:
        """End the innermost list or mapping."""
        top = self.stack.pop()
        if top.anchor:
            self.anchors[top.anchor] = (top.value, self.nodes - top.nodes_before)
        self.put(top.value)

    def alias(self, name: str) -> None:
        """Put in what an anchor holds, counted in full: what nine levels of nine aliases expand to is refused here."""
        if name not in self.anchors:
            raise self.fail(f"the alias *{shorten(name)} has no finished anchor before it", "define it first with &")
        if self.wants_key():
            raise self.fail("an alias as a key", "use plain text as keys")
        value, nodes = self.anchors[name]
        self.count(nodes)
        self.document.places[self.path()] = self.at
        self.put(copy.deepcopy(value))


def _one_line(error: yaml.MarkedYAMLError) -> str:
    parts = (error.context, error.problem)
    return shorten(", ".join(" ".join(p.split()) for p in parts if p), 100)

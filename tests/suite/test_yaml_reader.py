"""The reader takes what YAML 1.2 means, or says one line."""

from __future__ import annotations

import json
import math
import re
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.core.errors import UsageError
from ganbench.suite import yaml as yaml_reader
from ganbench.suite.yaml import read_bytes, read_file, read_value

LINE = re.compile(r"x\.yaml:\d+:\d+: [^\n]+; [^\n]+")


def values(text: str) -> dict:
    return read_bytes(text.encode(), "x.yaml").data


def problem(raw: bytes | str) -> str:
    with pytest.raises(UsageError) as caught:
        read_bytes(raw if isinstance(raw, bytes) else raw.encode(), "x.yaml")
    message = str(caught.value)
    assert LINE.fullmatch(message), message
    assert caught.value.exit_code == 2
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.5E+3", 1500.0),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("2", 2),
        ("-7", -7),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("off", "off"),
        ("True", "True"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("2020-01-01", "2020-01-01"),
        ("'1e-4'", "1e-4"),
        ('"true"', "true"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_plain_scalars_mean_what_they_look_like(text, value):
    read = values(f"a: {text}")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3", ":3:1:", "duplicate key 'a', first on line 1"),
        ("a: !!python/object/apply:os.system [ls]", ":1:4:", "tag"),
        ("a: !!python/name:os.system x", ":1:4:", "tag"),
        ("a: !mine 3", ":1:4:", "tag"),
        ("a: .nan", ":1:4:", "finite"),
        ("a: -.inf", ":1:4:", "finite"),
        ("a: 1e999", ":1:4:", "range"),
        ("a: " + "9" * 5000, ":1:4:", "too large"),
        ("a:\n\t- 1", ":2:1:", "tab"),
        ("a: 1\n---\nb: 2", ":2:1:", "second document"),
        ("", ":1:1:", "empty"),
        ("# only a comment\n", ":1:1:", "empty"),
        ("- 1", ":1:1:", "mapping"),
        ("just text", ":1:1:", "mapping"),
        ("a: [1, 2", ":1:9:", "not valid YAML"),
        ("a: 'x", ":1:6:", "not valid YAML"),
        ("a: &x [*x]", ":1:8:", "alias"),
        ("a: *x", ":1:4:", "alias"),
        ("? [1]\n: 2", ":1:3:", "key"),
        ('a: "\\e[31m"', ":1:4:", "U+001B"),
        ('a: "\\uD800"', ":1:4:", "U+D800"),
        ('a: "\\U7fffffff"', "", "not valid YAML"),
        ("%YAML 99999999999999999999.1\n---\na: 1", "", "not valid YAML"),
    ],
)
def test_what_is_refused_has_its_place(text, where, what):
    message = problem(text)
    assert where in message
    assert what in message


@pytest.mark.parametrize(
    ("raw", "where", "what"),
    [
        (b"a: 1\nb: \x00", ":2:4:", "U+0000"),
        (b"a: 1\nb: caf\xe9", ":2:7:", "UTF-8"),
        ("a: 1".encode("utf-16"), ":1:1:", "UTF-8"),
        (b"a: " + b"x" * yaml_reader.MAX_BYTES, ":1:1:", "KiB"),
        (b"a: " + b"[" * 5000, ":1:", "deep"),
        (b"a: " + b"{a: " * 5000, ":1:", "deep"),
        (b"a: " + b"[" * 100_000, ":1:27:", "deep"),
        (b"- " * 100_000, ":1:49:", "deep"),
        (b"\n".join(b"- " * i for i in range(200)), ":", ""),
    ],
)
def test_hostile_bytes(raw, where, what):
    message = problem(raw)
    assert where in message
    assert what in message


def test_an_alias_bomb_is_refused_before_it_expands():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    assert "aliases expanded" in problem("\n".join(lines))


def written_as_list(n: int) -> str:
    return f"a: [{', '.join('1' * n)}]"


def written_as_mapping(n: int) -> str:
    return "\n".join(f"k{i}: 1" for i in range(n // 2))


def written_as_aliases(n: int) -> str:
    return f"a: &x 1\nb: [{', '.join(['*x'] * n)}]"


@pytest.mark.parametrize("written", [written_as_list, written_as_mapping, written_as_aliases])
def test_ten_times_as_many_values_take_about_ten_times_as_long(written):
    def seconds(n: int, repeats: int) -> float:
        raw = written(n).encode()
        times = []
        for _ in range(repeats):
            start = time.process_time()
            read_bytes(raw, "x.yaml")
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(49_900, 2) < 20 * seconds(4_990, 5)


@pytest.mark.parametrize("text", ["a: [1, &x {b: 2}, *x]\n# a\tb\nc: 'd\te'", "a: \u00e9 \U0001f600 [x\nb: [1]\n"])
def test_both_of_pyyamls_parsers_read_the_same(text, monkeypatch):
    fast = read_bytes(text.encode(), "x.yaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read_bytes(text.encode(), "x.yaml") == fast


@pytest.mark.parametrize("text", ["a: b\tc", "a: [b\tc]", "a:\tb", "a: \tb"])
def test_a_tab_outside_quotes_is_refused(text):
    assert "a tab where spaces belong" in problem(text)


def test_aliases_are_copies():
    data = values("a: &x {b: [1]}\nc: *x")
    data["c"]["b"].append(2)
    assert data["a"] == {"b": [1]}


def test_a_byte_order_mark_is_harmless():
    assert read_bytes("\ufeffa: 1".encode(), "x.yaml").data == {"a": 1}


def test_places_of_values_and_keys():
    document = read_bytes(b"losses:\n  - hinge\n  - r1: {gamma: 0.1}\n", "x.yaml")
    assert document.place(("losses", 0)) == "x.yaml:2:5"
    assert document.place(("losses", 1, "r1", "gamma")) == "x.yaml:3:17"
    assert document.place(("losses", 1, "r1", "gamma"), key=True) == "x.yaml:3:10"
    assert document.place(("losses", 1, "r1", "no such")) == "x.yaml:3:9"


@pytest.mark.parametrize("make", [lambda p: p / "missing.yaml", lambda p: p, lambda p: p / ("x" * 5000)])
def test_files_that_cannot_be_read(tmp_path, make):
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(make(tmp_path))


def test_an_endless_file_is_too_large():
    with pytest.raises(UsageError, match="KiB"):
        read_file(yaml_reader.Path("/dev/zero"))


def test_reading_a_value_says_where_it_came_from():
    assert read_value("[hinge, 1e-3]", "--set") == ["hinge", 1e-3]
    with pytest.raises(UsageError, match="^--set"):
        read_value("[", "--set")


def survives(raw: bytes) -> None:
    try:
        data = read_bytes(raw, "x.yaml").data
    except UsageError as error:
        assert LINE.fullmatch(str(error)), str(error)
    else:
        assert isinstance(data, dict)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_one_line(raw):
    survives(raw)


@settings(max_examples=400, deadline=None)
@given(st.text("ab:- \n\t'\"[]{}&*!|>%@#,?\\0123.eExuU~<=", max_size=80))
def test_any_yaml_like_text_is_data_or_one_line(text):
    survives(text.encode())


def plain():
    numbers = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
    scalars = (
        st.none() | st.booleans() | numbers | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]))
    )
    return st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", max_size=3), inner), max_leaves=20
    )


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=3), plain()))
def test_what_a_json_writer_wrote_is_read_back(data):
    read = values(json.dumps(data))
    assert read == data
    assert not any(isinstance(v, float) and math.isnan(v) for v in read.values())

"""What the columns of a part mean survives the way to the disk; what nobody declared is not written."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.core.column import Column
from ganbench.tables import part_store, schema
from tests.helpers.made_tables import made_tables, seeded

TRIAL = seeded(2)
KEY = TRIAL.key


def test_a_column_that_nobody_declared_is_refused(tmp_path):
    tables = made_tables(TRIAL)
    tables.history["mystery"] = 1.0
    with pytest.raises(schema.SchemaError, match="mystery"):
        part_store.write_part(tmp_path, KEY, tables)
    with pytest.raises(schema.SchemaError, match="int64"):
        schema.to_arrow("history", tables.history.drop(columns="mystery").assign(step=0.5), tables.columns)
    with pytest.raises(schema.SchemaError, match="'step' is missing"):
        schema.to_arrow("history", tables.history.drop(columns=["mystery", "step"]), tables.columns)


def test_pictures_that_hold_objects_are_not_written(tmp_path):
    tables = made_tables(TRIAL)
    tables.samples["real"] = np.array([object()])
    with pytest.raises(ValueError, match="allow_pickle"):
        part_store.write_part(tmp_path, KEY, tables)
    assert os.listdir(tmp_path / "parts") == []


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(numbers, st.one_of(st.none(), st.integers(-(2**62), 2**62)), st.one_of(st.none(), st.text())),
        min_size=1,
        max_size=6,
    )
)
def test_any_numbers_and_texts_survive_the_way_to_the_disk(rows):
    declared = {"x": Column("x", "ä\n<b>"), "k": Column("k", "", dtype="int64"), "t": Column("t", "", dtype="string")}
    frame = pd.DataFrame(
        {
            **{"run": "r", "trial": "t", "seed": range(len(rows)), "step": 1},
            "x": [x for x, _, _ in rows],
            "k": pd.array([k for _, k, _ in rows], "Int64"),
            "t": pd.array([t for _, _, t in rows], "string"),
        }
    )
    table = schema.to_arrow("history", frame, declared)
    back = schema.to_pandas(table)
    assert [None if np.isnan(x) else x for x, _, _ in rows] == table.column("x").to_pylist()
    assert back["k"].tolist() == frame["k"].tolist()
    assert back["t"].tolist() == frame["t"].tolist()
    assert schema.declarations("history", table.schema)["x"] == declared["x"]


@pytest.mark.parametrize(
    "column",
    [
        Column("x", "m", title="The x"),
        Column("x", "m", scale="log", curve=True),
        Column("x", "m", "ms", "lower", "float64", True, leading=2),
        Column("x", "m", low=0.0),
        Column("x", "m", low=-1, high=1e300),
    ],
)
def test_what_readers_are_told_of_a_column_survives_the_way_to_the_disk(column):
    assert schema.declarations("history", schema.schema([*schema.LEADING["history"], column]))["x"] == column


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (1.0, 1.0), (math.nan, 1.0), (0.0, math.nan)])
def test_a_range_that_is_none_is_not_written(low, high):
    with pytest.raises(schema.SchemaError, match="the column 'x' has low=.* and high="):
        schema.schema([Column("x", "m", low=low, high=high)])


def test_a_declaration_says_no_more_than_it_has_to():
    """Tables from before the optional keys are read, and columns at their defaults have the bytes of then."""
    field = schema.schema([Column("x", "m", "nat", "lower")]).field("x")
    said = json.loads(field.metadata[b"ganbench"])
    assert set(said) == {"meaning", "unit", "direction", "dtype", "timing", "format"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"leading": True},
        {"scale": "loglog"},
        {"title": 1},
        {"curve": 1},
        {"leading": "1"},
        {"low": 0},
        {"low": math.nan},
        {"high": -math.inf},
    ],
)
def test_an_optional_key_of_another_kind_is_no_declaration(wrong):
    field = schema.schema([Column("x", "m")]).field("x")
    identity = schema.schema(schema.LEADING["history"])
    said = json.dumps({**json.loads(field.metadata[b"ganbench"]), **wrong})
    with pytest.raises(schema.SchemaError, match="no declaration"):
        schema.declarations("history", pa.schema([*identity, field.with_metadata({"ganbench": said})]))

"""The columns of the three tables, their types, and how their declarations travel inside parquet files."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ganbench.core.column import Column, Direction, Scale
from ganbench.core.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLES = ("runs", "history", "layers")

_RUN = Column("run", "identifier of the run: its trial and its seed", dtype="string")
_TRIAL = Column("trial", "first 12 hex digits of the trial's key", dtype="string")
_SEED = Column("seed", "the run's seed", dtype="int64")
_SETTING = Column("setting", "under `vary`, the number of the run's setting, the same for all methods", dtype="int64")
_STEP = Column("step", "generator updates so far", "steps", dtype="int64")

# A row has at least its step and a number, which take some bytes each; a small file may have been written by anyone.
MOST_SMALL_ROWS, MOST_ROWS_A_BYTE = 100_000, 2

# In front of every table's own columns, and behind them.
LEADING: dict[str, tuple[Column, ...]] = {
    "runs": (
        _RUN,
        _TRIAL,
        Column("dataset", "the data set with the parameters that are not its defaults", dtype="string"),
        Column("network", "the networks, likewise", dtype="string"),
        Column("loss", "the loss, likewise", dtype="string"),
        Column("tricks", "the tricks, joined by +, or none", dtype="string"),
        Column("optimizer", "the optimiser, likewise", dtype="string"),
        Column("schedule", "settings of the updates that are not their defaults", dtype="string"),
        _SEED,
        Column("status", "how the run ended: OK, DIVERGED, FAILED or TIMEOUT", dtype="string"),
        Column("diverged_at", "first step whose numbers were not finite or too large", "steps", dtype="int64"),
        Column("error", "why there are no results, where there are none", dtype="string"),
        Column("steps", "generator updates that the run was to make", "steps", dtype="int64"),
    ),
    "history": (_RUN, _TRIAL, _SEED, _STEP),
    "layers": (
        _RUN,
        _TRIAL,
        _SEED,
        _STEP,
        Column("network", "the player: G or D", dtype="string"),
        Column("layer", "the layer's name in its network", dtype="string"),
    ),
}
TRAILING: dict[str, tuple[Column, ...]] = {
    "runs": (
        Column("extractor", "what turned samples into features", dtype="string"),
        Column("n_real", "real samples an evaluation", "samples", dtype="int64"),
        Column("n_fake", "generated samples an evaluation", "samples", dtype="int64"),
        Column("ms_per_step", "training time a step and run", "ms", "lower", timing=True),
        Column("seconds", "time a run, evaluations included", "s", "lower", timing=True),
    ),
    "history": (),
    "layers": (),
}
# Known by name too, but older tables may lack them, so that they are no part of the format.
OPTIONAL: dict[str, tuple[Column, ...]] = {
    "runs": (
        Column("known_modes", "modes of the data, 0 where none are known", "modes"),
        Column("fewest_modes", "modes that all but one in a thousand samples of real data of n_fake capture", "modes"),
        Column("stopped_at", "step at which the run's trial was ended early", "steps", dtype="int64"),
        Column("stop_reason", "why it was ended early: what was settled, or who ended it", dtype="string"),
        Column("preparation", "what was done to the data's samples before anything saw them", dtype="string"),
        Column("versions", "the version of every component used, as JSON: kind:name → version", dtype="string"),
        Column("environment", "where it was made, as JSON: versions, device, machine", dtype="string", timing=True),
        _SETTING,
        Column("method", "under `vary`, the trial's name without a setting", dtype="string"),
        Column("stage", "under `vary`: vary, or confirm for best settings on fresh seeds", dtype="string"),
    ),
    "history": (_SETTING,),
    "layers": (_SETTING,),
}
FIXED = {table: (*LEADING[table], *TRAILING[table], *OPTIONAL[table]) for table in TABLES}
# A part with other required columns is of another format by itself: no number to remember to raise.
_REQUIRED = [(t, c.name, c.dtype) for t in TABLES for c in (*LEADING[t], *TRAILING[t])]
FORMAT = hashlib.sha256(repr(_REQUIRED).encode()).hexdigest()[:8]

_KEYS = ("meaning", "unit", "direction", "dtype", "timing")
# Written only where a column says otherwise, so that tables from before they were there are of the same format.
_OPTIONAL_KEYS: dict[str, str | bool | int | float] = {
    "title": "",
    "scale": "linear",
    "curve": False,
    "leading": 0,
    "low": -math.inf,
    "high": math.inf,
    "varied": False,
}

_ARROW = {"float64": pa.float64(), "int64": pa.int64(), "string": pa.string(), "bool": pa.bool_()}
_PANDAS: dict[str, Any] = {"float64": "float64", "int64": "Int64", "string": "string", "bool": "boolean"}
_FROM_ARROW = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(), pa.bool_(): pd.BooleanDtype()}


class SchemaError(ValueError):
    """A table is not one of ours, or has a column that nobody declared."""


def to_arrow(table: str, frame: pd.DataFrame, columns: Mapping[str, Column]) -> pa.Table:
    """Return a frame as an arrow table with its declarations, columns in their fixed order; NaN becomes null.

    Args:
        table: `"runs"`, `"history"` or `"layers"`.
        frame: has at least the table's leading columns.
        columns: the declarations of all columns that are not fixed.

    Raises:
        SchemaError: a column is missing or not declared, or a value does not fit its type.
    """
    if not len(frame):  # a trial without diagnostics has no layers, and does not know their columns
        return empty(table)
    declared = {**columns, **{column.name: column for column in FIXED[table]}}
    if unknown := [name for name in frame.columns if name not in declared]:
        raise SchemaError(f"{table}: the column {unknown[0]!r} is not declared; add it to its component's `columns`")
    if missing := [column.name for column in LEADING[table] if column.name not in frame]:
        raise SchemaError(f"{table}: the column {missing[0]!r} is missing")
    order = ordered(table, (declared[str(name)] for name in frame.columns))
    arrays = [_array(pd.Series(frame[column.name]), column) for column in order]
    return pa.Table.from_arrays(arrays, schema=schema(order))


def ordered(table: str, columns: Iterable[Column]) -> list[Column]:
    """Return leading columns, the others as they come, then trailing ones; each once."""
    given = {column.name: column for column in columns}
    fixed = {column.name for column in FIXED[table]}
    middle = [column for name, column in given.items() if name not in fixed]
    behind = (column for column in (*TRAILING[table], *OPTIONAL[table]) if column.name in given)
    return [*LEADING[table], *middle, *behind]


def schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the arrow schema of these columns, with their declarations as JSON in each field's metadata."""
    return pa.schema([pa.field(c.name, _ARROW[c.dtype], metadata={"ganbench": _describe(c)}) for c in columns])


def declarations(table: str, fields: pa.Schema) -> dict[str, Column]:
    """Return the declaration of every column of a table that was read.

    Raises:
        SchemaError: no declaration, another type than declared, a column is missing or there twice.
    """
    columns = {field.name: _declaration(table, field) for field in fields}
    if len(columns) != len(fields):
        raise SchemaError(f"{table}: a column is there twice")
    for column in LEADING[table]:
        if column.name not in columns:
            raise SchemaError(f"{table}: the column {column.name!r} is missing")
    return columns


def read(data: bytes, table: str, columns: Collection[str] | None = None) -> pa.Table:
    """Return one of our tables from a parquet file's content, every value that is read checked, and all declarations.

    Args:
        data: the content.
        table: `"runs"`, `"history"` or `"layers"`.
        columns: read those of them that are there; None reads all.

    Raises:
        SchemaError: it is no parquet file, damaged, not this table, or claims more rows than it can hold.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        declarations(table, file.schema_arrow)
        _require_few_rows(table, file.metadata.num_rows, len(data))
        names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
        content = file.read(columns=names)
        content.validate(full=True)
    except SchemaError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        why = str(error).split(". ", 1)[0].splitlines()[0][:120] if str(error) else type(error).__name__
        raise SchemaError(f"{table}: no parquet file, or a damaged one ({why})") from None
    return content


def _require_few_rows(table: str, rows: int, size: int) -> None:
    """Refuse a small file that claims many rows: measured numbers take more room, and equal rows are not ours."""
    if rows > max(MOST_SMALL_ROWS, size * MOST_ROWS_A_BYTE):
        raise SchemaError(f"{table}: claims {rows:,} rows in {size:,} bytes; tables of runs take more room")


def require_identified(table: str, content: pa.Table) -> pa.Table:
    """Return a table that says of every row which it is, and of no run twice.

    Raises:
        SchemaError: a row has no run, trial, seed, steps or status, or one of those that none can have; or a run has
            two rows in `"runs"`.
    """
    steps = "steps" if table == "runs" else "step"
    for name in ("run", "trial", "seed", steps, *(["status"] if table == "runs" else [])):
        if content.column(name).null_count:
            raise SchemaError(f"{table}: a row has no {name}")
    if len(content) and content.column(steps).to_numpy().min() < 0:
        raise SchemaError(f"{table}: a row has negative {steps}")
    if table == "runs":
        if len(content.column("run").unique()) < len(content):
            raise SchemaError("runs: a run has two rows")
        if strange := set(content.column("status").unique().to_pylist()) - set(Status):
            raise SchemaError(f"runs: {str(min(strange))[:40]!r} is no status")
    return content


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a typed frame: string, Int64, boolean (null is NA) and float64 (null is NaN)."""
    return table.to_pandas(types_mapper=_FROM_ARROW.get, ignore_metadata=True)


def empty(table: str) -> pa.Table:
    """Return the table without rows."""
    return schema(LEADING[table]).empty_table()


def _array(values: pd.Series, column: Column) -> pa.Array:
    try:
        typed = values.astype(_PANDAS[column.dtype])
        return pa.array(typed, type=_ARROW[column.dtype], from_pandas=True)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"the column {column.name!r} holds a value that is no {column.dtype} ({error})") from error


def _describe(column: Column) -> str:
    """Return a declaration as JSON; what a column leaves at its default in `_OPTIONAL_KEYS` is left out.

    Raises:
        SchemaError: its range is none.
    """
    if not column.low < column.high:
        raise SchemaError(
            f"the column {column.name!r} has low={column.low} and high={column.high}; low must be below high"
        )
    texts = {"unit": column.unit, "meaning": column.meaning, "direction": column.direction, "dtype": column.dtype}
    values = {name: getattr(column, name) for name in _OPTIONAL_KEYS}
    given = {name: value for name, value in values.items() if value != _OPTIONAL_KEYS[name]}
    given |= {end: float(given[end]) for end in ("low", "high") if end in given}  # somebody's `low=0` is an int
    return json.dumps({**texts, "timing": column.timing, "format": FORMAT, **given}, sort_keys=True)


def _declaration(table: str, field: pa.Field) -> Column:
    try:
        data = json.loads((field.metadata or {})[b"ganbench"])
        given = {name: data.get(name, default) for name, default in _OPTIONAL_KEYS.items()}
        column = Column(field.name, **{name: data[name] for name in _KEYS}, **given)
        texts = (column.meaning, column.unit, column.direction, column.dtype, column.title, column.scale)
        fits = all(isinstance(text, str) for text in texts) and isinstance(column.timing, bool)
        fits = fits and all(type(given[name]) is type(default) for name, default in _OPTIONAL_KEYS.items())
        allowed = column.direction in get_args(Direction) and column.scale in get_args(Scale)
        allowed = allowed and column.low < column.high
        if fits and allowed and data["format"] == FORMAT and _ARROW[column.dtype] == field.type:
            return column
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        pass
    raise SchemaError(f"{table}: the column {field.name!r} has no declaration of ganbench")

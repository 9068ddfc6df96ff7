"""What a results folder may hold: any content in the place of any file, and tables with strange columns and values."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.corruption import _equal, _tables
from tests.faults.prepared import PARTS, other_run, plan, run_folder
from tests.faults.small_run import reseal_run
from tests.faults.throws import OTHER, SAME, Said, Throw, command, refusal

ANY = "refused in one line, or made again; never other numbers"
STRANGE = "the page says what the tables say, or one line refuses them"
RUN = ("run", "small.yaml", "--executor", "local")


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for place, commands in PLACES.items():
        for name, content in CONTENTS.items():
            for words in commands:
                full = f"{name} in the place of {place}, then {' '.join(words)}"
                yield Throw("any content in the place of any file", full, ANY, _replaced(place, content, words), 60)
    for table, kinds in (("runs", RUNS), ("history", HISTORY), ("layers", LAYERS)):
        for name, change in {**COLUMNS[table], **kinds}.items():
            for words in (("report", "RUN"), ("check", "RUN", "--baseline", "one"), ("compare", "RUN", "OTHER")):
                full = f"{table} with {name}, its checksum made anew, then {words[0]}"
                yield Throw("tables with strange columns and values", full, STRANGE, _changed(table, change, words), 60)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    place = random.Random(len(content)).randrange(max(1, len(content)))
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :] if content else b"x"


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a NUL": lambda _: b"\0",
    "half of it": _cut,
    "a flipped bit": _flipped,
    "itself twice": lambda content: content * 2,
    "itself and a line's end": lambda content: content + b"\n",
    "itself, compressed": gzip.compress,
    "an empty JSON mapping": lambda _: b"{}",
    "a JSON null": lambda _: b"null",
    "a JSON number of 5,000 digits": lambda _: b'{"format": ' + b"9" * 5000 + b"}",
    "a JSON NaN": lambda _: b'{"format": NaN}',
    "JSON 5,000 deep": lambda _: b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "text in Latin-1": lambda _: "Größe: ä".encode("latin-1"),
    "another table": lambda _: (run_folder() / "layers.parquet").read_bytes(),
    "the manifest of another run": lambda _: (other_run() / "manifest.json").read_bytes(),
    "a pickle that would write a file": lambda _: b"cos\nsystem\n(S'touch outside/pickled'\ntR.",
    "a picture": lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100),
    "the head of a parquet file": lambda _: b"PAR1" + bytes(8) + b"PAR1",
}


def _places() -> dict[str, tuple[tuple[str, ...], ...]]:
    report, check = ("report", "RUN"), ("check", "RUN", "--baseline", "one")
    watch, go_on = ("watch", "results/small", "--once"), RUN
    places: dict[str, tuple[tuple[str, ...], ...]] = {}
    for name in ("runs.parquet", "history.parquet", "samples.npz", "suite.yaml", "manifest.json"):
        places[f"RUN/{name}"] = (report, go_on)
    for name in ("runs.parquet", "manifest.json"):
        places[f"results/baselines/one/{name}"] = (check,)
    for name in ("runs.parquet", "samples.npz", "part.json"):
        places[f"PART/{name}"] = (go_on,)
    places |= {"results/small/progress.json": (watch, go_on), "results/small/.lock-owner": (go_on,)}
    return places


PLACES = _places()


def _placed(text: str) -> str:
    named = {"RUN": run_folder(), "OTHER": other_run(), "PART": PARTS / plan("small.yaml").trials[0].key}
    head, slash, rest = text.partition("/")
    return f"{named[head]}{slash}{rest}" if head in named else text


def _replaced(place: str, content: Callable[[bytes], bytes], words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        read = Path("results/baselines/one") if "baselines" in place else run_folder()
        before = _tables(read)
        path = Path(_placed(place))
        path.write_bytes(content(path.read_bytes()))
        said = command(*map(_placed, words))
        if Path("outside/pickled").exists():
            return f"{OTHER}: a pickle ran"
        if said.code:
            return refusal(said) if words != RUN else f"{OTHER} ({said.code}): {said.err[-150:]}"
        return SAME if _equal(timeless(_tables(read)), timeless(before)) else f"{OTHER}: accepted"

    return run


def timeless(tables: list[Any]) -> list[Any]:
    """Return a run's tables without what differs where it is trained again."""
    return [tables[0].drop(columns=["seconds", "ms_per_step"]), *tables[1:5], {**tables[5], "failed": []}]


Change = Callable[[pa.Table], pa.Table]


def _changed(table: str, change: Change, words: tuple[str, ...]) -> Callable[[], str]:
    """Change a table of the run, make its checksum anew, and make a real page of it, or hold it to another run."""

    def run() -> str:
        from ganbench.report import page

        real = page.write_report
        path = run_folder() / f"{table}.parquet"
        content = change(pq.read_table(path))
        sink = io.BytesIO()
        pq.write_table(content, sink)
        path.write_bytes(sink.getvalue())
        reseal_run()
        said = command_with(real, *map(_placed, words))
        judged = said.code in ((0, 1, 4) if words[0] == "check" else (0, 1))  # two seeds are too few to tell
        return SAME if judged and not said.err else refusal(said)

    return run


def command_with(write_report: object, *words: str) -> Said:
    """Run a command whose pages are written, as they are not in other throws."""
    from ganbench.report import page

    command("list")  # it puts its own in place first
    page.write_report = write_report  # type: ignore[assignment]
    return _real(*words)


def _real(*words: str) -> Said:
    import contextlib

    from ganbench.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return Said(code, out.getvalue(), err.getvalue())


def _at(table: pa.Table, name: str, values: Callable[[pa.ChunkedArray], Any]) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    made = values(table.column(at))
    return table.set_column(at, field, made if isinstance(made, pa.Array) else pa.array(made, field.type))


def _every(name: str, value: object) -> Change:
    return lambda table: _at(table, name, lambda column: [value] * len(column))


def _first(name: str, value: object) -> Change:
    return lambda table: _at(table, name, lambda column: [value, *column.to_pylist()[1:]])


def _failed(table: pa.Table) -> pa.Table:
    for name in table.column_names:
        if pa.types.is_floating(table.schema.field(name).type):
            table = _every(name, None)(table)
    return _every("status", "FAILED")(table)


def _typed(name: str, kind: pa.DataType) -> Change:
    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index(name)
        field = table.schema.field(at)
        if kind == pa.null() or pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_temporal(kind):
            values = pa.nulls(len(table), kind)
        else:
            values = pa.array(table.column(at).to_pylist()).cast(kind, safe=False)
        return table.set_column(at, pa.field(name, kind, metadata=field.metadata), values)

    return change


def _doubled(name: str) -> Change:
    return lambda t: t.append_column(t.schema.field(name), t.column(name))


def _described(name: str, **changes: object) -> Change:
    """Change what the file declares of a column."""

    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index(name)
        field = table.schema.field(at)
        about = {**json.loads(field.metadata[b"ganbench"]), **changes}
        return table.set_column(at, field.with_metadata({"ganbench": json.dumps(about)}), table.column(at))

    return change


def _columns(number: str, text: str, whole: str) -> dict[str, Change]:
    """Return what may happen to the columns of any table: a number of it, a text and a whole number are given."""
    kinds = {
        "32-bit floats": (number, pa.float32()), "16-bit floats": (number, pa.float16()),
        "texts": (number, pa.string()),
        "decimals": (number, pa.decimal128(38, 10)), "lists": (number, pa.list_(pa.float64())),
        "structs": (number, pa.struct([("a", pa.int8())])), "nulls of no type": (number, pa.null()),
        "times": (number, pa.timestamp("ns")), "dictionaries": (text, pa.dictionary(pa.int32(), pa.string())),
        "large texts": (text, pa.large_string()), "bytes": (text, pa.binary()), "floats": (whole, pa.float64()),
        "32-bit whole numbers": (whole, pa.int32()), "unsigned numbers": (whole, pa.uint64()),
    }  # fmt: skip
    changes: dict[str, Change] = {f"{n} for {name}": _typed(name, kind) for n, (name, kind) in kinds.items()}
    for name in (number, text, whole):
        changes |= {f"no {name}": lambda t, name=name: t.drop_columns([name]), f"{name} twice": _doubled(name)}
        changes[f"{name} renamed"] = lambda t, name=name: t.rename_columns(
            ["x\0<b>" if one == name else one for one in t.column_names]
        )
    odd = {"infinity": np.inf, "minus infinity": -np.inf, "NaN": np.nan, "1e308": 1e308, "-1e308": -1e308, "-0.0": -0.0}
    changes |= {f"{n} in a row of {number}": _first(number, value) for n, value in odd.items()}
    changes |= {f"{n} in every row of {number}": _every(number, value) for n, value in odd.items()}
    return {
        **changes,
        "no rows": lambda t: t.slice(0, 0),
        "one row": lambda t: t.slice(0, 1),
        "its rows turned round": lambda t: t.take(list(range(len(t)))[::-1]),
        "a row twice": lambda t: pa.concat_tables([t, t.slice(0, 1)]),
        "no metadata": lambda t: pa.table(t.to_pydict()),
        "columns turned round": lambda t: t.select(t.column_names[::-1]),
        f"a direction of {number} that is none": _described(number, direction="sideways"),
        f"the other direction of {number}": _described(number, direction="higher"),
        f"markup in the meaning of {number}": _described(number, meaning="</script><img src=x onerror=alert(1)>"),
        f"a range of {number} upside down": _described(number, low=3.0, high=-3.0),
        f"a scale of {number} that is none": _described(number, scale="cubic"),
    }


COLUMNS = {
    "runs": _columns("fid", "loss", "steps"),
    "history": _columns("fid", "run", "step"),
    "layers": _columns("grad_norm", "layer", "step"),
}
BIG = "x" * 1_000_000
RUNS: dict[str, Change] = {
    "a negative seed": _first("seed", -1), "the largest seed": _first("seed", 2**63 - 1),
    "negative steps": _every("steps", -5), "no steps": _every("steps", None),
    "the most steps": _every("steps", 2**63 - 1),
    "a status that is none": _first("status", "GREAT"), "every run diverged": _every("status", "DIVERGED"),
    "every run failed": lambda t: _failed(t), "every run failed and kept its numbers": _every("status",
    "FAILED"), "a divergence before the start": _every("diverged_at", -7),
    "a loss of no letters": _every("loss", ""), "a loss of a million letters": _first("loss", BIG),
    "a loss with markup": _every("loss", "</script><img src=x onerror=alert(1)>"),
    "a loss with line ends": _every("loss", "a\nb\r\n\tc\x1b[31m"), "tricks that are nothing": _every("tricks", None),
    "a data set with a slash": _every("dataset", "../../etc/passwd"), "the same trial for all": _every("trial",
    "0" * 12),
    "an error of a million letters": _every("error", BIG), "versions that are no JSON": _every("versions", "{"),
    "versions that are a list": _every("versions", "[1]"), "versions of text": _every("versions", '{"a": "b"}'),
    "an environment that is no JSON": _every("environment", "nope"),
    "an environment of numbers": _every("environment", "5"),
    "an environment of lists": _every("environment", '{"threads": [1]}'),
    "no samples": _every("n_fake", 0), "negative samples": _every("n_real", -3),
    "another extractor": _every("extractor", "x"),
    "negative seconds": _every("seconds", -1.0), "infinite seconds": _every("seconds", np.inf),
    "no time a step": _every("ms_per_step", 0.0), "a stop before the start": _every("stopped_at", -1),
    "a reason of markup": _every("stop_reason", "<b>"), "a floor of nothing": _every("fid_floor", None),
    "an infinite floor": _every("fid_floor", np.inf),
}  # fmt: skip
HISTORY: dict[str, Change] = {
    "negative steps": lambda t: _at(t, "step", lambda c: [-v for v in c.to_pylist()]),
    "the same step in all rows": _every("step", 5), "a step of 2^63 - 1": _first("step", 2**63 - 1),
    "rows of runs that are none": _every("run", "nobody-1"), "another seed": _every("seed", 99),
    "infinite losses": _every("d_loss", np.inf), "huge losses": _every("g_loss", 1e300),
}  # fmt: skip
LAYERS: dict[str, Change] = {
    "a layer of no letters": _every("layer", ""), "a layer of markup": _every("layer", "<script>"),
    "a network that is none": _every("network", "x"), "a step of 2^63 - 1": _first("step", 2**63 - 1),
}  # fmt: skip

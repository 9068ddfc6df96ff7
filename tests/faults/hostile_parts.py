"""Parts with right checksums and wrong content, and bombs: files that are small and become large."""

from __future__ import annotations

import io
import json
import os
import resource
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.corruption import _tables
from tests.faults.prepared import plan, run_folder
from tests.faults.small_run import RUN, checksum, first_part, reseal_run, same_run
from tests.faults.throws import LOST, OTHER, SLOW, Throw, command, refusal


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, spoil in PARTS_WRONG.items():
        expected = "quarantined, trained again to the same numbers"
        yield Throw("parts with right checksums and wrong content", f"part with {name}", expected, _spoilt(spoil))
    for name, bomb in BOMBS.items():
        yield Throw("bombs", name, "one line, exit 2, within 5 s and 1 GiB", _bombed(bomb))


def _column(table: str, name: str, values: Callable[[pa.Array], pa.Array]) -> Callable[[Path], None]:
    def spoil(part: Path) -> None:
        path = part / f"{table}.parquet"
        content = pq.read_table(path)
        at = content.schema.get_field_index(name)
        field = content.schema.field(at)
        pq.write_table(content.set_column(at, field, values(content.column(at))), path)

    return spoil


def _npz(
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], pickles: bool = False
) -> Callable[..., None]:
    def spoil(part: Path) -> None:
        with np.load(part / "samples.npz") as arrays:
            kept = {name: arrays[name] for name in arrays}
        with zipfile.ZipFile(part / "samples.npz", "w") as archive:
            for name, array in change(kept).items():
                member = io.BytesIO()
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=pickles)
                archive.writestr(f"{name}.npy", member.getvalue())

    return spoil


def _nulls(column: pa.Array) -> pa.Array:
    return pa.nulls(len(column), column.type)


def _without(name: str) -> Callable[[Path], None]:
    def spoil(part: Path) -> None:
        path = part / "runs.parquet"
        pq.write_table(pq.read_table(path).drop_columns([name]), path)

    return spoil


def _rewritten(table: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def spoil(part: Path) -> None:
        path = part / f"{table}.parquet"
        pq.write_table(change(pq.read_table(path)), path)

    return spoil


PARTS_WRONG: dict[str, Callable[[Path], object]] = {
    **{f"null {name}s in {table}": _column(table, name, _nulls) for table in ("runs", "history", "layers")
       for name in ("run", "trial", "seed")},
    **{f"null {name}es in runs": _column("runs", name, _nulls) for name in ("status",)},
    **{f"null steps in {table}": _column(table, "step", _nulls) for table in ("history", "layers")},
    "another status": _column("runs", "status", lambda c: pa.array(["GREAT"] * len(c))),
    "failed runs": _column("runs", "status", lambda c: pa.array(["FAILED"] * len(c))),
    "other seeds": _column("runs", "seed", lambda c: pa.array([99 + i for i in range(len(c))], pa.int64())),
    "other runs": _column("runs", "run", lambda c: pa.array([f"x-{i}" for i in range(len(c))])),
    "rows of other runs in history": _column("history", "run", lambda c: pa.array(["x-1"] * len(c))),
    "no column of seeds": _without("seed"),
    "a run twice": _rewritten("runs", lambda t: pa.concat_tables([t, t])),
    "no runs": _rewritten("runs", lambda t: t.slice(0, 0)),
    "columns that nobody declared": _rewritten("history", lambda t: t.append_column("x", pa.nulls(len(t)))),
    "pickled arrays": _npz(lambda a: {**a, "real": np.array([{}], dtype=object)}, pickles=True),
    "pictures without samples": _npz(lambda a: {n: v for n, v in a.items() if n != "samples"}),
    "pictures without steps": _npz(lambda a: {n: v for n, v in a.items() if n != "steps"}),
    "no pictures": _npz(lambda _: {}),
    "pictures of fewer seeds": _npz(lambda a: {**a, "samples": a["samples"][:, :1]}),
    "pictures of fewer steps": _npz(lambda a: {**a, "steps": a["steps"][:-1]}),
    "pictures of text": _npz(lambda a: {**a, "real": np.array(["x"])}),
    "more pictures than belong there": _npz(lambda a: {**a, **{f"x{i}": a["steps"] for i in range(40)}}),
    "no zip": lambda part: (part / "samples.npz").write_bytes(b"PK\x05\x06" + bytes(18)) and None,
}  # fmt: skip


def _spoilt(spoil: Callable[[Path], object]) -> Callable[[], str]:
    def run() -> str:
        before = _tables(run_folder())
        spoil(first_part())
        about = json.loads((first_part() / "part.json").read_text())
        about["sha256"] = {n: checksum(first_part() / n, about["sha256"][n]) for n in about["sha256"]}
        (first_part() / "part.json").write_text(json.dumps(about))
        said = command(*RUN)
        if said.code:
            return f"{LOST} ({said.code}): {said.err.strip()[:150]}"
        return same_run(before)

    return run


def _claims_13_gb() -> None:
    path = run_folder() / "samples.npz"
    trial = plan("small.yaml").trials[0].id
    shape = (13 * 2**30 // 2 // 4096, 2, 2048)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("steps", "real"):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.zeros(shape[0], np.int64)[: shape[0] if name == "steps" else 3])
            archive.writestr(f"{trial}/{name}.npy", member.getvalue())
        archive.writestr(f"{trial}/samples.npy", header.getvalue() + bytes(200_000_000))
    reseal_run()


def _members() -> None:
    trial = plan("small.yaml").trials[0].id
    with zipfile.ZipFile(run_folder() / "samples.npz", "w") as archive:
        for i in range(200_000):
            archive.writestr(zipfile.ZipInfo(f"{trial}{i}/steps.npy"), b"")
    reseal_run()


def _rows(table: str) -> Callable[[], None]:
    def bomb() -> None:
        path = run_folder() / f"{table}.parquet"
        content = pq.read_table(path)
        rows = content.slice(0, 1).take(pa.array(np.zeros(3_000_000, np.int64)))
        pq.write_table(rows, path)
        reseal_run()

    return bomb


def _deep(where: Path, text: str) -> Callable[[], None]:
    def bomb() -> None:
        path = run_folder() / where if where.name == "manifest.json" else where
        path.write_text(text)

    return bomb


def _sparse(name: str) -> Callable[[], None]:
    def bomb() -> None:
        os.truncate(run_folder() / name, 2**40)

    return bomb


BOMBS: dict[str, Callable[[], None]] = {
    "an npz that claims 13 GB": _claims_13_gb,
    "an npz of 200,000 members": _members,
    **{f"3,000,000 equal rows in {table}": _rows(table) for table in ("runs", "history", "layers")},
    "a manifest 200,000 deep": _deep(Path("manifest.json"), "[" * 200_000),
    "a manifest 200,000 mappings deep": _deep(Path("manifest.json"), '{"a":' * 200_000 + "1" + "}" * 200_000),
    "a manifest of 100 MB": _deep(Path("manifest.json"), '{"a": "' + "x" * 100_000_000 + '"}'),
    **{f"1 TB of nothing in {name}": _sparse(name) for name in ("runs.parquet", "samples.npz", "suite.yaml")},
}


def _bombed(bomb: Callable[[], None]) -> Callable[[], str]:
    def run() -> str:
        bomb()
        at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        said = command("report", str(run_folder()))
        seconds = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_first) >> 10
        if seconds > 5 or grown > 1024:
            return f"{SLOW}: {seconds:.0f} s, {grown} MiB"
        return refusal(said, (2,)) if said.code else OTHER

    return run

"""Links, pipes and folders in the place of files, edited manifests, wrong parts, bombs, and two commands at once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.corruption import _equal, _tables, sealed_by_anyone
from tests.faults.prepared import PARTS, plan, run_folder
from tests.faults.throws import LOST, OTHER, OUTSIDE, SAME, SLOW, Throw, command, refusal, watched_outside

REFUSED = "refused in one line, or made again; nothing outside is touched"
RUN = ("run", "small.yaml", "--executor", "local")


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for place, commands in PLACES.items():
        for trap in TRAPS:
            for words in commands:
                name = f"{trap} at {place}, then {' '.join(words)}"
                yield Throw("links, pipes and folders", name, REFUSED, _trapped(place, trap, words))
    for name, edit in MANIFESTS.items():
        for after in (RUN, ("report", "RUN"), ("check", "RUN", "--baseline", "one")):
            for sealed in (True, False):
                mark = "its checksum made anew" if sealed else "its checksum left"
                full = f"manifest with {name}, {mark}, then {after[0]}"
                yield Throw("edited manifests", full, "one line, or written anew", _edited(edit, sealed, after))
    for name, spoil in PARTS_WRONG.items():
        expected = "quarantined, trained again to the same numbers"
        yield Throw("parts with right checksums and wrong content", f"part with {name}", expected, _spoilt(spoil))
    for name, bomb in BOMBS.items():
        yield Throw("bombs", name, "one line, exit 2, within 5 s and 1 GiB", _bombed(bomb))
    for name, act in TWO.items():
        yield Throw("two at once", name, "both keep their rows, or one is refused in one line", act)


ROOT_NAMES = ("parts", "checkpoints", "quarantine", ".lock-owner")


def _places() -> dict[str, tuple[tuple[str, ...], ...]]:
    save = ("baseline", "save", "RUN", "--as", "one", "--replace")
    promote, check = ("baseline", "promote", "two", "--to", "one"), ("check", "RUN", "--baseline", "one")
    report, watch = ("report", "RUN"), ("watch", "results/small", "--once")
    places: dict[str, tuple[tuple[str, ...], ...]] = {
        f"results/small/{name}": (RUN,) for name in ("parts", "checkpoints", "quarantine", ".lock-owner")
    }
    places |= {"results/small": (RUN, watch), "results/small/.lock": (RUN,)}
    places |= {"results/small/progress.json": (RUN, watch), "PART": (RUN,), "PART/runs.parquet": (RUN, watch)}
    places |= {"PART/samples.npz": (RUN,), "PART/part.json": (RUN,), "PART.failed.json": (RUN,)}
    places |= {"CHECKPOINT": (RUN,), "RUN": (RUN, report)}
    for name in ("runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "suite.yaml", "manifest.json"):
        places[f"RUN/{name}"] = (RUN, report)
    places |= {"results/baselines/one": (save, promote, check), "results/baselines/one/runs.parquet": (save, check)}
    places |= {"results/baselines/one/manifest.json": (save, promote, check), "results/baselines/.lock": (save,)}
    places["results/baselines/speed.json"] = (("check", "--speed"), ("check", "--speed", "--save"))
    return places


PLACES = _places()


def _link_out(path: Path) -> None:
    folder = path.suffix == "" and not path.name.startswith(".lock")
    _cleared(path).symlink_to(Path("outside/folder" if folder else "outside/file").absolute())


def _link_to_its_own(path: Path) -> None:
    """Leave a link to what was there, which now lies outside."""
    kept = Path("outside/kept").absolute()
    if path.exists():
        path.rename(kept)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("kept")
    path.symlink_to(kept)


def _dangling(path: Path) -> None:
    _cleared(path).symlink_to(Path("outside/nothing").absolute())


def _pipe(path: Path) -> None:
    os.mkfifo(_cleared(path))


def _folder(path: Path) -> None:
    """Leave a folder in the place of a file, and a file in that of a folder."""
    was_folder = path.is_dir() or path.suffix == ""
    if was_folder and not path.name.startswith(".lock"):
        _cleared(path).write_text("a file")
    else:
        _cleared(path).mkdir()
        (path / "something").write_text("x")


def _cleared(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


TRAPS: dict[str, Callable[[Path], None]] = {
    "link outside": _link_out,
    "link to what was there": _link_to_its_own,
    "dangling link": _dangling,
    "pipe": _pipe,
    "folder or file": _folder,
}


def _placed(text: str) -> str:
    key = plan("small.yaml").trials[0].key
    named = {"RUN": str(run_folder()), "PART": str(PARTS / key), "CHECKPOINT": f"results/small/checkpoints/{key}.pt"}
    for name, path in named.items():
        if text == name or text.startswith((f"{name}/", f"{name}.")):
            return path + text[len(name) :]
    return text


def _trapped(place: str, trap: str, words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        from ganbench.check import speed

        speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
        before = _tables(run_folder())
        TRAPS[trap](Path(_placed(place)))
        with watched_outside(Path.cwd()) as touched:
            said = command(*map(_placed, words))
        if touched:
            return f"{OUTSIDE}: {touched[:3]}"
        if said.code:
            return refusal(said)
        return _same_run(before) if words == RUN else SAME

    return run


def _same_run(before: list[object]) -> str:
    now = _tables(run_folder())
    times = ["seconds", "ms_per_step"]  # of a trial that was trained again
    for tables in (now, before):
        tables[0] = tables[0].drop(columns=times)  # type: ignore[union-attr]
        tables[5] = {**tables[5], "failed": []}  # type: ignore[dict-item]
    return SAME if _equal(now, before) else OTHER


MANIFESTS: dict[str, Callable[[dict[str, object]], object]] = {
    "nothing in it": lambda _: {},
    "a list": lambda _: [],
    "retries of text": lambda m: {**m, "retries": {"a": "b"}},
    "retries null": lambda m: {**m, "retries": None},
    "negative retries": lambda m: {**m, "retries": {"a": -1}},
    "times of numbers": lambda m: {**m, "times": {"started": 1}},
    "no times": lambda m: {n: v for n, v in m.items() if n != "times"},
    "an environment that is a list": lambda m: {**m, "environment": [1]},
    "an environment with surrogates": lambda m: {**m, "environment": {"cpu": "\udc80", "git": None}},
    "git of numbers": lambda m: {**m, "environment": {"git": {"commit": 1}}},
    "components null": lambda m: {**m, "components": None},
    "seeds of text": lambda m: {**m, "seeds": ["a"]},
    "a suite with surrogates": lambda m: {**m, "suite": "\udc80\ud800"},
    "another format": lambda m: {**m, "format": 99},
    "counts of infinity": lambda m: {**m, "counts": {"trials": float("inf")}},
    "failed with surrogates": lambda m: {**m, "failed": [{"trial": "x", "error": "\udcff"}]},
    "skipped of numbers": lambda m: {**m, "skipped": [5]},
    "a baseline of text": lambda m: {**m, "baseline": "yes"},
    "a monitor of text": lambda m: {**m, "monitor": "yes"},
    "files of numbers": lambda m: {**m, "files": {"runs.parquet": 3}},
    "files that lead outside": lambda m: {**m, "files": {"../../outside/file": "0" * 64}},
    "no files": lambda m: {n: v for n, v in m.items() if n != "files"},
}


def _edited(edit: Callable[[dict[str, object]], object], sealed: bool, words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        before = _tables(run_folder())
        path = run_folder() / "manifest.json"
        data = edit(json.loads(path.read_text()))
        if sealed and isinstance(data, dict):
            sealed_by_anyone(path, data)
        else:
            path.write_text(json.dumps(data))
        with watched_outside(Path.cwd()) as touched:
            said = command(*map(_placed, words))
        if touched:
            return f"{OUTSIDE}: {touched[:3]}"
        if said.code:
            return refusal(said) if words != RUN else f"{LOST}: {said.err.strip()[:150]}"
        return SAME if words != RUN or _equal(_tables(run_folder())[:5], before[:5]) else OTHER

    return run


def _part() -> Path:
    return PARTS / plan("small.yaml").trials[0].key


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
        spoil(_part())
        about = json.loads((_part() / "part.json").read_text())
        about["sha256"] = {n: _checksum(_part() / n, about["sha256"][n]) for n in about["sha256"]}
        (_part() / "part.json").write_text(json.dumps(about))
        said = command(*RUN)
        if said.code:
            return f"{LOST} ({said.code}): {said.err.strip()[:150]}"
        return _same_run(before)

    return run


def _checksum(path: Path, known: str) -> str:
    """Return a file's checksum in the form that is known: the digest, with the length behind it or without."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest() + (f" {len(content)}" if " " in known else "")


def _reseal_run() -> None:
    """Give the run's files right checksums, where this ganbench has such."""
    path = run_folder() / "manifest.json"
    about = json.loads(path.read_text())
    if "files" in about:
        about["files"] = {n: _checksum(run_folder() / n, about["files"][n]) for n in about["files"]}
        sealed_by_anyone(path, about)


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
    _reseal_run()


def _members() -> None:
    trial = plan("small.yaml").trials[0].id
    with zipfile.ZipFile(run_folder() / "samples.npz", "w") as archive:
        for i in range(200_000):
            archive.writestr(zipfile.ZipInfo(f"{trial}{i}/steps.npy"), b"")
    _reseal_run()


def _rows(table: str) -> Callable[[], None]:
    def bomb() -> None:
        path = run_folder() / f"{table}.parquet"
        content = pq.read_table(path)
        rows = content.slice(0, 1).take(pa.array(np.zeros(3_000_000, np.int64)))
        pq.write_table(rows, path)
        _reseal_run()

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


def _children(*acts: Callable[[], int]) -> list[int]:
    """Run functions side by side in processes of their own; return their exit codes."""
    children = []
    for act in acts:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = act()
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _two_runs() -> str:
    before = _tables(run_folder())
    shutil.rmtree(PARTS)
    codes = _children(*[lambda: command(*RUN).code] * 2)
    if sorted(codes) not in ([0, 2], [0, 0]):
        return f"{LOST}: exit codes {codes}"
    return _same_run(before)


def _check_and_run() -> str:
    before = _tables(run_folder())
    shutil.rmtree(PARTS)
    check = ("check", "small.yaml", "--baseline", "one", "--executor", "local")
    codes = _children(lambda: command(*RUN).code, lambda: command(*check).code)
    if codes not in ([0, 0], [0, 2], [2, 0]):
        return f"{LOST}: exit codes {codes}"
    return _same_run(before)


def _two_monitors(existing: bool) -> Callable[[], str]:
    def run() -> str:
        from ganbench.monitor.folder import Folder

        if existing:
            Path("watched").mkdir()
        folders = {Folder(Path("watched")).path for _ in range(5)}
        return SAME if len(folders) == 5 else f"{LOST}: {len(folders)} folders for five monitors"

    return run


def _monitors_of_processes() -> str:
    from ganbench.monitor.folder import Folder

    def one(i: int) -> Callable[[], int]:
        def act() -> int:
            Path(f"took-{i}").write_text(str(Folder(Path("watched")).path))
            return 0

        return act

    _children(*(one(i) for i in range(8)))
    taken = {path.read_text() for path in Path().glob("took-*")}
    return SAME if len(taken) == 8 else f"{LOST}: {len(taken)} folders for eight monitors"


def _reports_during_merges() -> str:
    def merges() -> int:
        for i in range(12):
            if command(*RUN, "--set", f"description=words {i}").code:
                return 1
        return 0

    def reports() -> int:
        return max(command("report", str(run_folder())).code for _ in range(12))

    codes = _children(merges, reports, reports)
    return SAME if codes == [0, 0, 0] else f"{LOST}: exit codes {codes}"


def _saves() -> str:
    def save(*words: str) -> Callable[[], int]:
        return lambda: max(command(*words).code for _ in range(8))

    from ganbench.check.baselines import find

    again = [save("baseline", "save", str(run_folder()), "--as", "one", "--replace")] * 2
    codes = _children(*again, save("baseline", "promote", "two", "--to", "one"))
    find("one", Path("results/baselines"))
    return SAME if set(codes) <= {0, 2} else f"{LOST}: exit codes {codes}"


TWO: dict[str, Callable[[], str]] = {
    "two runs of a suite": _two_runs,
    "a check and a run": _check_and_run,
    "five monitors in one process": _two_monitors(False),
    "five monitors in one empty folder": _two_monitors(True),
    "eight monitors in eight processes": _monitors_of_processes,
    "reports during merges": _reports_during_merges,
    "baselines saved and promoted at once": _saves,
}

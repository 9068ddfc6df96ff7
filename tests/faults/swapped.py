"""Whole files in the place of others of their kind, and copies by hard links: a right checksum says not whose it is."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.corruption import _image_bytes, _images_file, _tables
from tests.faults.prepared import PARTS, other_run, plan, run_folder
from tests.faults.small_run import RUN, same_run
from tests.faults.throws import NOTICED, OTHER, OUTSIDE, SAME, Throw, command, refusal

EXPECTED = "noticed in one line, or made again; never other numbers"
UNTOUCHED = "the command does what it does, and the copy stays as it was"
TABLES = ("runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "suite.yaml", "manifest.json")
READERS: dict[str, tuple[str, ...]] = {
    "report": ("report", "RUN"),
    "check": ("check", "RUN", "--baseline", "one"),
    "compare": ("compare", "RUN", "results/baselines/two"),
    "export": ("export", "RUN", "--figures", "none", "--tables", "csv"),
    "json": ("report", "RUN", "--json"),
    "run": RUN,
}
WRITERS: dict[str, tuple[str, ...]] = {
    "run": RUN,
    "run anew": (*RUN, "--set", "description=words"),
    "run more": (*RUN, "--set", "seeds=3"),
    "run other": ("run", "other.yaml", "--executor", "local"),
    "report": ("report", "RUN"),
    "save": ("baseline", "save", "RUN", "--as", "two", "--replace"),
    "promote": ("baseline", "promote", "two", "--to", "one"),
    "speed": ("check", "--speed", "--save"),
    "check": ("check", "small.yaml", "--baseline", "one", "--executor", "local"),
    "watch": ("watch", "results/small", "--once"),
    "cure": ("cure", "small.yaml", "--executor", "local", "--seeds", "1", "--only", "loss=hinge"),
    "export": ("export", "RUN", "--figures", "none"),
}


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name in TABLES:
        for reader, words in READERS.items():
            full = f"{name} of another run, then {reader}"
            yield Throw("files of others", full, EXPECTED, _of_another_run((name,), words))
    for reader, words in READERS.items():
        full = f"all files but the manifest of another run, then {reader}"
        yield Throw("files of others", full, EXPECTED, _of_another_run(TABLES[:-1], words))
    for name, act in OTHERS.items():
        yield Throw("files of others", name, EXPECTED, act)
    for name, words in WRITERS.items():
        yield Throw("copies by hard links", f"a copy by hard links, then {name}", UNTOUCHED, _copied(words), 120)


def _placed(words: tuple[str, ...]) -> list[str]:
    return [str(run_folder()) if word == "RUN" else word for word in words]


def _of_another_run(names: tuple[str, ...], words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        before, usual = _tables(run_folder()), command(*_placed(words))
        for name in names:
            shutil.copy2(other_run() / name, run_folder() / name)
        said = command(*_placed(words))
        if words == RUN:
            return f"{OTHER} ({said.code}): {said.err[-150:]}" if said.code else same_run(before)
        if said.code not in (0, usual.code) or (said.code and said.out != usual.out):
            return refusal(said)
        return SAME if said.out == usual.out else f"{OTHER}: {said.out[:100]}"

    return run


def _images_of_others() -> str:
    """Let the images of another folder, of equal number and size, have the name of this folder's."""
    before = _image_bytes()
    names = set(_images_file().parent.iterdir())
    shutil.move("data/images", "data/kept")
    shutil.copytree("data/kept", "data/images")
    for path in Path("data/images/all").iterdir():
        path.write_bytes(Path("data/kept/all", f"{9 - int(path.stem)}.png").read_bytes())
    others = _image_bytes()
    new = sorted(set(_images_file().parent.iterdir()) - names, key=lambda path: path.stat().st_mtime)
    old = sorted(names, key=lambda path: path.stat().st_mtime)
    for mine, other in zip(old, new, strict=True):
        shutil.copy(other, mine)
    shutil.rmtree("data/images")
    shutil.move("data/kept", "data/images")
    return SAME if before != others and _image_bytes() == before else OTHER


def _weights_of_others() -> str:
    """Let a classifier of another recipe, which is as good, have the name of this one's weights."""
    import torch

    from ganbench.core.results_files import with_checksum
    from ganbench.extractors import _trained
    from ganbench.extractors.digits import Digits

    before = _trained.kept_weights(Digits(), None)
    content = io.BytesIO()
    torch.save({name: 1.001 * one for name, one in before.items()}, content)
    try:
        sealed = with_checksum(content.getvalue(), "digits-0123456789abcdef.pt")
    except TypeError:  # of a version whose files do not say what they are called
        sealed = with_checksum(content.getvalue())
    Digits().cache_file().write_bytes(sealed)
    read = _trained._read(Digits().cache_file(), Digits.shapes)
    return SAME if read is None else OTHER  # it is trained anew, to the same bits


def _parts_exchanged() -> str:
    before, (first, second) = _tables(run_folder()), [trial.key for trial in plan("small.yaml").trials]
    (PARTS / first).rename(PARTS / "aside")
    (PARTS / second).rename(PARTS / first)
    (PARTS / "aside").rename(PARTS / second)
    said = command(*RUN)
    return refusal(said) if said.code else same_run(before)


def _tables_of_another_part() -> str:
    before, (first, second) = _tables(run_folder()), [trial.key for trial in plan("small.yaml").trials]
    for path in (PARTS / second).iterdir():
        if path.name != "part.json":
            shutil.copy(path, PARTS / first / path.name)
    said = command(*RUN)
    return refusal(said) if said.code else same_run(before)


def _failure_of_another() -> str:
    from ganbench.core.status import Status
    from ganbench.tables.part_store import read_failure, write_failure

    first, second = (trial.key for trial in plan("small.yaml").trials)
    write_failure(Path("work"), first, Status.FAILED, "its own")
    shutil.copy(f"work/parts/{first}.failed.json", f"work/parts/{second}.failed.json")
    return SAME if read_failure(Path("work"), second) is None else OTHER


def _checkpoint_of_another() -> str:
    from tests.engine import Trainer, TrialJob

    first, second = plan("small.yaml").trials
    shutil.copy(f"work/checkpoints/{first.key}.pt", f"work/checkpoints/{second.key}.pt")
    trainer, whole = TrialJob(second, second.key, Path("work").absolute()).trainer(), Trainer(second)
    for one in (trainer, whole):
        one.advance(float("inf"))
    return SAME if trainer.tables().history.equals(whole.tables().history) else OTHER


def _runs_exchanged() -> str:
    """Two whole runs change their names: each is what its own manifest says, and running the suite makes its own."""
    before = _tables(run_folder())
    run_folder().rename("aside")
    other_run().rename(run_folder())
    Path("aside").rename(other_run())
    said = command(*RUN)
    return refusal(said) if said.code else same_run(before)


def _baselines_exchanged() -> str:
    """The files of one baseline but its manifest lie in another one."""
    for name in ("runs.parquet", "history.parquet", "layers.parquet", "suite.yaml"):
        shutil.copy(f"results/baselines/two/{name}", f"results/baselines/one/{name}")
    return refusal(command("check", str(run_folder()), "--baseline", "one"), (3,))


def _copied(words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        from ganbench.check import speed

        speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
        command("check", "--speed", "--save")
        command("report", str(run_folder()))
        for folder in ("results", "cache", "data"):
            shutil.copytree(folder, Path("outside") / folder, copy_function=os.link)
        looks = _looks()
        usual = command(*_placed(words))
        if usual.code not in (0, 1, 2, 4) or "Traceback" in usual.err:
            return refusal(usual)
        changed = [name for name, look in _looks().items() if looks.get(name) != look]
        return f"{OUTSIDE}: {changed[:3]}" if changed else NOTICED if usual.code else SAME

    return run


def _looks() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("outside").rglob("*") if path.is_file()}


OTHERS: dict[str, Callable[[], str]] = {
    "images of another folder in the cache": _images_of_others,
    "weights of another recipe in the cache": _weights_of_others,
    "two parts that change their names": _parts_exchanged,
    "tables of another part": _tables_of_another_part,
    "the failure of another trial": _failure_of_another,
    "the checkpoint of another trial": _checkpoint_of_another,
    "two runs that change their names": _runs_exchanged,
    "tables of another baseline": _baselines_exchanged,
}

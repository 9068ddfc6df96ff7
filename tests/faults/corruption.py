"""Flipped bits and cuts in every file that is read back: noticed in one line or made again, and never other numbers."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from tests.faults.prepared import PARTS, plan, run_folder
from tests.faults.throws import NOTICED, OTHER, SAME, Throw, command, refusal

EXPECTED = "noticed in one line, or made again; never other numbers"
TABLES = ("runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "suite.yaml", "manifest.json")


def damage(path: Path, chosen: random.Random) -> str:
    """Flip a bit of a file or cut it; return what was done."""
    data = bytearray(path.read_bytes())
    place = chosen.randrange(len(data))
    if chosen.random() < 0.2:
        path.write_bytes(data[:place])
        return f"cut at {place}"
    bit = chosen.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {place}.{bit}"


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    kinds: list[tuple[str, int, Callable[[], Path], Callable[..., str]]] = [
        ("checkpoint", 60, lambda: next(Path("work/checkpoints").glob("*.pt")), _go_on),
        *((f"merged {name}", 15, lambda name=name: run_folder() / name, _load) for name in TABLES),
        ("part", 20, lambda: _one(sorted(PARTS.glob("[0-9a-f]*/*"))), _run),
        ("failure record", 15, lambda: next(Path("work/parts").glob("*.failed.json")), _failure),
        ("progress.json", 30, lambda: Path("results/small/progress.json"), _watch),
        ("speed.json", 30, _speed_file, _speed),
        *((f"baseline's {name}", 15, lambda name=name: Path("results/baselines/one") / name, _check) for name in BASE),
        ("cached images", 30, _images_file, _images),
        ("cached classifier", 20, _classifier_file, _classifier),
    ]
    for kind, count, path, after in kinds:
        for i in range(count):
            yield Throw(f"corruption: {kind}", f"corruption {kind} {i}", EXPECTED, _thrown(kind, i, path, after))


BASE = ("runs.parquet", "suite.yaml", "manifest.json")


def _thrown(kind: str, i: int, path: Callable[[], Path], after: Callable[..., str]) -> Callable[[], str]:
    def run() -> str:
        global _chosen
        _chosen = random.Random(f"{kind} {i}")
        before = _reference[after]() if after in _reference else None
        damage(path(), _chosen)
        return after() if before is None else after(before)  # type: ignore[call-arg]

    return run


_chosen = random.Random(0)


def _one(paths: list[Path]) -> Path:
    return _chosen.choice(paths)


def _tables(path: Path) -> list[object]:
    from ganbench.tables.results import load

    results = load(path)
    pictures = [results.samples[trial] for trial in sorted(results.samples)]
    about = results.manifest.model_dump(exclude={"times", "files", "environment"})
    return [results.runs, results.history, results.layers, pictures, results.suite, about]


def _equal(one: list[object], other: list[object]) -> bool:
    frames = all(a.equals(b) for a, b in zip(one[:3], other[:3], strict=True) if isinstance(a, pd.DataFrame))
    pictures = str([{k: v.tobytes() for k, v in p.items()} for p in one[3]]) == str(  # type: ignore[union-attr]
        [{k: v.tobytes() for k, v in p.items()} for p in other[3]]  # type: ignore[union-attr]
    )
    return frames and pictures and one[4:] == other[4:]


def _load(before: list[object]) -> str:
    said = command("report", str(run_folder()))
    if said.code:
        return refusal(said)
    return SAME if _equal(_tables(run_folder()), before) else OTHER


def _run(before: list[object]) -> str:
    said = command("run", "small.yaml", "--executor", "local")
    if said.code:
        return refusal(said)
    now = _tables(run_folder())
    times = ["seconds", "ms_per_step"]  # of a trial that was trained again
    for tables in (now, before):
        tables[0] = tables[0].drop(columns=times)  # type: ignore[union-attr]
    return SAME if _equal(now, before) else OTHER


def _go_on() -> str:
    from tests.engine import TrialJob

    trial = plan("small.yaml").trials[0]
    trainer = TrialJob(trial, trial.key, Path("work").absolute()).trainer()
    trainer.advance(float("inf"))
    return SAME if trainer.tables().history.equals(_uninterrupted()) else OTHER


def _uninterrupted() -> pd.DataFrame:
    from tests.engine import Trainer

    whole = Trainer(plan("small.yaml").trials[0])
    whole.advance(float("inf"))
    return whole.tables().history


def _failure() -> str:
    from ganbench.tables.part_store import read_failure

    failure = read_failure(Path("work"), plan("small.yaml").trials[0].key)
    return NOTICED if failure is None else SAME if failure["error"] == "not finished" else OTHER


def _watch(before: str) -> str:
    said = command("watch", "results/small", "--once")
    if said.code:
        return refusal(said)
    told = "cannot be read" in said.out
    return SAME if said.out == before else NOTICED if told else OTHER


def _speed_file() -> Path:
    path = Path("results/baselines/speed.json")
    _measured(3.0)
    assert command("check", "--speed", "--save").code == 0
    return path


def _measured(ratio: float) -> None:
    from ganbench.check import speed

    speed.measure = lambda *_, **__: speed.Speed(ratio, 0.001, 15)


def _speed() -> str:
    _measured(3.0)
    said = command("check", "--speed")
    if said.code:
        return refusal(said)
    return SAME if "3.000 before" in said.out else OTHER


def _check(before: str) -> str:
    said = command("check", str(run_folder()), "--baseline", "one", "--json")
    if said.code:
        return refusal(said)
    return SAME if said.out == before else OTHER


def _images_file() -> Path:
    _image_bytes()
    return _one(sorted(Path("cache/ganbench/images").glob("*.npy")))


def _image_bytes() -> bytes:
    import torch

    from ganbench.datasets._bytes import ByteImages
    from ganbench.datasets.image_folder import ImageFolder

    os.environ["GANBENCH_DATA"] = str(Path("data").absolute())
    loaded = ImageFolder(size=8).load(torch.device("cpu"))
    assert isinstance(loaded, ByteImages)
    return loaded.rows.numpy().tobytes() + loaded.held.numpy().tobytes()


def _images(before: bytes) -> str:
    return SAME if _image_bytes() == before else OTHER


def _classifier_file() -> Path:
    return next(Path("cache/ganbench").glob("digits-*.pt"))


def _classifier(before: dict[str, np.ndarray]) -> str:
    from ganbench.extractors import _trained
    from ganbench.extractors.digits import Digits

    read = _trained._read(_classifier_file(), Digits.shapes)
    if read is None:
        return SAME  # it is trained anew, to the same bits
    return SAME if all(np.array_equal(before[name], weights.numpy()) for name, weights in read.items()) else OTHER


def _weights() -> dict[str, np.ndarray]:
    from ganbench.extractors import _trained
    from ganbench.extractors.digits import Digits

    weights = _trained.kept_weights(Digits(), None)
    return {name: tensor.numpy() for name, tensor in weights.items()}


_reference: dict[Callable[..., str], Callable[[], object]] = {
    _load: lambda: _tables(run_folder()),
    _run: lambda: _tables(run_folder()),
    _watch: lambda: command("watch", "results/small", "--once").out,
    _check: lambda: command("check", str(run_folder()), "--baseline", "one", "--json").out,
    _images: lambda: _image_bytes(),
    _classifier: _weights,
}


def sealed_by_anyone(path: Path, data: dict[str, object]) -> None:
    """Write JSON with a right checksum, where this ganbench has such."""
    try:
        from ganbench.core.results_files import json_bytes
    except ImportError:
        path.write_text(json.dumps(data))
    else:
        path.write_bytes(json_bytes(data))

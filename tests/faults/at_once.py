"""Commands that run side by side in one folder: each does what it would do alone, or one is refused in one line."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.corruption import _equal, _tables
from tests.faults.prepared import PARTS, run_folder
from tests.faults.small_run import RUN, same_run
from tests.faults.throws import LOST, NOTICED, OTHER, SAME, Said, Throw, command, refusal
from tests.faults.two_at_once import side_by_side

EXPECTED = "each does what it would do alone, or one is refused in one line"
SECONDS = 120
LOCAL = ("--executor", "local")
OTHER_RUN = ("run", "other.yaml", *LOCAL)
ANEW = (*RUN, "--set", "description=words")
CHECK = ("check", "small.yaml", "--baseline", "one", *LOCAL)
CURE = ("cure", "small.yaml", *LOCAL, "--seeds", "2", "--only", "loss=hinge")
SAVE = ("baseline", "save", "RUN", "--as", "one", "--replace")
EXPORT = ("export", "RUN", "--figures", "none")
# Two commands, whether the parts are there before, and how often each is called.
PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool, int]] = {
    "a run and a report": (RUN, ("report", "RUN"), False, 1),
    "a run that merges and a report": (ANEW, ("report", "RUN"), True, 6),
    "a run that merges and an export": (ANEW, EXPORT, True, 6),
    "a run that merges and a comparison": (ANEW, ("compare", "RUN", "results/baselines/two"), True, 6),
    "a run that merges and a baseline that is saved": (ANEW, SAVE, True, 6),
    "a run that merges and a check against its run": (ANEW, ("check", "RUN", "--baseline", "one"), True, 4),
    "a run and a watch": (RUN, ("watch", "results/small", "--once"), False, 3),
    "a run and a cure": (RUN, CURE, False, 1),
    "two cures": (CURE, CURE, True, 1),
    "two checks": (CHECK, CHECK, False, 1),
    "two runs of other plans": (RUN, OTHER_RUN, False, 1),
    "two runs with other seeds": (RUN, (*RUN, "--set", "seeds=3"), False, 1),
    "two runs by other paths": (RUN, (*RUN, "--results", "linked"), False, 1),
    "two reports": (("report", "RUN"), ("report", "RUN"), True, 4),
    "two exports": (EXPORT, EXPORT, True, 4),
    "two baselines of one name": (SAVE, SAVE, True, 4),
    "two new baselines of one name": (("baseline", "save", "RUN", "--as", "three"),) * 2 + (True, 1),  # type: ignore[dict-item]
    "two baselines of two names": (("baseline", "save", "RUN", "--as", "a"), ("baseline", "save", "RUN", "--as", "b"), True, 1),
    "a baseline saved and promoted": (SAVE, ("baseline", "promote", "two", "--to", "one"), True, 4),
    "a baseline promoted and checked": (("baseline", "promote", "two", "--to", "one"), ("check", "RUN", "--baseline", "one"), True, 4),
    "a baseline promoted and listed": (("baseline", "promote", "two", "--to", "one"), ("baseline", "list"), True, 6),
    "two speeds saved": (("check", "--speed", "--save"),) * 2 + (True, 2),  # type: ignore[dict-item]
    "two init": (("init", "new.yaml"),) * 2 + (True, 1),  # type: ignore[dict-item]
    "two new": (("new", "trick", "my_trick"),) * 2 + (True, 1),  # type: ignore[dict-item]
}  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, (first, second, whole, times) in PAIRS.items():
        yield Throw("more at once", f"at once: {name}", EXPECTED, _both(first, second, whole, times), SECONDS)
    for name, act in OTHERS.items():
        yield Throw("more at once", f"at once: {name}", EXPECTED, act, SECONDS)


def _both(first: tuple[str, ...], second: tuple[str, ...], whole: bool, times: int) -> Callable[[], str]:
    def run() -> str:
        from ganbench.check import speed

        speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
        before = _tables(run_folder())
        if not whole:
            shutil.rmtree(PARTS)
        Path("linked").symlink_to("results")
        found = _said(*(_repeated(words, times, i) for i, words in enumerate((first, second))))
        if bad := [one for one in found if one not in (SAME, NOTICED)]:
            return bad[0]
        return _as_before(before) if RUN in (first, second) else (NOTICED if NOTICED in found else SAME)

    return run


def _as_before(before: list[object]) -> str:
    """Run the suite again: whatever the two did, its tables are those of an undisturbed run."""
    again = command(*RUN)
    return f"{LOST}: {again.err.strip()[-200:]}" if again.code else same_run(before)


def _repeated(words: tuple[str, ...], times: int, number: int) -> Callable[[], str]:
    placed = [str(run_folder()) if word == "RUN" else word for word in words]

    def act() -> str:
        found = SAME
        for i in range(times):
            said = command(*(f"{word} {number} {i}" if word == "description=words" else word for word in placed))
            if "Traceback" in said.err or said.code not in (0, 1):
                found = refusal(said)
                if found != NOTICED:
                    return found
        return found

    return act


def _said(*acts: Callable[[], str]) -> list[str]:
    """Run functions side by side in processes of their own; return what each found."""

    def told(act: Callable[[], str], path: Path) -> Callable[[], int]:
        return lambda: path.write_text(act(), errors="replace") and 0

    paths = [Path(f"said-{i}").absolute() for i in range(len(acts))]
    codes = side_by_side(*(told(act, path) for act, path in zip(acts, paths, strict=True)))
    return [
        path.read_text() if code == 0 else f"{LOST}: status {code}" for code, path in zip(codes, paths, strict=True)
    ]


def _monitors() -> str:
    """Let two processes watch loops of their own into one folder's name: both keep all their rows."""

    def watch(seed: int) -> Callable[[], str]:
        def act() -> str:
            from tests.faults.python_calls import watched_steps

            return str(watched_steps("watched", seed, steps=6))

        return act

    paths = _said(watch(0), watch(1))
    from ganbench.tables.results import load

    if len(set(paths)) != 2 or any(path.startswith(LOST) for path in paths):
        return f"{LOST}: {paths}"
    rows = [len(load(Path(path)).history) for path in paths]
    return SAME if rows[0] == rows[1] > 0 else f"{LOST}: {rows} rows"


def _caches() -> str:
    """Let two processes make the cache of one folder of images, and read it."""

    def read() -> str:
        import torch

        from ganbench.datasets.image_folder import ImageFolder

        os.environ["GANBENCH_DATA"] = str(Path("data").absolute())
        loaded = ImageFolder(size=16).load(torch.device("cpu"))
        return str(int(loaded.rows.numpy().astype("int64").sum()))  # type: ignore[attr-defined]

    shutil.rmtree("cache", ignore_errors=True)
    sums = _said(read, read, read)
    return SAME if len(set(sums)) == 1 and sums[0].isdigit() else f"{OTHER}: {sums}"


def _classifiers() -> str:
    """Let two processes train the classifier of the digits where none is in the cache."""

    def train() -> str:
        from ganbench.extractors._trained import kept_weights
        from ganbench.extractors.digits import Digits

        return str(sorted((name, float(one.double().sum())) for name, one in kept_weights(Digits(), None).items()))

    kept = Path("cache")
    shutil.rmtree(kept, ignore_errors=True)
    found = _said(train, train)
    return SAME if len(set(found)) == 1 and found[0].startswith("[(") else f"{OTHER}: {[one[:150] for one in found]}"


def _downloads() -> str:
    """Let two commands get one data set, from a place where it comes slowly."""
    import time

    from ganbench.datasets import _download

    os.environ["GANBENCH_DATA"] = str(Path("data").absolute())
    name = sorted(_download.downloadable())[0]

    def slow(*_: object, **__: object) -> None:
        time.sleep(0.2)
        raise OSError(101, "Network is unreachable")

    import socket

    socket.socket.connect = slow  # type: ignore[method-assign]
    socket.getaddrinfo = slow  # type: ignore[assignment]
    found = _said(*[lambda: refused(command("data", "get", name))] * 2)
    return found[0] if len(set(found)) == 1 else f"{OTHER}: {found}"


def refused(said: Said) -> str:
    """Return what a command without a network said."""
    return refusal(said, (2, 4, 5)) if said.code != 5 or "internal" in said.err else NOTICED


def _folder_goes() -> str:
    """Remove the report's folder and the results' caches again and again while reports are made."""

    def remove() -> str:
        for _ in range(200):
            shutil.rmtree("report", ignore_errors=True)
        return SAME

    found = _said(_repeated(("report", "RUN"), 6, 0), remove)
    return found[0]


def _parts_go() -> str:
    """Remove the parts while they are merged: the run says so, or trains them again."""
    before = _tables(run_folder())

    def remove() -> str:
        for _ in range(50):
            shutil.rmtree(PARTS, ignore_errors=True)
        return SAME

    found = _said(_repeated(ANEW, 3, 0), remove)
    if found[0] not in (SAME, NOTICED):
        return found[0]
    again = command(*RUN)
    if again.code:
        return f"{LOST}: {again.err.strip()[-200:]}"
    now = _tables(run_folder())
    for tables in (now, before):
        tables[0] = tables[0].drop(columns=["seconds", "ms_per_step"])  # type: ignore[union-attr]
    return SAME if _equal(now[:5], before[:5]) else OTHER


OTHERS: dict[str, Callable[[], str]] = {
    "two monitors that write": _monitors,
    "three caches of images": _caches,
    "two trainings of a classifier": _classifiers,
    "two downloads without a network": _downloads,
    "reports whose folder goes": _folder_goes,
    "a run whose parts go": _parts_go,
}

"""Environments that people and batch systems have: variables, limits, streams and folders of a cold process."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.faults.contents import timeless
from tests.faults.corruption import _equal, _tables
from tests.faults.prepared import PARTS, run_folder
from tests.faults.throws import HANGS, LINES, NOTICED, OTHER, SAME, Said, Throw, refusal
from tests.helpers import ROOT

EXPECTED = "the same numbers, or one line"
SECONDS = 180  # a cold process that compiles all of torch on a busy machine takes more than a minute
TRAIN = ("run", "small.yaml", "--executor", "local")
GO_ON = (*TRAIN, "--set", "description=again")
CODES = (2, 4, 141)


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, place in PLACES.items():
        for words in (("plan", "small.yaml"), TRAIN):
            yield Throw("environments", f"{name}, then {words[0]}", EXPECTED, _thrown(place, words), SECONDS + 5)


@dataclass(frozen=True)
class Place:
    """What is odd about a process.

    Attributes:
        variables: None removes one. before: is called in the folder before; within: in the new process.
        streams: what it is given as `stdin`, `stdout` or `stderr`.
        silent: whether its exit code is all that can be told.
    """

    variables: Mapping[str, str | None] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    within: Callable[[], object] = lambda: None
    streams: Mapping[str, Callable[[], int | IO[Any]]] = field(default_factory=dict)
    silent: bool = False


def _thrown(place: Place, words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        before = _tables(run_folder())
        if words == TRAIN:
            shutil.rmtree(PARTS)
        place.before()
        said = _cold(place, words)
        if said is None:
            return HANGS
        if said.code not in (0, *CODES):
            return refusal(said)
        if said.code and place.silent:
            return NOTICED
        if said.code:
            return refusal(said, CODES)
        if "Traceback" in said.err or "internal error" in said.err:
            return f"{LINES}: {said.err[-150:]}"
        if words != TRAIN:
            return SAME if place.silent or "2 trials, 4 runs" in said.out else f"{OTHER}: {said.out[-150:]}"
        return SAME if _equal(timeless(_tables(run_folder())), timeless(before)) else OTHER

    return run


def _cold(place: Place, words: tuple[str, ...]) -> Said | None:
    """Run a command in a new interpreter; None where it takes too long."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    given |= {name: text for name, text in place.variables.items() if text is not None}
    environment = {name: text for name, text in given.items() if place.variables.get(name, "") is not None}
    streams = {name: make() for name, make in place.streams.items()}
    Path("out").touch()
    with open("out", "wb") as out, open("err", "wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "ganbench", *words], env=environment, preexec_fn=place.within,
            **{"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **streams},
        )  # fmt: skip
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
    read = {name: Path(name).read_text(errors="replace") for name in ("out", "err")}
    return Said(code, read["out"], read["err"])


def _limit(kind: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (most, most))


def _closed(*numbers: int) -> Callable[[], None]:
    return lambda: [os.close(number) for number in numbers]  # type: ignore[return-value]


def _broken_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _file(name: str) -> Callable[[], object]:
    return lambda: Path(name).write_text("a file")


def _removed_cwd() -> None:
    gone = Path("gone").absolute()
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()


VARIABLES: dict[str, dict[str, str | None]] = {
    "no HOME": {"HOME": None, "XDG_CACHE_HOME": None, "GANBENCH_DATA": None},
    "a HOME that is not there": {"HOME": "/nonexistent/x", "XDG_CACHE_HOME": None},
    "an empty HOME": {"HOME": "", "XDG_CACHE_HOME": None},
    "a HOME of NULs' neighbours": {"HOME": "/proc/1/root/\x01", "XDG_CACHE_HOME": None},
    "a cache that is a device": {"XDG_CACHE_HOME": "/dev/null"},
    "a cache that is relative": {"XDG_CACHE_HOME": "some/cache"},
    "data in a device": {"GANBENCH_DATA": "/dev/null"},
    "an empty GANBENCH_DATA": {"GANBENCH_DATA": ""},
    "a TMPDIR that is not there": {"TMPDIR": "/nonexistent/tmp"},
    "a TMPDIR that is a device": {"TMPDIR": "/dev/null"},
    "a TMPDIR of 300 letters": {"TMPDIR": "/tmp/" + "t" * 300},
    "an empty TMPDIR": {"TMPDIR": ""},
    "a relative TMPDIR": {"TMPDIR": "."},
    "an empty PATH": {"PATH": ""},
    "no PATH": {"PATH": None},
    "no LANG": {"LANG": None, "LC_ALL": None, "LC_CTYPE": None},
    "LC_ALL=C": {"LC_ALL": "C"},
    "LC_ALL of nowhere": {"LC_ALL": "xx_YY.UTF-99"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "streams of an old Windows": {"PYTHONIOENCODING": "cp1252"},
    "streams of an old Unix": {"PYTHONIOENCODING": "latin-1"},
    "data in a folder of 5,000 letters": {"GANBENCH_DATA": "d" * 5000},
    "no UTF-8 mode": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    "no columns": {"COLUMNS": "0"},
    "one column": {"COLUMNS": "1"},
    "negative columns": {"COLUMNS": "-5"},
    "columns of letters": {"COLUMNS": "wide"},
    "a billion columns": {"COLUMNS": "1000000000"},
    "no TERM": {"TERM": None},
    "a TERM that is none": {"TERM": "no-such-terminal"},
    "colours forced": {"FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "OMP_NUM_THREADS of letters": {"OMP_NUM_THREADS": "many"},
    "no OMP threads": {"OMP_NUM_THREADS": "0"},
    "negative OMP threads": {"OMP_NUM_THREADS": "-3"},
    "a list of OMP threads": {"OMP_NUM_THREADS": "2,1"},
    "MKL threads of letters": {"MKL_NUM_THREADS": "x", "OPENBLAS_NUM_THREADS": "x"},
    "a seed of hashes": {"PYTHONHASHSEED": "4294967295"},
    "hashes without a seed": {"PYTHONHASHSEED": "0"},
    "Python without asserts": {"PYTHONOPTIMIZE": "1"},
    "Python without docstrings": {"PYTHONOPTIMIZE": "2"},
    "Python's development mode": {"PYTHONDEVMODE": "1"},
    "all warnings shown": {"PYTHONWARNINGS": "always"},
    "warnings of bad filters": {"PYTHONWARNINGS": "nonsense:::x"},
    "Python unbuffered": {"PYTHONUNBUFFERED": "1"},
    "no bytecode": {"PYTHONDONTWRITEBYTECODE": "1"},
    "a cache of bytecode in a device": {"PYTHONPYCACHEPREFIX": "/dev/null"},
    "few digits": {"PYTHONINTMAXSTRDIGITS": "640"},
    "another allocator": {"PYTHONMALLOC": "debug"},
    "GPUs of letters": {"CUDA_VISIBLE_DEVICES": "nonsense"},
    "GPU 99": {"CUDA_VISIBLE_DEVICES": "99"},
    "a Ray that is none": {"RAY_ADDRESS": "nonsense:x"},
    "proxies of nowhere": {"http_proxy": "http://127.0.0.1:1", "https_proxy": "nonsense", "ALL_PROXY": "x://"},
    "a time zone that is none": {"TZ": "Nowhere/None"},
    "a time zone of tomorrow": {"TZ": "XYZ-167"},
    "a Matplotlib of no backend": {"MPLBACKEND": "nonsense"},
    "Matplotlib's folder in a device": {"MPLCONFIGDIR": "/dev/null"},
    "a USER of markup": {"USER": "<b>", "LOGNAME": "\n"},
    "a MALLOC_ARENA_MAX of letters": {"MALLOC_ARENA_MAX": "x"},
    "CI": {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/nonexistent/summary"},
    "a variable of bytes": {"STRANGE": "\udcff\udc80"},
    "a variable of 100,000 letters": {"LONG": "x" * 100_000},
    "a completion that is none": {"_GANBENCH_COMPLETE": ""},
    "git's folder elsewhere": {"GIT_DIR": "/nonexistent/.git", "GIT_WORK_TREE": "/"},
    "deterministic torch of letters": {"CUBLAS_WORKSPACE_CONFIG": "x", "TORCH_LOGS": ""},
}
PLACES: dict[str, Place] = {
    **{name: Place(variables) for name, variables in VARIABLES.items()},
    "a TMPDIR of spaces": Place({"TMPDIR": "a b ü"}, before=lambda: Path("a b ü").mkdir()),
    "a TMPDIR that is a file": Place({"TMPDIR": "afile"}, before=_file("afile")),
    "a cache that is a file": Place({"XDG_CACHE_HOME": "afile"}, before=_file("afile")),
    "a broken git folder": Place(before=lambda: Path(".git").write_text("gitdir: /nonexistent")),
    "nobody may read new files": Place(within=lambda: os.umask(0o777)),
    "only they may read new files": Place(within=lambda: os.umask(0o077)),
    "32 open files": Place(within=_limit(resource.RLIMIT_NOFILE, 32)),
    "64 open files": Place(within=_limit(resource.RLIMIT_NOFILE, 64)),
    "no bytes a file": Place(within=_limit(resource.RLIMIT_FSIZE, 0), silent=True),
    "100 bytes a file": Place(within=_limit(resource.RLIMIT_FSIZE, 100), silent=True),
    "4 KB a file": Place(within=_limit(resource.RLIMIT_FSIZE, 4096)),
    "a stack of 512 KB": Place(within=_limit(resource.RLIMIT_STACK, 512 << 10)),
    "no core files": Place(within=_limit(resource.RLIMIT_CORE, 0)),
    "no locked memory": Place(within=_limit(resource.RLIMIT_MEMLOCK, 0)),
    "the lowest priority": Place(within=lambda: os.nice(19)),
    "one core": Place(within=lambda: os.sched_setaffinity(0, {0})),
    "no standard input": Place(within=_closed(0)),
    "no standard output": Place(within=_closed(1), silent=True),
    "no standard error": Place(within=_closed(2), silent=True),
    "no streams at all": Place(within=_closed(0, 1, 2), silent=True),
    "a full standard output": Place(streams={"stdout": lambda: open("/dev/full", "w")}, silent=True),
    "a full standard error": Place(streams={"stderr": lambda: open("/dev/full", "w")}, silent=True),
    "nobody who reads the output": Place(streams={"stdout": _broken_pipe}, silent=True),
    "nobody who reads the errors": Place(streams={"stderr": _broken_pipe}, silent=True),
    "an output that can only be read": Place(streams={"stdout": lambda: open("/dev/null")}, silent=True),
    "a folder as its input": Place(streams={"stdin": lambda: os.open("/", os.O_RDONLY)}),
}

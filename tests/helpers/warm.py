"""Python processes that begin with torch, pandas and scipy imported, which is most of what a child of a test costs.

A server for each process of tests imports them once and forks a child whenever it is asked. The child is a process of
its own: its folder, environment, modules and streams are its own, and nothing of ganbench is imported in it yet. What
a test says about imports, memory or the end of an interpreter needs a cold one (`subprocess`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

from tests.helpers import ROOT

PRELOADED = ["torch", "numpy", "pandas", "pyarrow.parquet", "scipy.stats", "scipy.special", "pydantic", "yaml"]
COMMAND = "import sys\nfrom ganbench.cli.main import main\nsys.exit(main())"


class Child:
    """A process that runs Python code.

    Args:
        code: as of `python -c`. arguments: its `sys.argv[1:]`. cwd: its folder.
        environment: what differs from this process's; in `PYTHONPATH` come folders that it looks into first.
    """

    def __init__(
        self, code: str, *arguments: object, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
    ) -> None:
        if "forkserver" in get_all_start_methods():
            context = get_context("forkserver")
            context.set_forkserver_preload(PRELOADED)
        else:
            context = get_context("spawn")
        self.args = [str(argument) for argument in arguments]
        self._streams = tempfile.TemporaryDirectory()
        variables = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process = context.Process(target=_run, args=(code, self.args, str(cwd), variables, self._streams.name))
        self.process.start()

    def wait(self, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Return its exit status and what it printed."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise subprocess.TimeoutExpired(self.args, timeout)
        out, err = (Path(self._streams.name, name).read_text(encoding="utf-8") for name in ("out", "err"))
        self._streams.cleanup()
        return subprocess.CompletedProcess(self.args, self.process.exitcode, out, err)


def run(
    code: str, *arguments: object, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own to its end, as `subprocess.run([sys.executable, "-c", code, …])` does."""
    return Child(code, *arguments, cwd=cwd, environment=environment).wait()


def _run(code: str, arguments: Sequence[str], cwd: str, environment: Mapping[str, str], streams: str) -> None:
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(f"{streams}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv = ["-c", *arguments]
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]  # a child of `python -c` has none
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})

"""Errors become one line and the documented code; nothing else reaches the user."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import click
import pytest

from ganbench.cli import main as cli_main
from ganbench.cli.main import COMMANDS, main
from ganbench.core.errors import IncomparableError, UsageError
from tests.helpers.present import present

PYTHON = [sys.executable, "-c", "import sys; from ganbench.cli.main import main; sys.exit(main())"]


def ganbench(*arguments, **options):
    return subprocess.run([*PYTHON, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["rnu"], 2, "ganbench: unknown command 'rnu', did you mean 'run'? (known: "),
        (["plan"], 2, "ganbench: Missing argument 'SUITE'. (see: ganbench plan --help)"),
        (["plan", "--colour", "x"], 2, "ganbench: No such option"),
        (["plan", "missing.yaml"], 2, "ganbench: missing.yaml: cannot be read (No such file or directory)"),
        (["plan", "."], 2, "ganbench: .: cannot be read (Is a directory)"),
        (["plan", "\x1b[31m\nx.yaml"], 2, "ganbench: "),
        (["run", "small.yaml", "--jobs", "0"], 2, "ganbench: Invalid value for '--jobs'"),
        (["run", "small.yaml", "--executor", "local", "--address", "h:1"], 2, "ganbench: --address is a Ray cluster's"),
        (["run", "small.yaml", "--set", "losses=[wgann]"], 2, "ganbench: --set losses=[wgann]: unknown loss 'wgann'"),
        (["list", "lossse"], 2, "ganbench: unknown kind 'lossse', did you mean 'losses'?"),
        (["explain", "hing"], 2, "ganbench: unknown name 'hing', did you mean 'hinge'?"),
        (["compare", "x" * 300, "results"], 3, "ganbench: unknown baseline"),
        (["report", "nowhere"], 2, "ganbench: nowhere: no such folder"),
        (["report", "."], 2, "ganbench: .: holds no run"),
    ],
)
def test_mistakes_are_one_line(fakes, capsys, arguments, code, line):
    assert main(arguments) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(line)
    assert output.err.count("\n") == 1
    assert output.err.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("here: wrong; mend"), 2, "ganbench: here: wrong; mend\n"),
        (IncomparableError("two\nlines\x1b[31m"), 3, "ganbench: two lines [31m\n"),
        (
            ZeroDivisionError("by zero"),
            5,
            "ganbench: internal error, ZeroDivisionError: by zero; run it again with --debug",
        ),
        (MemoryError(), 4, "ganbench: plan: there is no memory left; end other programs, raise the limit"),
        (KeyboardInterrupt(), 130, "ganbench: interrupted\n"),
        (click.Abort(), 130, "ganbench: interrupted\n"),
    ],
)
def test_whatever_is_raised_has_a_line_and_a_code(monkeypatch, capsys, error, code, line):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(cli_main, "_invoke", fail)
    assert main(["plan"]) == code
    assert capsys.readouterr().err.startswith(line)


def test_debug_shows_the_traceback_wherever_it_stands(fakes):
    for arguments in (["--debug", "plan", "missing.yaml"], ["plan", "missing.yaml", "--debug"]):
        with pytest.raises(UsageError):
            main(arguments)
    assert main(["plan", "small.yaml", "--debug"]) == 0


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples(capsys, command):
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage: ganbench" in text
    assert "Example" in text or command == "doctor"


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_version(capsys):
    from ganbench import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ganbench {__version__}\n"


@pytest.mark.parametrize("command", ["schema", "list", "--help"])
def test_a_pipe_that_closes_is_quiet(command):
    process = subprocess.Popen(
        [*PYTHON, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    present(process.stdout).close()
    error = present(process.stderr).read()
    present(process.stderr).close()
    assert process.wait(timeout=60) == 141
    assert error == b""


HEAVY = ("torch", "ray", "pandas", "scipy", "matplotlib", "sklearn", "pyarrow", "torchvision", "torch_fidelity")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["schema"], ["plan", "suite.yaml"], ["explain", "hinge"], ["nope"]]
)
def test_light_commands_load_nothing_heavy(tmp_path, arguments):
    (tmp_path / "suite.yaml").write_text(f"datasets: [{_any('dataset')}]\nevaluate: {{metrics: [{_any('metric')}]}}")
    code = (
        "import sys; from ganbench.cli.main import main; code = main(sys.argv[1:]);"
        f"heavy = [m for m in {HEAVY} if m in sys.modules]; sys.exit(f'loaded {{heavy}}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "loaded" not in done.stderr, done.stderr
    assert done.returncode == (2 if arguments == ["nope"] else 0), done.stderr


def _any(kind: str) -> str:
    from ganbench.core.registry import components

    return next(iter(components(kind)), "x")


def test_help_is_hardly_slower_than_an_empty_python():
    # Ratios of the fastest of several runs: 3 measured, 25 when torch is imported.
    def fastest(command):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert fastest([*PYTHON, "--help"]) < 12 * fastest([sys.executable, "-c", "pass"])


def test_help_works_without_a_home_or_locale():
    done = ganbench("--help", env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr


def test_a_data_folder_that_no_folder_can_be_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("GANBENCH_DATA", "x" * 5000)
    assert main(["data", "list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ganbench: GANBENCH_DATA is 'xxx") and said.count("\n") == 1 and len(said) < 200


def test_no_colour_codes_in_a_pipe():
    assert "\x1b" not in ganbench("list", env={**os.environ, "FORCE_COLOR": "1"}).stdout


class Noisy:
    """Raises when it goes, as often as there are of it."""

    def __del__(self):
        raise ValueError("broken\nin two lines")


def test_what_a_finalizer_raises_is_one_line(monkeypatch, capsys):
    def command(arguments):
        for _ in range(2):
            Noisy()
        return 0

    before = sys.unraisablehook
    monkeypatch.setattr(cli_main, "_invoke", command)
    assert main(["list"]) == 0
    error = capsys.readouterr().err
    assert error == "ganbench: Noisy.__del__ raised ValueError: broken in two lines, which is ignored\n"
    assert sys.unraisablehook is before


@pytest.mark.parametrize("error", [SystemExit(0), GeneratorExit(), BaseExceptionGroup("x", [SystemExit(3)])])
def test_whatever_comes_out_is_one_line(monkeypatch, capsys, error):
    def command(arguments):
        raise error

    monkeypatch.setattr(cli_main, "_invoke", command)
    assert main(["list"]) == 5
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and line.startswith(f"ganbench: internal error, {type(error).__name__}")

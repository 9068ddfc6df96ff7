"""`ganbench`: finds the command, runs it, and turns whatever happens into one line and an exit code."""

from __future__ import annotations

import errno
import functools
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.console import nobody_reads, write_any_text
from ganbench.core.errors import (
    BROKEN_PIPE,
    INCOMPLETE,
    INTERRUPTED,
    OK,
    USAGE,
    GanbenchError,
    SeveralErrors,
    described,
    unknown,
)
from ganbench.core.extras import missing_package
from ganbench.core.version import __version__
from ganbench.sweep.signals import Interrupts

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

COMMANDS = {
    "demo": "See a GAN collapse and be cured: a page within a minute.",
    "init": "Write a commented suite to start from.",
    "run": "Run a suite and make its report.",
    "plan": "List what a suite would run, what it skips and why, and about how long it takes.",
    "list": "List the components that suites can name.",
    "explain": "Explain a component: what it computes, its parameters, its source.",
    "new": "Write the skeleton of a component of your own, with its test.",
    "schema": "Print the JSON Schema of suite files, for completion in editors.",
    "baseline": "Save a run's numbers as a baseline to commit; list and promote baselines.",
    "check": "Hold a suite or a run against its baseline: the gate for CI.",
    "compare": "Compare runs with the first of them, trial by trial and metric by metric.",
    "cure": "Look for what cures the trials that fail, and prove it on fresh seeds.",
    "watch": "Show where a sweep or a monitored run stands while it runs.",
    "verify-verdicts": "Train failures that are planted on purpose; see whether each gets its name.",
    "export": "Write the figures and tables of a run for a paper.",
    "report": "Make the report of finished runs again.",
    "data": "Download data sets and the weights of extractors; list the data sets that are here.",
    "completion": "Print what makes a shell complete commands, options and names.",
    "doctor": "Check this machine: versions, cores, GPU, Ray, folders.",
}
EPILOG = """\b
Examples:
  ganbench demo                a ring that collapses, and the same ring cured
  ganbench run smoke           train a shipped suite, then write report/smoke.html
  ganbench plan my_suite.yaml --only 'loss=hinge'
  ganbench list losses
  ganbench explain hinge

\b
Exit codes: 0 ok, 1 regression, 2 usage or configuration, 3 no or incomparable baseline,
4 incomplete or failed trials, 5 internal,
130/143 interrupted, 141 nobody reads the output.
"""
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
COMPLETE = "_GANBENCH_COMPLETE"  # set by the script of `ganbench completion` whenever the user presses tab
MOST_LETTERS = 1400  # of what is wrong with an argument
_ASKS_FOR_HELP = getattr(click.exceptions, "NoArgsIsHelpError", ())  # before click 8.2 it is an ordinary exit
RESUMABLE = {"run", "check", "cure", "verify-verdicts"}  # called again, they train only what is missing


class Commands(click.Group):
    """Commands that are imported when they are called, so that `--help` costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ganbench.cli.{cmd_name.replace('-', '_')}_command").command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401 - click's own type
        """Name the nearest command where there is none."""
        if args and args[0] not in COMMANDS:
            raise click.UsageError(unknown("command", args[0][:60], COMMANDS), ctx)
        return super().resolve_command(ctx, args)


def _debug_option() -> click.Option:
    return click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganbench", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Which GAN loss and trick holds up, how sure that is, and what went wrong in the others."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if sys.stdout is None:  # `>&-`: as if nobody read the output
        reader, writer = os.pipe()
        os.close(reader)
        sys.stdout = os.fdopen(writer, "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process
    write_any_text()
    if instruction := os.environ.get(COMPLETE):
        return _complete(instruction)
    before = sys.unraisablehook
    if "--debug" not in arguments:
        sys.unraisablehook = functools.partial(_say_ignored, set())
    try:
        with Interrupts() as interrupts:
            return _main(arguments, interrupts)
    finally:
        sys.unraisablehook = before


def _complete(instruction: str) -> int:
    """Print what may follow the words of `COMP_WORDS`; whatever goes wrong prints nothing into the user's prompt."""
    from click.shell_completion import shell_complete

    try:
        code = shell_complete(cli, {}, "ganbench", COMPLETE, instruction)
        sys.stdout.flush()
    except OSError:  # the shell does not listen
        _discard_output()
        return BROKEN_PIPE
    except BaseException:  # noqa: BLE001 - a component of somebody's may raise anything while names are looked up
        return GanbenchError.exit_code
    return code


def _say_ignored(reported: set[str], ignored: UnraisableHookArgs) -> None:
    """Say once, in one line, what Python ignores: an error of a finalizer, which nobody can catch."""
    name = getattr(ignored.object, "__qualname__", type(ignored.object).__name__)
    if ignored.exc_value is not None and name not in reported:
        reported.add(name)
        _say(f"{name} raised {described(ignored.exc_value)}, which is ignored")


def _main(arguments: list[str], interrupts: Interrupts) -> int:
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort) as error:
        return _interrupted(arguments, interrupts.code_of(error) or INTERRUPTED)
    except BaseException as error:  # noqa: BLE001 - the one place where errors become lines; a component may raise SystemExit
        if interrupts.code is not None:  # in compiled code a signal may come out as any exception
            return _interrupted(arguments, interrupts.code)
        if "--debug" in arguments:
            raise
        return _explain(error, next((word for word in arguments if not word.startswith("-")), "ganbench"))
    return code if isinstance(code, int) else 0


def _discard_output() -> None:
    """Write what is still in buffers nowhere: without this Python complains once more while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(arguments: list[str], code: int) -> int:
    resumed = f"; to go on: {shlex.join(['ganbench', *arguments])}" if RESUMABLE & set(arguments) else ""
    _say(f"interrupted{resumed}")
    return code


def _invoke(arguments: list[str]) -> Any:  # noqa: ANN401 - what a command returned
    """Run a command without click's own way of ending programs, which hides a closed pipe."""
    try:
        with cli.make_context("ganbench", list(arguments)) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def _explain(error: BaseException, command: str) -> int:
    """Print an error in one line and return its exit code."""
    if isinstance(error, OSError) and error.errno == errno.EIO and nobody_reads():  # a terminal that was closed
        _discard_output()
        return BROKEN_PIPE
    if isinstance(error, OSError) and error.errno in FULL and not isinstance(error, GanbenchError):
        _discard_output()
        _say(f"{command}: cannot write ({str(error.strerror).lower()}); make room, or send the output elsewhere")
        return INCOMPLETE
    if isinstance(error, MemoryError):
        _say(f"{command}: there is no memory left; end other programs, raise the limit (ulimit -v) or ask for less")
        return INCOMPLETE
    if missing := missing_package(error):
        _say(f"{command}: {missing}")
        return missing.exit_code
    if isinstance(error, _ASKS_FOR_HELP) and isinstance(error, click.ClickException):
        click.echo(error.format_message())
        return OK
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        _say(f"{_readable(error.format_message())} (see: {context.command_path if context else 'ganbench'} --help)")
        return USAGE
    if isinstance(error, GanbenchError):
        for line in error.lines if isinstance(error, SeveralErrors) else [str(error)]:
            _say(_readable(line) if error.exit_code == USAGE else line)
        return error.exit_code
    _say(f"internal error, {described(error)}; run it again with --debug for the traceback")
    return GanbenchError.exit_code


def _readable(text: str) -> str:
    """Return a text without its middle where it is too long to be read: that is a value, printed back."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS // 2]} … {text[-MOST_LETTERS // 2 :]}"


def _say(text: str) -> None:
    """Write one line to stderr, without control characters."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    try:
        click.echo(f"ganbench: {line}", err=True)
    except OSError:
        pass  # nobody listens

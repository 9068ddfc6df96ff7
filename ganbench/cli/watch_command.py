"""`ganbench watch`: a sweep or a monitored run while it runs, in the terminal."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.console import nobody_reads
from ganbench.cli.paths import PATH
from ganbench.core.environment import can_draw
from ganbench.core.errors import BROKEN_PIPE, OK

if TYPE_CHECKING:
    from rich.console import Console, Group

    from ganbench.report.live_state import Reader, State

EPILOG = """\b
Examples:
  ganbench watch results/mode_collapse     a sweep, until it ends or ^C
  ganbench watch my_run                    the folder of a ganbench.Monitor
  ganbench watch my_run --once             one frame, for scripts
\b
It reads files and nothing else: start it, stop it, start it again, also over ssh.
"""


@click.command("watch", epilog=EPILOG)
@click.argument("run", type=PATH)
@click.option("--once", is_flag=True, help="Print one frame and end.")
@click.option(
    "--every", default=2.0, show_default=True, type=click.FloatRange(0.2, 3600), help="Seconds between frames."
)
def command(run: Path, once: bool, every: float) -> int:
    """Show where RUN stands: a suite's folder, results/<suite>, or the folder of a ganbench.Monitor.

    One line per trial: its state, its latest numbers (means over its seeds, as `run` prints them; the gradient norm
    is a median), the course of its gradient norms and modes, and its verdicts so far. Of a suite it shows the trials
    of its last run.
    Without a terminal a frame is printed whenever it has changed.
    """
    from rich.console import Console

    from ganbench.report.live_state import Reader

    reader = Reader(run)
    plain = not can_draw(sys.stdout)
    # A pipe has no width, unless $COLUMNS gives one.
    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(highlight=False, width=width if plain else None, force_terminal=False if plain else None)
    return _print(reader, console, once, every) if once or plain else _live(reader, console, every)


def _print(reader: Reader, console: Console, once: bool, every: float) -> int:
    printed = ""
    while True:
        state = reader.read()
        with console.capture() as captured:
            console.print(_frame(state, console, None))
        text = "\n".join(line.rstrip() for line in captured.get().splitlines())
        if text != printed:
            click.echo(text + ("" if once else "\n"))
            sys.stdout.flush()
        printed = text
        if once or state.ended:
            return OK
        if nobody_reads():  # who would wait for the next change would wait for ever, if that never comes
            return BROKEN_PIPE
        time.sleep(every)


def _live(reader: Reader, console: Console, every: float) -> int:
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        while True:
            state = reader.read()
            live.update(_frame(state, console, console.height), refresh=True)
            if state.ended:
                return OK
            if nobody_reads():
                return BROKEN_PIPE
            time.sleep(every)


def _frame(state: State, console: Console, rows: int | None) -> Group:
    from ganbench.cli.watch_frame import frame

    return frame(state, console.width, rows, unicode=(console.encoding or "").lower().startswith("utf"))

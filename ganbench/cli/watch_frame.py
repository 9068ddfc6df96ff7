"""One frame of `ganbench watch`, drawn by rich."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganbench.core.naming import without_common_parts
from ganbench.report.live_state import NUMBERS, RUNNING, WAITING, State, Watched

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

BLOCKS, PLAIN_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
POINTS = 16
STYLES = {RUNNING: "cyan", "OK": "green", "DIVERGED": "red", "FAILED": "red", "TIMEOUT": "red", WAITING: "dim"}
STALE = 30  # seconds without a sign of life
ROWS_AROUND = 6  # lines of a terminal that are not trials
SHORTEST, GAP = 16, 2  # columns of a terminal: of names and verdicts, and between two columns
GRADIENT_CURVE = ""  # the head of the curve behind the number "grad G"
DISPENSABLE = ("coverage", GRADIENT_CURVE, "spread", "hq", "grad G", "fid")  # left out in this order where it is narrow


def frame(state: State, width: int, rows: int | None, unicode: bool = True) -> Group:
    """Return a frame: how many trials are in which state, then a line each.

    Args:
        state: what to show.
        width: the terminal's.
        rows: the terminal's height; running and failed trials first where not all fit. None shows all.
        unicode: draw curves with blocks.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    chosen = _chosen(state.trials, None if rows is None else max(3, rows - ROWS_AROUND))
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = without_common_parts(trial.name for trial in state.trials)
    heads = ["trial", "state", *NUMBERS.values(), "grad G", GRADIENT_CURVE, "coverage", "verdicts"]
    cells = [_cells(names[trial.name], trial, unicode) for trial in chosen]
    widths = _fitting(heads, cells, width)
    for head, wide in widths.items():
        table.add_column(head, overflow="ellipsis", no_wrap=True, min_width=wide, max_width=wide)
    for row in cells:
        table.add_row(*(cell for head, cell in zip(heads, row, strict=True) if head in widths))
    lines: list[Table | Text] = [Text(_headline(state), style="bold"), Text(""), table]
    if len(chosen) < len(state.trials):
        lines.append(Text(f"… and {len(state.trials) - len(chosen)} more", style="dim"))
    notes = [t for t in chosen if t.note and (t.state != "OK" or len(chosen) == 1)]
    lines += [Text(_clean(f"{t.name}: {t.note}"), overflow="fold") for t in notes[:3]]
    return Group(*lines)


def _fitting(heads: Sequence[str], cells: Sequence[Sequence[Text]], width: int) -> dict[str, int]:
    """Return the columns that fit, each with its width: a number that is cut off would be another one, so columns go.

    What is left is for names first and then for verdicts, which may be cut.
    """
    widths = {head: max(map(len, (head, *column))) for head, *column in zip(heads, *cells, strict=True)}
    dispensable = list(DISPENSABLE)

    def left() -> int:
        others = sum(wide for head, wide in widths.items() if head not in ("trial", "verdicts"))
        return width - others - GAP * (len(widths) - 1)

    name, verdicts = (min(widths[head], SHORTEST) for head in ("trial", "verdicts"))
    while dispensable and left() < name + verdicts:
        widths.pop(dispensable.pop(0))
    widths["trial"] = min(widths["trial"], max(name, left() - verdicts))
    widths["verdicts"] = min(widths["verdicts"], max(verdicts, left() - widths["trial"]))
    return widths


def spark(values: Sequence[float], logarithmic: bool, unicode: bool = True) -> str:
    """Return a small curve of a series, a block a point: the medians of up to 16 stretches of it."""
    points = [v for v in values if not logarithmic or v > 0]
    if not points:
        return ""
    width = min(POINTS, len(points))
    ends = [round(i * len(points) / width) for i in range(width + 1)]
    pieces = [sorted(points[a:b]) for a, b in zip(ends, ends[1:], strict=False)]
    heights = [piece[len(piece) // 2] for piece in pieces]
    if logarithmic:
        heights = [math.log(h) for h in heights]
    heights = [h / 2 for h in heights]  # of the largest floats the difference would be infinite
    low, high = min(heights), max(heights)
    blocks = BLOCKS if unicode else PLAIN_BLOCKS
    if high == low:
        return blocks[0] * width
    return "".join(blocks[round((h - low) / (high - low) * (len(blocks) - 1))] for h in heights)


def _cells(name: str, trial: Watched, unicode: bool) -> list[Text]:
    from rich.text import Text

    state = f"{trial.state} {100 * trial.share:.0f} %" if trial.state == RUNNING and trial.share < 1 else trial.state
    numbers = [f"{trial.numbers[c]:.3g}" if c in trial.numbers else "" for c in (*NUMBERS, "grad_norm_g")]
    curves = [
        spark(trial.series.get("grad_norm_g", ()), True, unicode),
        spark(trial.series.get("modes_captured") or trial.series.get("total_spread", ()), False, unicode),
    ]
    texts = [_clean(name), _clean(state), *numbers, *curves, _clean(trial.verdicts)]
    return [Text(text, style=STYLES.get(trial.state, "") if i == 1 else "") for i, text in enumerate(texts)]


def _headline(state: State) -> str:
    counts = state.counts
    order = ["OK", "DIVERGED", RUNNING, WAITING, "FAILED", "TIMEOUT"]
    facts = [f"{counts[name]} {name}" for name in [*order, *sorted(set(counts) - set(order))] if counts[name]]
    if len(state.trials) == 1:
        facts = [state.trials[0].state]
    since = _since(state.updated)
    if not state.ended and since is not None and since > STALE:
        facts.append(f"no sign of life for {since:.0f} s")
    return _clean(f"{state.title}: {', '.join(facts) or 'nothing yet'}{'' if not state.ended else ' (ended)'}")


def _since(updated: str) -> float | None:
    try:
        return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(updated)).total_seconds()
    except (ValueError, TypeError):
        return None


def _chosen(trials: Sequence[Watched], most: int | None) -> list[Watched]:
    """Return as many trials as fit, in their order: those that run or went wrong, then the last finished ones."""
    if most is None or len(trials) <= most:
        return list(trials)
    urgency = {RUNNING: 0, "FAILED": 1, "TIMEOUT": 1, "DIVERGED": 2, "OK": 3, WAITING: 4}
    order = sorted(range(len(trials)), key=lambda i: (urgency.get(trials[i].state, 3), -i))
    return [trials[i] for i in sorted(order[:most])]


def _clean(text: str) -> str:
    """Return a text without control characters: names and errors may hold anything."""
    return "".join(c if c.isprintable() else " " for c in text)

"""A comparison for machines and pull requests: Markdown, JUnit XML, GitHub annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from ganbench.analysis.comparison_results import WHOLE, Comparison
from ganbench.analysis.comparison_rows import Outcome, Row
from ganbench.check.differences import HEADERS as DIFFERS
from ganbench.check.differences import Difference
from ganbench.check.shown import Shown, shown
from ganbench.check.verdict import HEADERS, fails, headline, notes, visible
from ganbench.core.markdown import escaped, one_line, table

if TYPE_CHECKING:
    from ganbench.suite.plan import Plan

MOST_ROWS = 200  # a step summary holds one megabyte
_MARKS = {Outcome.WORSE: "❌", Outcome.MISSING: "❌", Outcome.UNDERPOWERED: "⚠️", Outcome.BETTER: "✅"}

_LEVELS = {
    Outcome.WORSE: "error",
    Outcome.MISSING: "error",
    Outcome.UNDERPOWERED: "warning",
    Outcome.UNDECIDED: "warning",
    Outcome.BETTER: "notice",
}


def markdown(comparison: Comparison, title: str, differs: Sequence[Difference], everything: bool = False) -> str:
    """Return a section of Markdown in which no text of the tables is markup; what differs stands first."""
    facts = shown(comparison, differs, everything)
    lines = [f"### {escaped(title)}", "", f"**{escaped(headline(comparison))}**", ""]
    lines += [
        "What differs between the sides:" if differs else "Nothing differs between the sides but their numbers.",
        "",
    ]
    if facts.differs:
        lines += [*table(DIFFERS, [[escaped(cell) for cell in one.cells] for one in facts.differs[:MOST_ROWS]]), ""]
    lines += [f"- ⚠️ {escaped(text)}" for text in notes(comparison)]
    lines += [f"- {escaped(text)}" for text in facts.reasons]
    lines += [f"- new, not judged: {escaped(name)}" for name in comparison.new]
    lines += [f"- all trials: {escaped(facts.common)}"] if facts.common else []
    return "\n".join([*lines, *_judged_rows(facts)]) + "\n"


def _judged_rows(facts: Shown) -> list[str]:
    texts = (
        (f"{_MARKS.get(row.outcome, _asks(row))} {first}".strip(), *map(escaped, others))
        for row, (first, *others) in zip(facts.rows[:MOST_ROWS], facts.cells, strict=False)
    )
    lines = ["", *table(HEADERS, texts)] if facts.rows else []
    if len(facts.rows) > MOST_ROWS:
        lines += ["", f"{len(facts.rows) - MOST_ROWS} more rows are left out."]
    return lines


def junit(comparison: Comparison, title: str) -> str:
    """Return JUnit XML: a test case a trial and metric; a regression is a failure, what cannot be told an error."""
    rows = comparison.rows
    failures = [row for row in rows if _kind(row) == "failure"]
    errors = [row for row in rows if _kind(row) == "error"]
    counts = {"tests": str(len(rows)), "failures": str(len(failures)), "errors": str(len(errors))}
    root = Xml.Element("testsuites", counts)
    suite = Xml.SubElement(root, "testsuite", {"name": one_line(title), **counts})
    for row in rows:
        case = Xml.SubElement(suite, "testcase", {"classname": one_line(row.name), "name": one_line(row.metric)})
        text = f"{row.outcome}: {one_line(row.reason)}"
        if kind := _kind(row):
            Xml.SubElement(case, kind, {"message": text, "type": str(row.outcome)})
        else:
            Xml.SubElement(case, "system-out").text = text
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def github_annotations(comparison: Comparison, places: Mapping[str, tuple[Path, int]]) -> list[str]:
    """Return GitHub's workflow commands: errors and warnings on the suite's lines.

    Args:
        comparison: what to say.
        places: trial → file and line, where they are known.

    Source: GitHub Docs, "Workflow commands for GitHub Actions", setting an error message.
    """
    lines = []
    for row in visible(comparison):
        if row.outcome == Outcome.EQUIVALENT:
            continue  # shown to be as good
        level = _LEVELS[row.outcome]
        properties = {"title": f"{row.metric} {row.outcome}"}
        if row.trial in places:
            file, line = places[row.trial]
            properties = {"file": file.as_posix(), "line": str(line), **properties}
        properties_text = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        numbers = f"{row.metric} {row.baseline:.4g} → {row.now:.4g}; " if math.isfinite(row.difference) else ""
        lines.append(f"::{level} {properties_text}::{_message(f'{row.name}: {numbers}{row.reason}')}")
    return lines


def suite_places(plan: Plan, repository: str | None) -> dict[str, tuple[Path, int]]:
    """Return trial → the line of the suite that names its loss in the matrix it is from, or the matrix's first line.

    Args:
        plan: of the suite.
        repository: its root, from which GitHub wants paths; it is not always where the command was called.
    """
    from ganbench.suite.plan import trials_of

    suite, by_key = plan.suite, dict[str, str]()
    for path, block in suite.placed_blocks:
        for trial in trials_of(block):
            by_key.setdefault(trial.key, suite.place((*path, "losses", block.losses.index(trial.loss))))
    root = Path(repository).resolve() if repository is not None else None
    places = {}
    for trial in plan.trials:  # one that a search drew is in no matrix
        name, line, _ = by_key.get(trial.key, suite.place(("search",))).rsplit(":", 2)
        file = Path(name).resolve()
        place = file.relative_to(root) if root is not None and file.is_relative_to(root) else Path(name)
        places[trial.id] = (place, int(line) if line.isdecimal() else 1)
    return places


def _kind(row: Row) -> str:
    if not fails(row):
        return ""
    unknown = row.outcome in (Outcome.UNDERPOWERED, Outcome.UNDECIDED) or row.metric == WHOLE
    return "error" if unknown else "failure"


def _asks(row: Row) -> str:
    return "⚠️" if fails(row) else ""


def _message(text: str) -> str:
    return one_line(text, 500).replace("%", "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

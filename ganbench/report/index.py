"""The overview of many runs: `report/index.html` lists each with date, revision and headline, and links its page."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from urllib.parse import quote

from ganbench.core.errors import UsageError
from ganbench.core.file_set import MANIFEST
from ganbench.core.files import replaced
from ganbench.report.page import ICON
from ganbench.report.summary import AnalysedResults, summary
from ganbench.report.watch import page_name
from ganbench.tables.manifest import Times
from ganbench.tables.results import load

log = logging.getLogger("ganbench.report")
STYLE = """
:root { color-scheme: light dark; --rule: light-dark(#e3e6ea, #2c323a); --muted: light-dark(#5d646e, #9aa3ae) }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1.5rem;
  background: light-dark(#fff, #14171b); color: light-dark(#1b1f24, #e8eaed) }
h1, h2 { font-size: 1.3rem; font-weight: 600 } h2 { margin-top: 2.6rem }
a { color: light-dark(#00639c, #7cc4f0); text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% }
th, td { padding: .5rem 1.2rem .5rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule) }
th, td.nowrap + td ~ td { color: var(--muted); font-size: .88rem } th { font-weight: 400 }
td.nowrap, th.nowrap { white-space: nowrap } td:first-child { font-weight: 600 }
@media (max-width: 40rem) { table, tbody, tr, td { display: block; border: 0; padding: .1rem 0 } thead { display: none }
  tr { border-bottom: 1px solid var(--rule); padding: .6rem 0 }
  td.nowrap + td ~ td { display: inline-block; margin-right: .8rem } }
"""


@dataclass(frozen=True)
class Entry:
    """One run: its suite and name, when it ended, the revision that made it, its headlines, its page if it has one."""

    suite: str
    run: str
    times: Times
    revision: str
    headlines: tuple[str, ...]
    page: Path | None


def write_index(results: Path, report: Path) -> Path:
    """Write `report/index.html` over all runs below a results folder, the newest first, and return its path.

    A run that cannot be read is left out with a warning.

    Raises:
        UsageError: there is no run, or the page cannot be written.
    """
    entries = sorted(_entries(results, report), key=lambda entry: entry.times.finished, reverse=True)
    if not entries:
        raise UsageError(f"{results}: holds no run; give the folder of all suites' results, such as results")
    out = report / "index.html"
    try:
        with replaced(out, durable=False) as file:
            text = _html(entries, _others(entries, report), report)
            file.write(text.encode("utf-8", "replace"))  # names need be no UTF-8
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another folder with --report") from None
    return out


def _entries(results: Path, report: Path) -> Iterator[Entry]:
    newest: dict[str, tuple[int, str]] = {}
    entries: list[Entry] = []
    for folder in sorted(_folders(results)):
        try:
            read = load(folder)
            headlines = tuple(str(data["headline"]) for data in summary(AnalysedResults(read))["datasets"])
        except UsageError as problem:
            log.warning("%s", problem)
            continue
        name, git, times = page_name(folder), read.manifest.git, read.manifest.times
        revision = f"{git.commit[:10]}{' (changed)' if git.dirty else ''}" if git is not None else ""
        page = report / f"{name}.html"
        newest[name] = max(newest.get(name, times.order), times.order)
        entries.append(Entry(name, folder.name, times, revision, headlines, page if page.is_file() else None))
    # A suite's page is that of its newest run.
    for entry in entries:
        is_newest = entry.times.order == newest[entry.suite]
        yield entry if is_newest else replace(entry, page=None)


def _others(entries: list[Entry], report: Path) -> list[Path]:
    """Return the pages that are of no run here: of what changed, of cures, of monitored runs elsewhere."""
    of_runs = {entry.page for entry in entries}
    return [page for page in sorted(report.glob("*.html")) if page not in of_runs and page.name != "index.html"]


def _folders(results: Path) -> Iterator[Path]:
    """Yield the folders that have a manifest; those that this user may not look into are left out with a warning."""

    def warn(error: OSError) -> None:
        log.warning("%s: cannot be read (%s); left out", error.filename, str(error.strerror).lower())

    for folder, _, files in os.walk(results, onerror=warn):
        if MANIFEST in files:
            yield Path(folder)


def _html(entries: list[Entry], others: list[Path], report: Path) -> str:
    rows = "\n".join(_row(entry, report) for entry in entries)
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Suite", "Result", "Run", "Ended", "Revision"))
    links = "".join(f"<li>{_link(page, page.stem, report)}</li>" for page in others)
    more = f"<h2>Other pages</h2>\n<ul>{links}</ul>\n" if others else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>ganbench: all runs</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{ICON}">'
        f"<style>{STYLE}</style></head>\n<body><main><h1>All runs</h1>\n<table><thead><tr>{heads}</tr></thead><tbody>\n"
        f"{rows}\n</tbody></table>\n{more}</main></body></html>\n"
    )


def _row(entry: Entry, report: Path) -> str:
    suite = escape(entry.suite)
    if entry.page is not None:
        suite = _link(entry.page, entry.suite, report)
    ended = escape(entry.times.finished[:16].replace("T", " "))
    headlines = "<br>".join(escape(text) for text in entry.headlines)
    return (
        f'<tr><td class="nowrap">{suite}</td><td>{headlines}</td><td class="nowrap">{escape(entry.run)}</td>'
        f'<td class="nowrap">{ended}</td><td class="nowrap">{escape(entry.revision)}</td></tr>'
    )


def _link(page: Path, text: str, report: Path) -> str:
    return f'<a href="{quote(os.fsencode(os.path.relpath(page, report)))}">{escape(text)}</a>'

"""Tables to take along: CSV and JSON inside the page, behind links that need neither a script nor a request."""

from __future__ import annotations

import base64
import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.report.summary import AnalysedResults, summary
from ganbench.report.wording import count

if TYPE_CHECKING:
    import pandas as pd

JUDGED = ("extractor", "n_real", "n_fake")
MOST_BYTES = 450_000  # of a file; base64 adds a third
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Download:
    """A file in the page: its name, what it holds, and the link; without one, where to find it instead."""

    name: str
    what: str
    uri: str = ""
    instead: str = ""


def downloads(analysed: AnalysedResults) -> list[Download]:
    """Return the ranking and the runs as CSV and the summary as JSON; what is too large for a page says so."""
    ranked, runs = analysed.ranking, analysed.results.runs
    texts = (
        ("ranking.csv", count(len(ranked), "trial"), "text/csv", to_csv(with_floors(ranked, runs))),
        ("runs.csv", count(len(runs), "run"), "text/csv", to_csv(runs)),
        ("summary.json", "this page as data", "application/json", to_json(analysed)),
    )
    return [_download(name, what, kind, text) for name, what, kind, text in texts]


def with_floors(ranked: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the ranking with what its values depend on: `extractor n_real n_fake`, and each metric's `<metric>_floor`.

    They are those of a trial's first run that has them; a trial that failed has none.
    """
    names = [name for name in runs.columns if name in JUDGED or name.endswith("_floor")]
    return ranked.merge(runs.groupby("trial", sort=False)[names].first(), "left", left_on="trial", right_index=True)


def to_json(analysed: AnalysedResults) -> str:
    """Return the summary as strict JSON."""
    return json.dumps(summary(analysed), ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def to_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV (RFC 4180); missing values are empty, numbers are exact.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    Source: OWASP, "CSV Injection".
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([_text(name) for name in frame.columns])
    objects = frame.astype(object).where(frame.notna(), None)
    for row in objects.itertuples(index=False, name=None):
        writer.writerow([_text(value) for value in row])
    return file.getvalue()


def _text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _download(name: str, what: str, kind: str, text: str) -> Download:
    content = text.encode()
    if len(content) > MOST_BYTES:
        return Download(name, what, instead=f"{len(content) / 1e6:.1f} MB is too much for a page; read the tables")
    return Download(name, what, f"data:{kind};charset=utf-8;base64,{base64.b64encode(content).decode()}")

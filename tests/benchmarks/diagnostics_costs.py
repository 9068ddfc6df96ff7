"""What diagnostics cost: `python tests/benchmarks/diagnostics_costs.py FILE.json` writes the table into its page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ganbench.training.history import logged_steps, scheduled_steps

PAGE = Path(__file__).parents[2] / "docs/diagnostics.md"
START, END = "<!-- costs -->", "<!-- end of costs -->"
STEPS, LOG_EVERY = 4000, 50


def uses(diagnostic):
    """Return how often a trial of the suite's default length asks it."""
    logged, when = logged_steps(STEPS, LOG_EVERY), diagnostic.schedule()
    return len(scheduled_steps(logged, when, STEPS))


def markdown(rows):
    """Return the part of the page that shows the table."""
    lines = [f"Measured on {rows[0]['machine']}, for 8 seeds of two networks of two layers of 64, batch 64.", ""]
    lines += ["| diagnostic | one use, in plain steps | share of 4,000 steps |", "| --- | --- | --- |"]
    for row in sorted(rows, key=lambda row: row["share"]):
        lines.append(f"| `{row['diagnostic']}` | {row['use']:.2f} | {100 * row['share']:.2f} % |")
    return "\n".join(lines)


if __name__ == "__main__":
    benchmarks = json.loads(Path(sys.argv[1]).read_text())["benchmarks"]
    rows = [b["extra_info"] for b in benchmarks if "diagnostic" in b["extra_info"]]
    page = PAGE.read_text()
    before, rest = page.split(START)
    PAGE.write_text(f"{before}{START}\n{markdown(rows)}\n{END}{rest.split(END)[1]}")

"""The committed page is what the code makes of the committed run."""

from __future__ import annotations

from pathlib import Path

import ganbench
from ganbench.report.page import render

ROOT = Path(__file__).parents[2]
REMEDY = "make it again as results/baselines/collapse_cures/README.md says, and look at it"


def test_the_reference_page_is_what_the_code_makes():
    made = render(ganbench.load(ROOT / "results/baselines/collapse_cures"))
    kept = (ROOT / "report/reference.html").read_text(encoding="utf-8")
    differs = next((i for i, (a, b) in enumerate(zip(made, kept, strict=False)) if a != b), min(len(made), len(kept)))
    assert made == kept, f"{REMEDY}; from character {differs}: {made[differs : differs + 80]!r}"

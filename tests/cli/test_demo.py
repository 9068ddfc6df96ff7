"""`ganbench demo` ends with a story and a page; `tests/verify/test_demo.py` holds that the story ends well."""

import re
from types import SimpleNamespace
from typing import cast

import pandas as pd

import ganbench
from ganbench.cli import demo_command
from ganbench.cli.main import main
from ganbench.loaded import Results
from tests.helpers import ROOT


def test_it_tells_what_is_on_the_page(tmp_path, monkeypatch, capsys):
    text = (ROOT / "suites/demo.yaml").read_text()
    for line, shorter in (("steps: 1000", "steps: 200"), ("batch: 128", "batch: 32"), ("seeds: 4", "seeds: 2")):
        assert line in text
        text = text.replace(line, shorter)
    (tmp_path / "demo.yaml").write_text(text)
    monkeypatch.setattr(demo_command, "suite_names", lambda: {"demo": tmp_path / "demo.yaml"})
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    runs = ganbench.load("results/demo").runs
    for label, of_label in runs.groupby("label"):
        modes = ", ".join(f"{count:.0f}" for count in of_label["modes_captured"])
        assert f"{label}: {modes} of 8 modes at the end, with seeds 0, 1." in said
        assert any(f"  {verdict} in " in said for verdict in of_label["verdict"])
    assert re.search(r"^open    file:///.*/report/demo\.html$", said, re.M)
    assert (tmp_path / "report/demo.html").read_text().startswith("<!DOCTYPE html>")


def test_a_cured_ring_is_told_last_and_without_a_remedy():
    runs = pd.DataFrame(
        {
            "run": ["a", "b"],
            "label": ["cured", "lost"],
            "seed": 0,
            "verdict": ["healthy", "total collapse"],
            "modes_captured": [8.0, 1.0],
            "known_modes": 8.0,
            "stopped_at": [float("nan"), 372.0],
        }
    )
    evidence = runs.assign(evidence="what was seen", remedy=["nothing to fix", "add r1"])
    results = cast(Results, SimpleNamespace(runs=runs, verdicts=lambda: evidence))
    assert list(demo_command._story(results)) == [
        "lost: 1 of 8 modes at the end, with seeds 0. It was ended at step 372.",
        "  total collapse in 1 of 1 seeds: what was seen",
        "  try: add r1",
        "cured: 8 of 8 modes at the end, with seeds 0.",
        "  healthy in 1 of 1 seeds: what was seen",
    ]

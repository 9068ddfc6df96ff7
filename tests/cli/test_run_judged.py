"""What a run says in the terminal: each number beside that of real samples, and on how many it was taken."""

from __future__ import annotations

import re

from ganbench.cli.main import main
from ganbench.tables.results import find_run, load

SUITE = """
datasets: [ring]
networks: [mlp: {width: 8, depth: 1}]
losses: [hinge]
seeds: 2
steps: 8
batch: 16
log_every: 4
evaluate: {every: 8, samples: 400}
"""


def test_floor_and_sample_sizes_are_said(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SUITE)
    assert main(["run", "small.yaml", "--executor", "local"]) == 0
    out, err = capsys.readouterr()
    assert "judged  ring: 400 generated against 400 held-out real samples, features coordinates" in out
    runs = load(find_run(tmp_path / "results/small")).runs
    for column, label in (("modes_captured", "modes"), ("fid", "fid")):
        (value, floor), *_ = re.findall(rf"{label} ([\d.e-]+) \(real ([\d.e-]+)\)", err)
        assert float(value) == float(f"{runs[column].mean():.3g}")
        assert float(floor) == float(f"{runs[column + '_floor'].iloc[0]:.3g}")


def test_a_run_without_any_result_ends_with_its_page(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "late.yaml").write_text("datasets: [ring]\nseeds: 2\nsteps: 1000000\nresources: {timeout: 1s}\n")
    assert main(["run", "late.yaml", "--executor", "local"]) == 4
    out = capsys.readouterr().out
    assert "judged" not in out and "report/late.html" in out
    assert main(["report", "results/late", "--markdown"]) == 0
    assert "No run got so far" in capsys.readouterr().out

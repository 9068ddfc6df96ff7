"""`ganbench export`: every figure and table in every form, the same numbers as in Python, and nothing unescaped."""

import csv
import dataclasses
import io
import os

import numpy as np
import pytest

import ganbench
from ganbench.cli.main import main
from ganbench.core.trial import Choice
from ganbench.losses.hinge import Hinge
from tests.helpers.made_tables import made_run, made_tables, seeded

MAGIC = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}


@pytest.fixture
def run(tmp_path):
    first, second = seeded(3), dataclasses.replace(seeded(3), loss=Choice.of(Hinge()))
    tables = {
        first: made_tables(first, modes_captured=[8.0, 7.0, 6.0]),
        second: made_tables(second, modes_captured=[1.0, 2.0, np.nan]),
    }
    return made_run(tmp_path / "made", tables)


def export(run, tmp_path, *arguments):
    assert main(["export", str(run), "--out", str(tmp_path / "out"), *arguments]) == 0
    return tmp_path / "out" / "made"


@pytest.mark.parametrize("form", MAGIC)
def test_figures_are_files_of_their_kind(run, tmp_path, form):
    folder = export(run, tmp_path, "--figures", form, "--tables", "none", "--curve", "loss_g", "--dpi", "60")
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.{form}" for name in ("curve_loss_g", "map_modes_captured", "samples")}
    assert all(path.read_bytes().startswith(MAGIC[form]) for path in folder.iterdir())


def test_equal_tables_give_equal_files(run, tmp_path):
    arguments = ["--tables", "none", "--figures", "svg", "--curve", "loss_g"]
    first = {path.name: path.read_bytes() for path in export(run, tmp_path / "a", *arguments).iterdir()}
    assert first == {path.name: path.read_bytes() for path in export(run, tmp_path / "b", *arguments).iterdir()}


def test_csv_has_every_digit(run, tmp_path):
    text = (export(run, tmp_path, "--figures", "none", "--tables", "csv") / "ranking.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = ganbench.load(run).ranking(full=True)
    assert [float(row["modes_captured_mean"]) for row in rows] == expected["modes_captured_mean"].tolist()
    assert [row["label"] for row in rows] == [label for label in ganbench.load(run).runs["label"].unique()]


def test_latex_and_markdown_show_means_with_intervals(run, tmp_path):
    best = ganbench.load(run).ranking(full=True).iloc[0]
    cell = f"{best['modes_captured_mean']:.3g} [{best['modes_captured_low']:.3g}, {best['modes_captured_high']:.3g}]"
    tex = (export(run, tmp_path, "--figures", "none") / "ranking.tex").read_text()
    assert cell in tex and tex.startswith("\\begin{tabular}{") and "modes\\_captured" in tex
    assert not [line for line in tex.splitlines() if line.count("\\\\") > 1]
    markdown = (export(run, tmp_path, "--figures", "none", "--tables", "markdown") / "ranking.md").read_text()
    assert cell.replace("[", "\\[").replace("]", "\\]") in markdown


def test_hostile_names_are_text(tmp_path):
    trial = seeded(1)
    tables = made_tables(trial)
    tables.runs["loss"] = r"\input{/etc/passwd}&%$#"
    run = made_run(tmp_path / "made", {trial: tables})
    tex = (export(run, tmp_path, "--figures", "none", "--only", "ranking") / "ranking.tex").read_text()
    assert r"\input" not in tex and r"\textbackslash{}input\{/etc/passwd\}\&\%\$\#" in tex


def test_an_unknown_curve_is_one_line(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "out"), "--curve", "nothing"]) == 2
    assert "no curve 'nothing' (known: loss_g)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()  # nothing was written before


@pytest.mark.parametrize("name", ["ranking.tex", "curve_loss_g.pdf"])
def test_a_folder_in_the_place_of_a_file_is_one_line(run, tmp_path, capsys, name):
    place = tmp_path / "out/made" / name
    place.mkdir(parents=True)
    assert main(["export", str(run), "--out", str(tmp_path / "out"), "--curve", "loss_g"]) == 2
    assert capsys.readouterr().err.startswith(f"ganbench: {place}: cannot be written (")


def test_a_link_in_the_place_of_the_folder_is_not_followed(run, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")  # which the option names: it may be one
    (tmp_path / "real/made").symlink_to(tmp_path / "elsewhere")
    assert main(["export", str(run), "--out", str(tmp_path / "out"), "--figures", "none"]) == 2
    assert "out/made: is a link where ganbench keeps a folder" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "real/made").unlink()
    assert export(run, tmp_path, "--figures", "none").is_dir()


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(run, tmp_path):
    places = [tmp_path / "out/made" / name for name in ("ranking.tex", "curve_loss_g.pdf")]
    places[0].parent.mkdir(parents=True)
    for place in places:
        os.mkfifo(place)
    export(run, tmp_path, "--curve", "loss_g")
    assert all(place.is_file() for place in places)


def test_a_column_that_looks_like_a_path_leads_nowhere(tmp_path):
    trial = seeded(1)
    tables = made_tables(trial)
    declared = {**tables.columns, "/../../x": dataclasses.replace(tables.columns["loss_g"], name="/../../x")}
    tables = dataclasses.replace(
        tables, history=tables.history.rename(columns={"loss_g": "/../../x"}), columns=declared
    )
    run = made_run(tmp_path / "made", {trial: tables})
    folder = export(run, tmp_path, "--tables", "none", "--figures", "svg", "--curve", "/../../x")
    assert "curve_%2F..%2F..%2Fx.svg" in {path.name for path in folder.iterdir()}

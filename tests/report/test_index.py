"""`ganbench report RESULTS --index`: every run with its headline, the newest first, links to pages that are there."""

import errno
import os
import re
from urllib.parse import unquote

import pytest

from ganbench.cli.main import main
from ganbench.tables.results import find_run
from tests.helpers.made_tables import made_run, made_tables, seeded
from tests.helpers.present import present


def index(results, report):
    assert main(["report", str(results), "--index", "--report", str(report)]) == 0
    return (report / "index.html").read_text()


@pytest.fixture
def results(tmp_path):
    for seeds, finished, name in ((1, "2026-01-01T10:00:00", "old"), (2, "2026-02-01T10:00:00", "new")):
        trial = seeded(seeds)
        made_run(tmp_path / "results/made", {trial: made_tables(trial)}, finished, name)
    return tmp_path / "results"


def test_all_runs_are_there_the_newest_first(results, tmp_path):
    page = index(results, tmp_path / "report")
    rows = re.findall(r"<tr><td.*?</tr>", page)
    assert [present(re.search("old|new", row))[0] for row in rows] == ["new", "old"]
    assert "2026-02-01 10:00" in rows[0] and "<a " not in page
    assert all("modes" in row.lower() for row in rows), "each has its headline"


def test_the_page_of_a_suite_is_linked_at_its_newest_run(results, tmp_path):
    assert main(["report", str(results / "made/new"), "--report", str(tmp_path / "report")]) == 0
    page = index(results, tmp_path / "report")
    assert re.findall(r'<a href="(.*?)"', page) == ["made.html"]
    assert '<a href="made.html">' in re.findall(r"<tr><td.*?</tr>", page)[0]


def test_pages_of_no_run_here_are_linked_below(results, tmp_path):
    report = tmp_path / "report"
    assert main(["report", str(results / "made/new"), "--report", str(report)]) == 0
    (report / "made <cures>.html").write_text("a page")
    index(results, report)
    page = index(results, report)  # the second time there is an index, which is no other page
    assert re.findall(r"<li>(.*?)</li>", page) == ['<a href="made%20%3Ccures%3E.html">made &lt;cures&gt;</a>']


def test_what_a_run_says_is_text(tmp_path):
    trial = seeded(1)
    tables = made_tables(trial)
    tables.runs["loss"] = "<script>alert(1)</script>"
    made_run(tmp_path / "results/made", {trial: tables})
    assert "<script>" not in index(tmp_path / "results", tmp_path / "report")


def test_a_damaged_run_is_left_out_with_a_warning(results, tmp_path, caplog):
    (results / "made/old/runs.parquet").write_bytes(b"no table")
    page = index(results, tmp_path / "report")
    assert "new" in page and "old" not in re.findall(r"<tbody>.*</tbody>", page, re.S)[0]
    assert "runs.parquet" in caplog.text


@pytest.mark.parametrize("more", [["--json"], ["--watch"], ["results"]])
def test_it_stands_alone(results, tmp_path, more, capsys):
    assert main(["report", str(results), "--index", *more]) == 2
    assert "--index takes one folder" in capsys.readouterr().err


def test_no_run_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path), "--index", "--report", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_names_may_be_no_utf8_and_links_lead_to_pages_of_any_name(results, tmp_path):
    odd = os.fsdecode(b"run\xff")
    (results / "made/old").rename(results / "made" / odd)
    (results / "made").rename(results / "a#b%41")
    assert main(["report", str(results / "a#b%41/new"), "--report", str(tmp_path / "report")]) == 0
    page = index(results, tmp_path / "report")
    (link,) = re.findall(r'<a href="(.*?)"', page)
    assert (tmp_path / "report" / unquote(link)).is_file() and "#" not in link and "run?" in page


def test_what_this_user_may_not_read_is_said(results, tmp_path, monkeypatch, caplog):
    """Another user has run the suite last, with a umask of 077."""
    closed = str(results / "made/new")
    for name in ("stat", "lstat", "scandir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name), closed))
    page = index(results, tmp_path / "report")
    assert page.count("<tr><td") == 1 and f"{closed}: cannot be read (permission denied); left out" in caplog.text
    caplog.clear()
    assert find_run(results / "made") == results / "made/old"
    assert f"{closed}/manifest.json: cannot be read" in caplog.text


def refusing(act, closed):
    def refuse(path=".", *arguments, **options):
        text = os.fspath(path) if not isinstance(path, int) else ""
        if text.startswith(f"{closed}/") or (text == closed and act.__name__ == "scandir"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), text)
        return act(path, *arguments, **options)

    return refuse

"""The documentation's site builds without a warning, and what its pages and notebooks show is run."""

import re
import subprocess
import sys

import pytest

from tests.helpers import ROOT

mkdocs = pytest.importorskip("mkdocs")
PAGES = ("index", "how_many", "own_loss", "teachers")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))


def build(folder, *arguments):
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_the_site_builds_strictly(tmp_path):
    done = build(tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    api = (tmp_path / "site/api.html").read_text()
    assert "ganbench.Monitor" in api and "Raises" in api


def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("[nowhere](nowhere.md)\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text("site_name: x\nstrict: true\ntheme: {name: material, font: false}\n")
    done = build(tmp_path / "site", "--config-file", str(config))
    assert done.returncode == 1 and "nowhere.md" in done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / f"docs/{page}.md").read_text())
    assert blocks
    # Dataclasses look their module up, which the text of a page does not have.
    script = tmp_path / f"{page}.py"
    script.write_text("\n\n".join(blocks))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # what they print is of the reader's machine
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()


def test_there_are_three_notebooks():
    assert len(NOTEBOOKS) == 3

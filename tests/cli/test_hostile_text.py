"""Names and texts of others that look like markup or like "not available": every command takes them as text.

Components of an imported file may have any parameters, and a name such as `NA`; a suite any description.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ganbench.cli.main import main
from tests.helpers.own_components import forgotten
from tests.report.test_page_contract import Document

EVIL = (
    "NA|<blink>x</blink></script><script>alert(1)</script>\"'`a`` [l](javascript:0) @all #1 *s* {{ 7 * 7 }} "
    "&lt;blink&gt; | --- |\\"
)
PLUGIN = """
from dataclasses import dataclass
from ganbench.datasets.ring import Ring
from ganbench.losses.hinge import Hinge
from ganbench.networks.mlp import MLP
from ganbench.tricks.r1 import R1

TEXT = {text!r}

@dataclass(frozen=True)
class NoData(Ring):
    name, source, addresses = "NA", TEXT, TEXT
    text: str = ""

@dataclass(frozen=True)
class NoLoss(Hinge):
    name, source, addresses = "NaN", TEXT, TEXT
    text: str = ""

@dataclass(frozen=True)
class NoNetwork(MLP):
    name, source, addresses = "nan", TEXT, TEXT
    text: str = ""

@dataclass(frozen=True)
class NoTrick(R1):
    name, source, addresses = "None", TEXT, TEXT
    text: str = ""

for cls in (NoData, NoLoss, NoNetwork, NoTrick):
    cls.__doc__ = TEXT
"""
SUITE = """
name: "NA"
description: {text}
datasets: [NA, {{NA: {{text: {text}}}}}]
networks: [{{nan: {{latent: 4, width: 8, text: {text}}}}}]
losses: [NaN]
tricks: [none, "None"]
seeds: 2
steps: 10
batch: 16
log_every: 5
evaluate: {{every: 5, samples: 50}}
"""


@dataclass(frozen=True)
class Called:
    """What runs the command line in a folder, and returns what it prints."""

    folder: Path

    def __call__(self, capsys, *words):
        code = main(list(words))
        out, err = capsys.readouterr()
        assert code in (0, 1) and "Traceback" not in err, err
        return out


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Run the suite in a folder of its own and return what calls the command line there."""
    folder = tmp_path_factory.mktemp("hostile")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    (folder / "plugin.py").write_text(PLUGIN.format(text=EVIL))
    quoted = "'" + EVIL.replace("'", "''") + "'"
    (folder / "NA.yaml").write_text(SUITE.format(text=quoted))

    with forgotten():
        assert main(["run", "NA.yaml", "--import", "plugin.py", "--executor", "local"]) == 0
        assert main(["baseline", "save", "results/NA", "--as", "NA"]) == 0
        yield Called(folder)
    patch.undo()


def assert_inert(text):
    """Raise AssertionError where a page has an element of the text's, or its own script is not the only one."""
    document = Document(text)
    names = [name for name, _ in document.elements]
    assert names.count("script") <= 1 and "blink" not in names and document.unclosed == []
    assert not [value for value in document.values("href", "src") if "javascript:" in value]


def assert_plain(markdown):
    """Raise AssertionError where Markdown has a tag, a link, a mention, code or a column more than its head."""
    assert not re.search(r"(?i)</?(blink|script)\b", markdown)
    assert not re.search(r"(?<!\\)\[l|(?<!\\)@all|(?<!\\)`a|(?<!\\)#1|(?<!\\)\*s", markdown)
    for table in re.findall(r"(?:^\|.*\n)+", markdown, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize("words", [["report", "results/NA"], ["report", "results", "--index"]])
def test_pages(call, capsys, words):
    before = set(call.folder.rglob("*.html"))
    call(capsys, *words, "--report", "pages")
    pages = sorted(set(call.folder.rglob("*.html")) - before)
    assert pages
    for page in pages:
        text = page.read_text()
        assert "alert(1)" in text or "index" in page.name
        assert_inert(text)


@pytest.mark.parametrize(
    "words",
    [
        ["report", "results/NA", "--markdown"],
        ["compare", "results/NA", "results/NA", "--markdown", "--all"],
        ["check", "results/NA", "--baseline", "NA", "--markdown", "--all"],
    ],
)
def test_markdown(call, capsys, words):
    assert_plain(call(capsys, *words))

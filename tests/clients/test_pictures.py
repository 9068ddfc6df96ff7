"""What docs/monitor.md says beside its pictures is what the monitor says of the loops that they are of."""

import re

import pytest

from tests.clients.pictures import CASES, draw
from tests.helpers import ROOT

NEAR = 8  # steps: two looks are four apart, and another processor rounds otherwise


@pytest.mark.parametrize("name", CASES)
def test_the_page_says_when_it_was_said(name, tmp_path):
    said = draw(name, tmp_path)
    row = next(line for line in (ROOT / "docs/monitor.md").read_text().splitlines() if f"(monitor_{name}.png)" in line)
    at_page, at_loop = (re.findall(r"step (\d+)", text) for text in (row, said[0] if said else ""))
    if not at_page:
        assert not said and "nothing is said" in row
    else:
        assert abs(int(at_page[0]) - int(at_loop[0])) <= NEAR, said
    assert all(verdict in said[0] for verdict in re.findall(r"`([^`]+)`", row)), said

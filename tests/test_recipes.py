"""CONTRIBUTING's recipe for a loss, as it is printed: its file and its test are all that a loss needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import Tensor

from ganbench.cli.catalogue import catalogue
from ganbench.core import registry
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from tests.helpers import ROOT
from tests.helpers.oracles import LossOracle


def test_a_loss_is_its_file_and_its_test(monkeypatch):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    file, test = (block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if '"my_loss"' in block)
    known = {"dataclass": dataclass, "HARD": HARD, "Loss": Loss, "LossOracle": LossOracle}
    scope = {"__name__": "ganbench.losses.my_loss", "Tensor": Tensor, "Targets": Targets, **known}
    exec(file, scope)
    monkeypatch.setitem(registry._all_components()["loss"], "my_loss", scope["MyLoss"])
    exec(test, scope)
    scope["test_the_loss_is_that_of_the_paper"]()
    page = catalogue().split("\n### my_loss\n")[1].split("\n### ")[0]
    for words in ("Author et al. 2026", "addresses"):
        assert words in page

"""The examples run as they are written, at a small size, and what they leave can be read."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import numpy as np
import pytest

import ganbench
from ganbench.assets.fidelity import import_torchvision
from ganbench.report.page import write_report
from tests.helpers import ROOT

EXAMPLES = ROOT / "examples"
SMALL = {"log_every": 5, "evaluate_every": 5, "samples": 100}


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name: str, needs: str = ""):
        if needs and importlib.util.find_spec(needs) is None:
            pytest.skip(f"{needs} is not installed")
        if needs:
            import_torchvision()  # both import it, and a build for another torch would stop them
        sys.modules.pop(name, None)
        return importlib.import_module(name)

    return load


def check(folder, steps):
    results = ganbench.load(folder).tables
    assert results.runs["status"].tolist() == ["OK"] and results.runs["steps"].tolist() == [steps]
    assert results.history["step"].max() >= steps - 5
    for column in ("grad_norm_g", "grad_norm_d", "update_ratio_g", "real_logit_mean", "d_auc", "loss_slope"):
        values = results.history[column].dropna()
        assert len(values) >= steps // 5 and np.isfinite(values).all(), column
    assert results.history["total_spread"].notna().sum() >= steps // 5
    assert set(results.layers["network"]) == {"G", "D"} and len(results.samples) == 1
    page = write_report(folder, folder.parent / "page.html").read_text()
    assert "Gradient, generator" in page
    return results


def test_plain_dcgan(example, tmp_path):
    monitor = example("dcgan_digits").train(tmp_path / "run", steps=30, **SMALL)
    assert "modes_captured" in check(monitor.folder, 30).history


def test_lightning(example, tmp_path):
    monitor = example("lightning_gan", "lightning").train(tmp_path / "run", steps=30, **SMALL)
    results = check(monitor.folder, 30)
    # Clipped at 1, yet what is logged is from before.
    assert bool(results.history["grad_norm_d"].max() > 1)


def test_torchgan(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monitor = example("torchgan_trainer", "torchgan").train(tmp_path / "run", epochs=1, batch=8, images=240, **SMALL)
    check(monitor.folder, 30)

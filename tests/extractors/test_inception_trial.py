"""A whole trial on images with Inception's real code on random weights, from the command to the tables, by Ray."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.assets.fidelity import import_torchvision
from ganbench.core.errors import GanbenchError

pytestmark = [pytest.mark.verify, pytest.mark.alone]

SUITE = """
datasets: [image_folder: {folder: FOLDER, size: 8, extractor: inception}]
networks: [r3gan: {channels: 8}]
losses: [hinge]
seeds: 2
steps: 2
batch: 8
evaluate: {every: 2, samples: 12, metrics: [fid, kid, precision_recall]}
"""


@pytest.fixture(scope="module")
def state():
    import_torchvision()
    module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(0)
        patch.setattr(module, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        return module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"]).state_dict()


def test_a_trial_by_ray_reads_the_named_weights_and_other_weights_are_never_compared(state, tmp_path):
    from ganbench.analysis.comparison_results import compare_results
    from ganbench.analysis.comparison_rules import Rules
    from ganbench.tables.results import load

    (tmp_path / "images" / "all").mkdir(parents=True)
    random = np.random.default_rng(0)
    for i in range(80):
        pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / "all" / f"{i:02d}.png")
    (tmp_path / "suite.yaml").write_text(SUITE.replace("FOLDER", str(tmp_path / "images")))
    runs = []
    for scale in (1, 2):
        weights = tmp_path / f"weights{scale}.pth"
        torch.save({n: scale * w if w.is_floating_point() else w for n, w in state.items()}, weights)
        results = tmp_path / f"results{scale}"
        command = [sys.executable, "-m", "ganbench", "run", str(tmp_path / "suite.yaml"), "--results", str(results)]
        done = subprocess.run(
            [*command, "--weights", f"inception={weights}"], capture_output=True, text=True, timeout=280, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (table,) = [p for p in results.rglob("runs.parquet") if "parts" not in p.parts]
        runs.append(load(table.parent))
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
        assert set(runs[-1].runs["extractor"]) == {f"inception {digest}"}
        for column in ("fid", "fid_floor", "kid", "precision", "n_real", "n_fake"):
            assert runs[-1].runs[column].notna().all(), column
    with pytest.raises(GanbenchError, match="extractor"):
        compare_results(runs[0], runs[1], Rules())

"""Finished trials and the weights that judged them."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from ganbench.core.errors import UsageError
from ganbench.extractors.digits import Digits
from ganbench.sweep.inputs import prepare_inputs, require_same_extractors
from ganbench.tables import part_store
from tests.helpers.trials import small_trial


@pytest.fixture
def finished(monkeypatch, tmp_path):
    """One finished trial on digits, judged by weights `aaaa`."""
    trial = small_trial(dataset=("digits", {}))
    runs = pd.DataFrame({"extractor": ["digits aaaa", None]})
    monkeypatch.setattr(part_store, "read_table", lambda folder, key, table, columns: runs)
    return SimpleNamespace(trial=trial, key=trial.key, folder=tmp_path)


def test_other_weights_are_refused_beside_finished_trials(finished, monkeypatch):
    monkeypatch.setattr(Digits, "weights_hash", lambda self: "bbbb", raising=False)
    with pytest.raises(UsageError, match="judged by digits aaaa, .* digits bbbb; .*--results") as error:
        require_same_extractors([finished])
    assert "\n" not in str(error.value)


def test_the_same_weights_and_absent_ones_pass(finished, monkeypatch):
    monkeypatch.setattr(Digits, "weights_hash", lambda self: "aaaa", raising=False)
    require_same_extractors([finished])

    def absent(self):
        raise UsageError("no weights")

    monkeypatch.setattr(Digits, "weights_hash", absent)
    require_same_extractors([finished])


def test_all_missing_data_sets_are_named_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path))
    names = ["mnist", "cifar10"]
    with pytest.raises(UsageError) as error:
        prepare_inputs([small_trial(dataset=(name, {}), network=("dcgan", {})) for name in [*names, "digits"]])
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and all(f"ganbench data get {name}" in line for name, line in zip(names, lines, strict=True))
    with pytest.raises(UsageError, match="ganbench data get mnist") as error:
        prepare_inputs([small_trial(dataset=("mnist", {}), network=("dcgan", {}))])
    assert "\n" not in str(error.value)

"""Finished trials and the weights that judged them."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from ganbench.core.errors import UsageError
from ganbench.extractors.digits import Digits
from ganbench.sweep.inputs import require_same_extractors
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

"""A run's pictures are read one trial at a time, and their file is checked whenever it was written to."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from ganbench.core.errors import UsageError
from ganbench.tables.results import load
from tests.helpers.fake_results import fake_results, save


@pytest.fixture
def hashed(monkeypatch):
    """Return a list that gets an entry for each file whose whole content is hashed."""
    seen, digest = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: (seen.append(1), digest(*given))[1])
    return seen


def test_the_file_is_held_against_its_checksum_once_and_again_when_it_was_written_to(tmp_path, hashed):
    folder = save(fake_results(trials=4, seeds=2), tmp_path / "run")
    samples = load(folder).samples
    first, second, *_ = samples
    hashed.clear()
    for trial in (first, second, first, second):
        assert len(samples[trial]["steps"])
    assert len(hashed) == 1
    with (folder / "samples.npz").open("r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(UsageError, match="its checksum is another"):
        samples[first]
    assert len(hashed) > 1


def test_what_is_done_to_a_trials_pictures_stays_with_who_did_it(tmp_path):
    samples = load(save(fake_results(trials=3, seeds=2), tmp_path / "run")).samples
    trial = next(iter(samples))
    before = samples[trial]["real"].copy()
    samples[trial]["real"][:] = 0
    assert np.array_equal(samples[trial]["real"], before)

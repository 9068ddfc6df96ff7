"""Every test runs on one thread: two on a busy machine are slower and no more exact."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

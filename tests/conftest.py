"""Every test runs on one thread: two on a busy machine are slower and no more exact."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / folder) for folder in ("", "benchmarks", "monitor", "sweep")]


@pytest.fixture(autouse=True)
def one_thread():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)

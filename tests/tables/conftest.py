import numpy as np
import pytest

from ganbench.tables import part_store
from tests.helpers.made_tables import made_tables, seeded

TRIAL = seeded(2)


@pytest.fixture
def folder(tmp_path):
    """Return a results folder with one part."""
    part_store.write_part(tmp_path, TRIAL.key, made_tables(TRIAL, modes_captured=[8.0, np.nan], fid=[0.1, np.nan]))
    return tmp_path


@pytest.fixture
def part(folder):
    """Return the folder of that part."""
    return folder / "parts" / TRIAL.key

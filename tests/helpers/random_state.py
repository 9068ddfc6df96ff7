"""The global random generators, which nothing may touch."""

from __future__ import annotations

import random

import numpy as np
import torch


def random_state() -> list[object]:
    """Return the state of all three, to be compared by `==`."""
    of_numpy = np.random.get_state(legacy=False)["state"]
    return [torch.get_rng_state().tolist(), of_numpy["key"].tolist(), of_numpy["pos"], random.getstate()]

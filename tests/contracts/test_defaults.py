"""The defaults are those of the papers; where a paper leaves one open, the value in common use."""

from __future__ import annotations

import pytest

from ganbench.core import registry

# component: {parameter: value}, with the place it is from.
TRICKS = {
    "one_sided_label_smoothing": {"real": 0.9},  # Salimans 2016, section 3.4
    "two_sided_label_smoothing": {"real": 0.9, "fake": 0.1},
    "packing": {"m": 2},  # Lin 2018, PacGAN2
    "minibatch_discrimination": {"kernels": 100, "dimensions": 5},  # Salimans 2016, code for MNIST
    "minibatch_stddev": {"size": 4},  # Karras 2018
    "gradient_penalty": {"weight": 10.0, "one_sided": False},  # Gulrajani 2017
    "dragan": {"weight": 10.0},  # Kodali 2017
    "lecam": {"weight": 0.3},  # Tseng 2021
    "weight_clipping": {"c": 0.01},  # Arjovsky 2017
    "orthogonal_regularization": {"beta": 1e-4},  # Brock 2019
    "consensus": {"gamma": 10.0},  # Mescheder 2017
    "lookahead": {"k": 5, "alpha": 0.5},  # Chavdarova 2021
    "unrolled": {"steps": 5},  # Metz 2016
    "top_k": {"gamma": 0.99, "floor": 0.5},  # Sinha 2020
    "replay_buffer": {"size": 50, "p": 0.5},  # Shrivastava 2017; Zhu 2017
    "diff_augment": {"shift": 0.125, "cutout": 0.5},  # Zhao 2020
    "ada": {"target": 0.6, "ramp": 500_000},  # Karras 2020
    "spectral_norm": {"iterations": 1},  # Miyato 2018
}


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_defaults_of_tricks(name):
    parameters = registry.find("trick", name)().parameters
    assert {key: parameters[key] for key in TRICKS[name]} == TRICKS[name]


def test_label_flipping_is_rare():
    assert 0 < registry.find("trick", "label_flipping")().parameters["p"] <= 0.05


def test_adam_is_that_of_gans():
    assert registry.find("optimizer", "adam")().betas == (0.5, 0.999)  # Radford 2016

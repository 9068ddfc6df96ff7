"""The defaults are those of the papers; where a paper leaves one open, this says so.

Every parameter of every trick is in one of the two tables, and those of a loss are in its own test, so that none gets
its default by accident. Values marked with a repository were read in the authors' public code.
"""

from __future__ import annotations

import pytest

from ganbench.core import registry

# kind, component: {parameter: value}, with the place it is from.
PAPERS = {
    ("trick", "one_sided_label_smoothing"): {"real": 0.9},  # Salimans 2016, section 3.4
    ("trick", "two_sided_label_smoothing"): {"real": 0.9, "fake": 0.1},  # what section 3.4 begins from
    ("trick", "packing"): {"m": 2},  # Lin 2018: PacGAN2, the first of m = 2, 3, 4
    ("trick", "minibatch_discrimination"): {"kernels": 100, "dimensions": 5},  # openai/improved-gan: CIFAR-10 and SVHN
    ("trick", "minibatch_stddev"): {"size": 4},  # tkarras/progressive_growing_of_gans
    ("trick", "gradient_penalty"): {"weight": 10.0, "one_sided": False},  # Gulrajani 2017, algorithm 1 and section 4
    ("trick", "dragan"): {"weight": 10.0, "reach": 0.5},  # Kodali 2017; kodalinaveen3/DRAGAN
    ("trick", "r1"): {"gamma": 10.0},  # Mescheder 2018, section 5
    ("trick", "r2"): {"gamma": 10.0},  # the same
    # λ = 100 without the ½ in the paper; its code has 10 on points and 500 on three digits.
    ("trick", "zero_centered_gp"): {"gamma": 200.0},
    # google/lecam-gan: 0.3 and 1000 in BigGAN's scripts; 0.99 in StyleGAN2's loss (BigGAN's has 0.9).
    ("trick", "lecam"): {"weight": 0.3, "decay": 0.99, "warm_up": 1000},
    ("trick", "weight_clipping"): {"c": 0.01},  # Arjovsky 2017, algorithm 1; martinarjovsky/WassersteinGAN
    ("trick", "orthogonal_regularization"): {"beta": 1e-4},  # Brock 2019, section 3.1
    ("trick", "feature_matching"): {"weight": 1.0},  # Salimans 2016, section 3.1: the norm is the whole objective
    ("trick", "historical_averaging"): {"weight": 1.0},  # section 3.3: the term has no factor
    ("trick", "mode_seeking"): {"weight": 1.0},  # Mao 2019; HelenMao/MSGAN's DCGAN, which has 1e-5 under the ratio too
    ("trick", "top_k"): {"gamma": 0.99, "floor": 0.5},  # Sinha 2020, section 4
    ("trick", "consensus"): {"gamma": 10.0},  # LMescheder/TheNumericsOfGANs: the default and all but one experiment
    ("trick", "lookahead"): {"k": 5, "alpha": 0.5},  # Chavdarova/LAGAN-Lookahead_Minimax
    ("trick", "unrolled"): {"steps": 5},  # poolio/unrolled_gan
    ("trick", "gradient_clipping"): {"by": "norm"},  # Pascanu 2013, algorithm 1
    ("trick", "replay_buffer"): {"size": 50, "p": 0.5},  # Zhu 2017, section 4
    ("trick", "latent"): {"distribution": "uniform"},  # Radford 2016, section 4
    ("trick", "diff_augment"): {  # Zhao 2020; mit-han-lab/data-efficient-gans
        "policy": ["colour", "translation", "cutout"],
        "shift": 0.125,
        "cutout": 0.5,
    },
    ("trick", "ada"): {"target": 0.6, "ramp": 500_000},  # Karras 2020; NVlabs/stylegan2-ada-pytorch
    ("trick", "spectral_norm"): {"iterations": 1},  # Miyato 2018, algorithm 1
    ("trick", "dropout"): {"p": 0.5},  # Srivastava 2014, section 1
    ("optimizer", "adam"): {"betas": [0.5, 0.999], "eps": 1e-8},  # Radford 2016, section 4
    ("optimizer", "sgd"): {"momentum": 0.0},
}
# What no paper fixes, and why the default is what it is.
OPEN = {
    ("trick", "instance_noise"): {"sigma": "it has the data's unit; 0.1 is a tenth of data of unit size"},
    ("trick", "label_flipping"): {"p": "'occasionally' (soumith/ganhacks, tip 6)"},
    ("trick", "gradient_clipping"): {"limit": "'a few times the average norm' of each problem"},
    ("trick", "l1_decay"): {"weight": "it depends on the network's size"},
    ("trick", "l2_decay"): {"weight": "it depends on the network's size"},
    ("trick", "truncation"): {"threshold": "a choice of variety against quality; Brock 2019 shows 2, 1, 0.5 and 0.04"},
    ("trick", "top_k"): {"epoch": "endless data have no epochs"},
    ("trick", "r1"): {"gamma_final": "annealing is R3GAN's; None is without"},
    ("trick", "r2"): {"gamma_final": "annealing is R3GAN's; None is without"},
    ("trick", "head_start"): {"steps": "a failure to study, no paper's recipe"},
    ("trick", "displaced_start"): {"by": "a failure to study, no paper's recipe"},
}
OURS = [cls for cls in registry.components("trick").values() if cls.__module__.startswith("ganbench.")]


@pytest.mark.parametrize("key", PAPERS, ids=lambda key: key[1])
def test_defaults_are_the_papers(key):
    parameters = registry.find(*key)().parameters
    assert {name: parameters[name] for name in PAPERS[key]} == PAPERS[key]


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.name)
def test_every_default_comes_from_a_paper_or_is_said_to_be_open(cls):
    key = (cls.kind, cls.name)
    known, open_ = PAPERS.get(key, {}), OPEN.get(key, {})
    assert known.keys().isdisjoint(open_)
    assert {*known, *open_} == cls().parameters.keys()


def test_label_flipping_is_rare():
    assert 0 < registry.find("trick", "label_flipping")().parameters["p"] <= 0.05

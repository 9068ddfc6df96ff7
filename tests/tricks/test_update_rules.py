"""Update rules: what they are held to; the tests themselves are contracts/test_rules.py and test_gradients.py."""

from __future__ import annotations

import torch

from tests.helpers.oracles import TrickOracle


def agreed(v, t, player, plain):
    """A player's loss and γ/2 ‖v‖², v both players' gradients on one minibatch."""
    d, g = v.d.detach().requires_grad_(), v.g.detach().requires_grad_()
    losses = {p: plain(v.moved(player=p, d=d, g=g)) for p in "DG"}
    of_d = torch.autograd.grad(losses["D"], d, retain_graph=True)[0]
    of_g = torch.autograd.grad(losses["G"], g)[0]
    return losses[player] + t.gamma / 2 * (of_d.square().sum() + of_g.square().sum())


ORACLES = (
    TrickOracle(
        "consensus",
        alone=agreed,
        # LMescheder/TheNumericsOfGANs: the default and all but one experiment
        defaults={"gamma": 10.0},
    ),
    TrickOracle(
        "extragradient",
        # The update rule, which is no objective.
        elsewhere="tests/contracts/test_rules.py::test_rules_are_those_of_a_notebook",
    ),
    TrickOracle(
        "optimistic",
        # The update rule, which is no objective.
        elsewhere="tests/contracts/test_rules.py::test_rules_are_those_of_a_notebook",
    ),
    TrickOracle(
        "lookahead",
        # The update rule, which is no objective.
        elsewhere="tests/contracts/test_rules.py::test_rules_are_those_of_a_notebook",
        # Chavdarova/LAGAN-Lookahead_Minimax
        defaults={"k": 5, "alpha": 0.5},
    ),
)

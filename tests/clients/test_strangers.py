"""Loops that nobody had in mind change no bit either, never raise, and are told in a line or two what is left out."""

from __future__ import annotations

import functools
import logging

import pytest
import torch

import ganbench
from ganbench.core.errors import UsageError
from tests.clients import strangers, strangers_by_hand
from tests.clients.strangers import one_optimiser, recomputed
from tests.clients.test_loops import bits, run

STEPS = 24
LOOPS = (*strangers.LOOPS, *strangers_by_hand.LOOPS)
LATE = {"functional": 9, "moved_by_hand": 9}  # steps that are counted of loops without an optimiser of torch's
SAID = {  # a word of each line besides what was too little; all others hear nothing
    "gumbel_text": ("new real samples", "in one form"),
    "point_clouds": ("brings samples of any shape", "8 times non_saturating"),
    "stream_of_dicts": ("real / 32767.5 - 1",),
    "functional": ("the generator's weights move, and no optimiser",),
    "moved_by_hand": ("the generator's weights move, and no optimiser",),
    "one_backbone": ("share 4 parameters",),
}


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_no_bit_changes_and_what_is_left_out_is_said_once(loop, tmp_path, caplog):
    alone = bits(run(loop, None, STEPS)[0])
    with caplog.at_level(logging.WARNING, "ganbench.monitor"):
        networks, monitor, _ = run(loop, tmp_path, STEPS, evaluate_every=3)
    watched = bits(networks)
    assert len(alone) == len(watched) and all(map(torch.equal, alone, watched))
    assert monitor is not None and monitor.steps == LATE.get(loop.__name__, STEPS)
    lines = [line for record in caplog.records if "verdicts want" not in (line := record.getMessage())]
    expected = SAID.get(loop.__name__, ())
    assert len(lines) == len(expected), lines
    assert all(any(word in line for line in lines) for word in expected), lines


def heard(caplog):
    return [line for record in caplog.records if "verdicts want" not in (line := record.getMessage())]


def test_one_optimiser_that_moves_d_by_gs_loss_too_is_named(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "ganbench.monitor"):
        run(functools.partial(one_optimiser, freezes=False), tmp_path, STEPS)
    (line,) = heard(caplog)
    assert "one optimiser holds both" in line


def test_a_single_diagnostic_that_was_asked_for_is_all_that_is_looked_at(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "ganbench.monitor"):
        run(recomputed, tmp_path, STEPS, diagnostics=["critic_slope"])
    assert heard(caplog) == []


def test_lazy_layers_are_asked_for_a_first_minibatch(tmp_path):
    lazy = torch.nn.Sequential(torch.nn.LazyLinear(4), torch.nn.LazyLinear(2))
    with pytest.raises(UsageError, match="pass a minibatch through it first"):
        ganbench.Monitor(lazy, torch.nn.Linear(2, 1), str(tmp_path / "lazy"))
    lazy(torch.randn(2, 3))
    ganbench.Monitor(lazy, torch.nn.Linear(2, 1), str(tmp_path / "lazy")).close()

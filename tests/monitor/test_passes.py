"""What the order of backward passes and steps says, on events written by hand."""

from __future__ import annotations

import torch

from ganbench.monitor.passes import Pass, Stepped, updates_of

FULL = torch.ones(())


def passed(*weights: int, g: bool = False, held: bool = False, at: float = 0.0) -> Pass:
    """Return a pass that reached weights of D, at a place, and G where it is said; their gradients held something."""
    before = FULL if held else None
    return Pass({"D": before} | ({"G": before} if g else {}), set(weights), {w: torch.full((2,), at) for w in weights})


def stepped(player: str, optimizer: int = 0) -> Stepped:
    return Stepped(frozenset(player), optimizer)


def test_two_passes_that_add_up_lose_nothing():
    updates = updates_of([passed(1), passed(1, held=True), stepped("D"), passed(1, g=True), stepped("G", 1)], "D", "G")
    assert (updates.all, updates.lost, updates.kept, updates.mixed) == (1, 0, 0, 0)


def test_a_pass_that_was_cleared_before_the_update_is_lost():
    assert updates_of([passed(1), passed(1), stepped("D")], "D", "G").lost == 1


def test_two_discriminators_that_go_backward_before_either_steps_lose_nothing():
    """As CycleGAN's: the second pass finds its own weights empty, and reaches none of the first's."""
    assert updates_of([passed(1), passed(2), stepped("D", 1), stepped("D", 2)], "D", "G").lost == 0


def test_a_gradient_that_was_only_asked_for_is_not_lost():
    """As `torch.autograd.grad` by a weight, which leaves nothing in `.grad`."""
    assert updates_of([passed(), passed(1), stepped("D")], "D", "G").lost == 0


def test_what_gs_loss_left_in_d_and_was_cleared_is_not_lost():
    assert updates_of([passed(1, g=True), stepped("G", 1), passed(1), stepped("D")], "D", "G").lost == 0


def test_one_pass_for_both_is_a_single_pass_of_both():
    events = [passed(1, g=True), stepped("D"), stepped("G", 1)]
    assert updates_of(events, "D", "G").single == updates_of(events, "G", "D").single == {0}


def test_a_pass_at_other_weights_looked_ahead_and_is_not_lost():
    """As sharpness-aware steps make it, and searches along a line."""
    assert updates_of([passed(1), passed(1, at=0.1), stepped("D")], "D", "G").lost == 0


def test_passes_of_each_player_that_are_gathered_before_both_step_are_not_mixed():
    of_g = Pass({"G": None}, {2}, {2: FULL}), Pass({"G": FULL}, {2}, {2: FULL})
    events = [passed(1), of_g[0], passed(1, held=True), of_g[1], stepped("D"), stepped("G", 1)]
    assert [updates_of(events, name, other).mixed for name, other in (("D", "G"), ("G", "D"))] == [0, 0]


def test_what_gs_loss_left_in_d_and_was_not_cleared_is_mixed():
    events = [passed(1, g=True), stepped("G", 1), passed(1, held=True), stepped("D")]
    assert updates_of(events, "D", "G").mixed == 1


def test_what_ds_loss_left_in_g_and_was_not_cleared_is_mixed():
    events = [passed(1, g=True), stepped("D"), passed(1, g=True, held=True), stepped("G", 1)]
    assert updates_of(events, "G", "D").mixed == 1


def test_gradients_that_are_set_by_hand_are_cleared_each_time():
    """`p.grad = torch.autograd.grad(…)`: each pass finds the gradient of the last, and adds nothing to it."""
    events = [passed(), stepped("D"), passed(held=True), stepped("D"), passed(held=True), stepped("D")]
    assert updates_of(events, "D", "G").kept == 0

"""A monitor in loops as people write them: three lines at most, the same bits, the right gradients, no false word."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

import ganbench
from ganbench.tables.results import load
from tests.clients.loops import LOOPS

STEPS, LONGER, LATE = 12, 48, ("srgan", "vqgan")


class Silent:
    """Stands where no monitor is."""

    def step(self, **given: object) -> None:
        pass

    def terms(self, *given: object, **options: object) -> None:
        pass


class Noted:
    """Notes by hand the gradient norm of each network in every optimiser's step, before the monitor sees any."""

    def __init__(self) -> None:
        self.parts: dict[str, list[nn.Module]] = {}
        self.steps: list[dict[str, list[float]]] = []
        self.now: dict[str, list[float]] = {"g": [], "d": []}

    def before(self, optimizer, args, kwargs) -> None:
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, networks in self.parts.items():
            own = [p.grad for n in networks for p in n.parameters() if id(p) in held and p.grad is not None]
            own = [torch.view_as_real(gradient) if gradient.is_complex() else gradient for gradient in own]
            if own:
                self.now[name].append(float(torch.stack([gradient.double().norm() for gradient in own]).norm()))


def several(given) -> list[nn.Module]:
    return list(given.values()) if isinstance(given, dict) else list(given) if isinstance(given, list) else [given]


def run(loop: Callable, folder, steps: int = 0, **options):
    """Return the networks, the monitor and what was noted by hand; without a folder there is no monitor."""
    torch.manual_seed(0)
    steps = steps or (LONGER if loop.__name__ in LATE else STEPS)
    noted, made = Noted(), []

    def make(g, d, **given):
        noted.parts = {"g": several(g), "d": several(d)}
        if folder is None:
            return Silent()
        monitor = ganbench.Monitor(
            g, d, folder / "run", **{"log_every": 1, "evaluate_every": 10, "samples": 16, **given, **options}
        )
        made.append(monitor)
        step = monitor.step

        def noting(**values):
            before = monitor.steps
            step(**values)
            if monitor.steps > before:
                noted.steps.append(noted.now)
                noted.now = {"g": [], "d": []}

        monitor.step = noting
        return monitor

    hook = register_optimizer_step_pre_hook(noted.before)
    try:
        networks = loop(make, steps)
    finally:
        hook.remove()
    for monitor in made:
        monitor.close()
    return networks, made[0] if made else None, noted


def bits(networks) -> list[torch.Tensor]:
    tensors = [t for n in networks for t in n.state_dict().values()]
    tensors += [p.grad for n in networks for p in n.parameters() if p.grad is not None]
    return [torch.get_rng_state(), *tensors]


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_three_lines_change_no_bit_and_no_gradient_is_missed(loop, tmp_path):
    lines = [line for line in inspect.getsource(loop).splitlines() if "monitor" in line and '"""' not in line]
    assert 2 <= len(lines) <= 3
    alone = bits(run(loop, None)[0])
    networks, monitor, noted = run(loop, tmp_path)
    watched = bits(networks)
    assert len(alone) == len(watched) and all(map(torch.equal, alone, watched))
    assert monitor is not None and monitor.steps == len(noted.steps) >= STEPS
    history = load(monitor.folder).history.set_index("step")
    for step, norms in enumerate(noted.steps, 1):
        if step not in history.index or (loop.__name__ in LATE and step <= 20):
            # A discriminator that joins late is waited for at first.
            assert loop.__name__ in LATE and step <= 20
            continue
        for player, by_hand in norms.items():
            if not by_hand:  # it has not joined yet
                assert f"grad_norm_{player}" not in history or not history[f"grad_norm_{player}"].to_dict()[step] > 0
                continue
            if step == 1 and loop.__name__ == "stylegan2":  # whether it held a regulariser was not known yet
                continue
            # A regulariser's own update comes behind the main one.
            main = by_hand[0] if loop.__name__ == "stylegan2" else by_hand[-1]
            assert history[f"grad_norm_{player}"].to_dict()[step] == pytest.approx(main, rel=1e-4), (step, player)


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_a_healthy_loop_is_told_nothing(loop, tmp_path):
    monitor = run(loop, tmp_path, 120, evaluate_every=1000, log_every=5)[1]
    assert monitor is not None
    said = [line for line in monitor.findings if "the loop's losses are" not in line]
    if loop.__name__ == "pix2pix":  # at random images 100 · L1 is nearly all of the gradient
        share = load(monitor.folder).history["term_share_adversarial"]
        assert np.nanmedian(share.tolist()[:20]) < 0.01 and "decoration" in said.pop()
    assert said == []

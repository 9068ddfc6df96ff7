"""When a diagnostic is asked, from the suite's words to the table's rows; and the plain observers that have one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.core import registry
from ganbench.core.errors import GanbenchError
from ganbench.diagnostics import Diagnostic
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.diagnostics.test_observers import MadeProbe, S, draw, made_step
from tests.engine import Trainer, shared_steps
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial

LIST = "[gradients, logits, singular_values: {every: 200}, game_jacobian: {at: [0.5, 1.0]}, path_angle, duality_gap]"


def suite(tmp_path, diagnostics):
    path = tmp_path / "s.yaml"
    path.write_text(f"datasets: [ring]\nsteps: 40\ndiagnostics: {diagnostics}\n")
    return read_suite(path, [])


def test_a_suite_names_schedules(tmp_path):
    (trial,) = make_plan(suite(tmp_path, LIST)).trials
    labels = [choice.label for choice in trial.diagnostics]
    assert labels[:3] == ["gradients", "logits", "singular_values"]
    assert labels[4:] == ["path_angle", "duality_gap"]
    assert list(trial.diagnostics[3].parameters["at"]) == [0.5, 1.0]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("game_jacobian: {at: [0.0]}", "greater than 0"),
        ("game_jacobian: {at: [1.5]}", "less than or equal to 1"),
        ("game_jacobian: {at: 0.5}", "a list such as"),
        ("game_jacobian: {every: 0}", "greater than or equal to 1"),
        ("game_jacobian: {every: 5, at: [0.5]}", "not both"),
        ("singular_values: {every: 5, at: [0.5]}", "not both"),
        ("game_jacobian: {when: 5}", "when"),
        ("path_angle: {points: 3}", "greater than or equal to 13"),
    ],
)
def test_a_wrong_schedule_is_one_line(tmp_path, written, problem):
    with pytest.raises(GanbenchError) as raised:
        suite(tmp_path, f"[{written}]")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    assert ":3:" in str(raised.value)


@pytest.mark.parametrize(
    ("shares", "due"), [((0.5, 1.0), {10, 20}), ((0.01,), {1}), ((0.51,), {15}), ((1.0,), {20}), ((0.5, 0.5), {10})]
)
def test_shares_are_the_first_logged_steps_from_there_on(shares, due):
    assert shared_steps([1, 5, 10, 15, 20], shares, 20) == due


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [({}, [10, 20]), ({"at": (0.25,)}, [5]), ({"every": 10}, [1, 15])],
)
def test_rows_are_where_the_schedule_says(parameters, rows):
    trial = small_trial(diagnostics=(choose("diagnostic", "path_angle", points=13, **parameters),), metrics=())
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    history = trainer.tables().history
    found = history[history.seed == 1].set_index("step").path_norm
    assert found[found.notna()].index.tolist() == rows


def test_a_resumed_trial_knows_where_it_began(tmp_path):
    """The path-angle looks back to the first weights, which no checkpoint holds."""
    trial = small_trial(diagnostics=(choose("diagnostic", "path_angle", points=13),), metrics=())
    first = Trainer(trial)
    while first.step < 12:
        first.advance(0.0)
    first.save(tmp_path / "c.pt")
    second = Trainer(trial, checkpoint=tmp_path / "c.pt")
    assert second.step == 12
    assert all(torch.equal(a, b) for a, b in zip(present(first.start), present(second.start), strict=True))


def test_lipschitz_is_that_of_finite_differences():
    weight = draw(2, 5, seed=3)
    probe = MadeProbe(lambda x: torch.tanh(x @ weight).sum(-1), *(draw(S, 9, 2, seed=s) for s in (1, 2, 4)))
    with torch.no_grad():
        found = registry.build(Diagnostic, "lipschitz", {}).observe(made_step(probe=probe))

    def slope(x, h=1e-6):
        along = [(probe.function(x + h * e) - probe.function(x - h * e)) / (2 * h) for e in torch.eye(2).double()]
        return float(torch.stack(along).norm())

    for s in range(S):
        between = [
            slope(f + (i + 0.5) / 9 * (r - f))
            for i, (r, f) in enumerate(zip(probe.real[s], probe.fake[s], strict=True))
        ]
        ends = [slope(x) for x in (*probe.real[s], *probe.fake[s])]
        assert float(found["critic_slope_between"][s]) == pytest.approx(np.mean(between), rel=1e-6)
        assert float(found["lipschitz_bound"][s]) == pytest.approx(max(between + ends), rel=1e-6)


class Minibatches:
    """A field whose minibatches have given gradients `[m, S, P]`."""

    undefined, n_discriminator, weights = None, 3, None

    def __init__(self, gradients):
        self.gradients = gradients

    def velocity(self, weights, minibatch=0):
        return -self.gradients[minibatch]


def snr(gradients):
    step = made_step(field=Minibatches(gradients))
    return registry.build(Diagnostic, "gradient_snr", {"minibatches": len(gradients)}).observe(step)


def test_gradient_snr_by_hand():
    gradients = draw(5, S, 7, seed=8) + 1.0
    found = snr(gradients)
    for s in range(S):
        for column, part in (("grad_snr_d", slice(3)), ("grad_snr_g", slice(3, 7))):
            g = gradients[:, s, part].numpy()
            noise = sum(np.sum((row - g.mean(0)) ** 2) for row in g) / (5 * 4)
            assert float(found[column][s]) == pytest.approx(np.sum(g.mean(0) ** 2) / noise - 1)


def test_gradient_snr_of_noise_alone_is_0_on_average():
    """Bound: 6 standard errors, a false alarm in 5e8. The mean of F(n, (m − 1)n) − 1 is 2 / ((m − 1)n − 2) = 1.4e-3."""
    m, seeds, n = 8, 4000, 200
    gradients = torch.randn(m, seeds, 3 + n, generator=torch.Generator().manual_seed(0))
    ratio = snr(gradients)["grad_snr_g"].double()
    assert abs(float(ratio.mean()) - 2 / ((m - 1) * n - 2)) < 6 * float(ratio.std()) / seeds**0.5

"""The terms of the generator's loss, in the forms that people have them in, at any place of a loop."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.checkpoint import checkpoint

import ganbench
from ganbench.core.errors import UsageError
from ganbench.monitor.findings import Findings
from ganbench.monitor.terms import MOST, Terms
from ganbench.tables.results import load

BATCH = 8


class Recomputed(nn.Module):
    """Computes its activations again in each backward pass."""

    def __init__(self, older: bool, dropout: float = 0.0, keeps_randomness: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 6)
        )
        self.older, self.keeps_randomness = older, keeps_randomness

    def forward(self, z: Tensor) -> Tensor:
        made = checkpoint(
            self.body, z.requires_grad_(), use_reentrant=self.older, preserve_rng_state=self.keeps_randomness
        )
        assert isinstance(made, Tensor)
        return made


def train(folder, give=None, steps=12, g=None, retain=False, **options):
    """Return what a loop leaves; `give` is handed the monitor and both terms before and behind the update."""
    torch.manual_seed(0)
    g = g() if g else nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
    d = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    options = {"log_every": 1, **options}
    monitor = ganbench.Monitor(g, d, folder, **options) if give else None  # type: ignore[arg-type]
    for step in range(steps):
        real, fake = torch.randn(BATCH, 6), g(torch.randn(BATCH, 4))
        opt_d.zero_grad()
        (F.softplus(-d(real)).mean() + F.softplus(d(fake.detach())).mean()).backward()
        opt_d.step()
        opt_g.zero_grad()
        adversarial, l1 = F.softplus(-d(fake)).mean(), F.l1_loss(fake, real)
        if give:
            give(monitor, adversarial, l1, step, False, g)
        (adversarial + l1).backward(retain_graph=retain)
        opt_g.step()
        if give:
            give(monitor, adversarial, l1, step, True, g)
        if monitor:
            monitor.step(real=real, fake=fake)
    state = [*g.state_dict().values(), *d.state_dict().values(), torch.get_rng_state()]
    return [value.clone() for value in state], monitor


def watched(folder, give, steps=12, **options):
    """Return what a loop leaves, and its monitor."""
    state, monitor = train(folder, give, steps, **options)
    assert monitor is not None
    monitor.close()
    return state, monitor


def before(make, **options):
    """Give what `make` makes of (adversarial, l1, step) before the backward pass."""
    return lambda monitor, a, b, step, behind, g: None if behind else monitor.terms(make(a, b, step), **options)


def shares(monitor):
    history = load(monitor.folder).history
    return {c.removeprefix("term_share_"): history[c].to_numpy() for c in history if c.startswith("term_share_")}


def test_a_list_is_the_sum_of_its_parts(tmp_path):
    _, alone = watched(tmp_path / "a", before(lambda a, b, _: {"adversarial": a, "l1": b}))
    _, parts = watched(tmp_path / "b", before(lambda a, b, _: {"adversarial": [a / 4, (0.75 * a,)], "l1": b}))
    one, other = shares(alone), shares(parts)
    assert one.keys() == other.keys() and one["l1"].min() > 0
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5)


@pytest.mark.parametrize("later", [None, 0, 2.5, np.float32(1), torch.tensor(1.0)])
def test_a_term_that_has_not_begun_is_0(tmp_path, caplog, later):
    _, monitor = watched(tmp_path / "run", before(lambda a, b, _: {0: a, "l1": b, "later": later}))
    assert shares(monitor).keys() == {"0", "l1", "later"} and not shares(monitor)["later"].any()
    assert "failed" not in caplog.text and monitor.findings == ()


def test_nothing_is_said_before_any_term_has_begun(tmp_path, caplog):
    made = before(lambda a, b, step: {"adversarial": a if step > 6 else 0.0 if step > 3 else None})
    _, monitor = watched(tmp_path / "run", made)
    assert np.isnan(shares(monitor)["adversarial"]).sum() == 7 and "term" not in caplog.text


def test_the_sum_of_all_is_no_term_of_its_own(tmp_path, caplog):
    _, alone = watched(tmp_path / "a", before(lambda a, b, _: {"adv": a, "l1": b}))
    _, whole = watched(tmp_path / "b", before(lambda a, b, _: {"loss": a + b, "adv": a, "l1": b}))
    assert caplog.text.count("the term loss is the sum of the others and is left out") == 1
    one, other = shares(alone), shares(whole)
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5)


def test_terms_of_another_name_at_each_step_do_not_fill_the_tables(tmp_path, caplog):
    _, monitor = watched(tmp_path / "run", before(lambda a, b, step: {"adversarial": a, f"l1_{step}": b}), MOST + 8)
    assert len(shares(monitor)) == MOST
    assert caplog.text.count(f"terms have had {MOST} names, and others are left out") == 1


def test_a_layer_stands_for_its_weights(tmp_path):
    make = lambda a, b, _: {"adversarial": a, "l1": b}  # noqa: E731
    at = [lambda g: g[-1], lambda g: list(g[-1].parameters()), lambda g: g[-1].parameters()]
    made = []
    for i, of in enumerate(at):
        give = lambda m, a, b, s, behind, g, of=of: None if behind else m.terms(make(a, b, s), at=of(g))  # noqa: E731
        made.append(shares(watched(tmp_path / str(i), give)[1])["l1"])
    assert made[0].min() > 0 and all((one == made[0]).all() for one in made)


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (before(lambda a, b, _: {"adv": a, "l1": b}, at="2.weight"), "are taken at= '2.weight'; give a list of"),
        (before(lambda a, b, _: {"adv": a, "l1": b}, at=[]), "are taken at= []; give a list of weights, or a layer"),
        (before(lambda a, b, _: {"adv": a, "l1": "x"}), "the term l1 is a str; give each term as one number"),
        (before(lambda a, b, _: {"adv": a.item(), "l1": b.detach()}), "numbers without a graph; give the tensors"),
        (lambda m, a, b, s, behind, g: m.terms({"a": a, "b": b}) if behind else None, "the graph of the terms is gone"),
    ],
)
def test_what_is_no_term_is_said_once_with_what_to_give(tmp_path, caplog, give, said):
    watched(tmp_path / "run", give)
    (line,) = [r.getMessage() for r in caplog.records if "terms" in r.getMessage() or "term " in r.getMessage()]
    assert said in line


def test_terms_behind_the_update_are_told_to_come_before_it(tmp_path, caplog):
    """Also where the loop keeps the graph, whose weights have moved since."""
    give = lambda m, a, b, s, behind, g: m.terms({"a": a, "b": b}) if behind else None  # noqa: E731
    _, monitor = watched(tmp_path / "run", give, retain=True)
    (line,) = monitor.findings
    assert "call monitor.terms({...}) before backward() and step()" in line and "failed" not in caplog.text


@pytest.mark.parametrize("keeps_randomness", [True, False])
def test_a_network_that_computes_its_activations_again_ends_in_the_same_bits(tmp_path, keeps_randomness):
    """Its batch norms would otherwise take in each minibatch once more."""
    made = lambda: Recomputed(older=False, dropout=0.0 if keeps_randomness else 0.5, keeps_randomness=keeps_randomness)  # noqa: E731
    alone, _ = train(tmp_path / "none", g=made)
    seen, monitor = watched(tmp_path / "run", before(lambda a, b, _: {"adversarial": a, "l1": b}), g=made)
    assert all(map(torch.equal, alone, seen)) and shares(monitor)["l1"].min() > 0


def test_older_checkpoints_are_told_what_to_call(tmp_path, caplog):
    made = lambda: Recomputed(older=True)  # noqa: E731
    alone, _ = train(tmp_path / "none", g=made)
    seen, _ = watched(tmp_path / "run", before(lambda a, b, _: {"adversarial": a, "l1": b}), g=made)
    assert all(map(torch.equal, alone, seen))
    (line,) = [r.getMessage() for r in caplog.records if "the terms" in r.getMessage()]
    assert "use_reentrant=False" in line


class Slow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        time.sleep(0.1)
        return gradients[0]


def test_terms_take_their_share_of_the_time_and_no_more(tmp_path):
    """Two backward passes of 0.1 s each, beside steps of no length: an allowance of a second has five of them."""
    give = before(lambda a, b, _: {"adversarial": Slow.apply(a), "l1": Slow.apply(b)})
    _, monitor = watched(tmp_path / "run", give, 24, log_every=None)
    history = load(monitor.folder).history
    weighed, rows = (len(history[name].dropna()) for name in ("term_share_l1", "grad_norm_g"))
    assert 3 <= weighed <= 6 < rows


def test_terms_that_are_no_dict_are_refused():
    with pytest.raises(UsageError, match="the terms are a set; give a dict"):
        Terms(Findings()).weigh({1.0}, [])  # type: ignore[arg-type]

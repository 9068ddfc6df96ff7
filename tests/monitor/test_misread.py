"""What is handed over in another form, or by another name, is read as it is meant, and nobody is accused for it."""

from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch.optim import SGD, Adam

import ganbench
from ganbench.core.errors import UsageError
from ganbench.monitor.checks import loss_of
from ganbench.monitor.findings import Findings
from ganbench.monitor.terms import ROWS, Terms
from ganbench.tables.results import load

LATENT, BATCH = 4, 16


def networks():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(LATENT, 3)), nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


def biased(middle):
    """Return a discriminator whose logits lie about a number."""
    d = networks()[1]
    d[-1].get_parameter("bias").data.fill_(middle)
    d[-1].get_parameter("weight").data.mul_(0.3)
    return d


def train(folder, steps, d_loss, g_loss, d=None, answer=None, rate=1e-3, **options):
    """Return the monitor of a loop whose discriminator hardly learns."""
    g, own = networks()
    d = d or own
    answer = answer or d
    opt_g, opt_d = Adam(g.parameters(), rate), SGD(d.parameters(), rate)
    monitor = ganbench.Monitor(g, d, folder / "run", log_every=1, evaluate_every=1000, samples=16, **options)
    for _ in range(steps):
        real, fake = torch.randn(BATCH, 3), g(torch.randn(BATCH, LATENT))
        real_logits, fake_logits = answer(real), answer(fake.detach())
        loss = d_loss(real_logits, fake_logits)
        opt_d.zero_grad()
        loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        of_g = g_loss(answer(fake))
        of_g.backward()
        opt_g.step()
        given = {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": loss, "g_loss": of_g}
        monitor.step(real=real, fake=fake, condition=LABELS if answer is not d else None, **given)
    return monitor


def logistic(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def squares(real, fake):
    return (real - 1).square().mean() + fake.square().mean()


def test_logits_of_a_linear_layer_are_no_probabilities_wherever_they_lie(tmp_path):
    d = biased(0.5)
    seen = []
    monitor = train(
        tmp_path, 110, lambda r, f: seen.append(tuple(r.detach().aminmax())) or logistic(r, f),
        lambda f: F.softplus(-f).mean(), d, loss="ns", rate=1e-5,
    )  # fmt: skip
    assert all(0 <= low and high <= 1 for low, high in seen)  # as probabilities do
    assert monitor.findings == ()


def test_gs_sign_is_not_told_by_a_loss_that_is_not_trained(tmp_path):
    """Least squares, declared as hinge: one sentence, on the name."""
    d = biased(0.4)
    monitor = train(tmp_path, 10, squares, lambda f: (f - 1).square().mean(), d, loss="hinge")
    (line,) = monitor.findings
    assert 'give ganbench.Monitor loss="least_squares"' in line


class OfLabels(nn.Module):
    """D(x, y) of whole-number labels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(3 + 5, 1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.body(torch.cat((x, F.one_hot(y, 5).float()), 1))


LABELS = torch.arange(BATCH) % 5


def test_labels_stay_whole_numbers_for_diagnostics_that_call_the_discriminator(tmp_path, caplog):
    d = OfLabels()
    options = {"loss": "ns", "diagnostics": ["critic_slope"]}
    monitor = train(tmp_path, 3, logistic, lambda f: F.softplus(-f).mean(), d, answer=lambda x: d(x, LABELS), **options)
    monitor.close()
    assert "left out" not in caplog.text
    assert not np.isnan(load(monitor.folder).history["critic_slope_fake"].to_numpy()).any()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("WGAN-GP", "wasserstein"), ("wgan_gp", "wasserstein"), ("non-saturating", "non_saturating"),
        ("Least Squares", "least_squares"), ("MSELoss", "least_squares"), ("hinge_loss", "hinge"),
        ("BCEWithLogitsLoss", "non_saturating"), ("R3GAN", "relativistic_paired"), ("lsgan", "least_squares"),
    ],
)  # fmt: skip
def test_losses_go_by_the_names_that_people_write(written, name):
    loss = loss_of(written)
    assert loss is not None and loss.name == name


def said_of(*terms):
    findings = Findings()
    of = Terms(findings)
    weight = torch.ones(2, requires_grad=True)
    for step in range(1, ROWS + 1):
        of.weigh({"adversarial": weight.sum(), "l1": terms[0](weight)}, [weight])
        of.take(step)
    return list(findings.sentences)


def test_a_term_that_has_not_begun_is_not_called_ignored():
    assert said_of(lambda w: 1e-4 * w.sum()) == ["ignored"]
    assert said_of(lambda _: 0.0) == said_of(lambda w: 0.0 * w.sum()) == []


def test_terms_without_names_are_asked_for_them():
    with pytest.raises(UsageError, match="the terms are a list; give a dict"):
        Terms(Findings()).weigh([torch.ones(())], [])  # type: ignore[arg-type]


def test_a_copy_of_what_holds_a_monitor_watches_nothing_more(tmp_path):
    """What holds its monitor beside a network is averaged by a deep copy, and saved whole."""
    monitor = train(tmp_path, 2, logistic, lambda f: F.softplus(-f).mean())
    holder = {"generator": nn.Linear(1, 1), "monitor": monitor}
    assert copy.deepcopy(holder)["monitor"] is monitor
    saved = pickle.loads(pickle.dumps(holder))["monitor"]
    saved.step(real=torch.zeros(2, 3))
    saved.close()
    assert saved.steps == 0 and saved.folder == monitor.folder and monitor.steps == 2


def test_a_forked_process_leaves_the_tables_alone(tmp_path):
    monitor = train(tmp_path, 2, logistic, lambda f: F.softplus(-f).mean())
    child = os.fork()
    if child == 0:
        monitor.close()
        os._exit(0)
    os.waitpid(child, 0)
    state = load(monitor.folder).manifest.monitor
    assert state is not None and state.running
    monitor.close()
    assert len(load(monitor.folder).history) == 2


def test_a_compiled_optimiser_is_not_compiled_anew_for_each_row(tmp_path):
    counter = CompileCounter()
    g, d = networks()
    opt_g = Adam(g.parameters(), 1e-3)
    monitor = ganbench.Monitor(g, d, tmp_path / "run", log_every=1)
    step, compiled = torch.compile(opt_g.step, backend=counter), []
    for _ in range(10):
        opt_g.zero_grad()
        d(g(torch.randn(BATCH, LATENT))).mean().backward()
        step()
        monitor.step()
        compiled.append(counter.frame_count)
    monitor.close()
    assert monitor.steps == 10 and compiled[3] == compiled[-1]


@pytest.mark.parametrize(
    ("g_loss", "accused"),
    [
        (lambda f: F.softplus(-f).mean(), False),
        (lambda f: 1e-3 * F.softplus(-f).mean(), False),
        (lambda f: 0.05 + 1e-3 * F.softplus(-f).mean(), False),
        (lambda f: F.softplus(f).mean(), True),
        (lambda f: 1e-3 * F.softplus(f).mean(), True),
        (lambda f: -F.softplus(-f).mean(), True),
        (lambda f: -F.softplus(-f).mean() + 0.5, True),
        (lambda f: -F.softplus(f).mean(), False),  # the saturating loss
    ],
)
def test_gs_sign_is_told_whatever_the_weight_of_its_loss(tmp_path, g_loss, accused):
    """Of a discriminator that is sure, whose logits of generated samples lie at -4."""
    monitor = train(tmp_path, 12, logistic, g_loss, biased(-4.0), loss="ns")
    assert [line for line in monitor.findings if "wrong sign" in line] == [*monitor.findings][: int(accused)]
    assert len(monitor.findings) == int(accused)


@pytest.mark.parametrize("twice", [True, False])
def test_a_second_sigmoid_is_named_where_the_logits_before_both_are_given(tmp_path, twice):
    """As by `BCEWithLogitsLoss` of probabilities; BCE of them is right."""
    squashed = torch.sigmoid if twice else lambda logits: logits
    monitor = train(
        tmp_path,
        30,
        lambda r, f: logistic(squashed(r), squashed(f)),
        lambda f: F.softplus(-f).mean(),
        rate=0.05,
        loss="ns",
    )
    assert sum("the logits' sigmoids" in line for line in monitor.findings) == int(twice)
    assert sum("d_loss" in line for line in monitor.findings) == int(twice)


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-4])
def test_flipped_labels_do_not_hide_the_scale_of_a_loss(tmp_path, scale):
    """It is no exact factor then; nor is a penalty subtracted, or another loss trained."""

    def flipped(real, fake):
        flip = torch.rand(len(real), 1) < 0.5
        return scale * logistic(torch.where(flip, fake, real), torch.where(flip, real, fake))

    monitor = train(
        tmp_path, 7, flipped, lambda f: scale * F.softplus(-f).mean(), loss="ns", rate=1e-3 / max(scale, 1.0)
    )
    assert monitor.findings == ()
    conventions = monitor._watch.scrutiny._conventions  # type: ignore[union-attr]
    assert conventions.comparable and conventions.scale == pytest.approx(scale, rel=0.1)


def test_a_factor_of_the_losses_is_nothing_to_be_fixed_and_hides_nothing_else(tmp_path):
    """Neither the remedy of a verdict, nor a sentence on the labels."""
    half = lambda r, f: 0.5 * logistic(r, f)  # noqa: E731
    monitor = train(tmp_path, 6, half, lambda f: 0.5 * F.softplus(-f).mean(), loss="ns", rate=1e-2)
    (line,) = monitor.findings
    assert "the loop's losses are 0.5 times non_saturating" in line
    findings = monitor._watch.scrutiny.findings  # type: ignore[union-attr]
    assert findings.first == ""
    findings.say(9, "d_loss", "the labels are swapped")
    assert findings.first == "step 9: the labels are swapped"


def test_a_generator_that_was_frozen_on_the_way_is_said_with_the_step_and_the_line(tmp_path):
    g, d = networks()
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = ganbench.Monitor(g, d, tmp_path / "run", log_every=1, samples=16)
    for step in range(1, 151):
        g.requires_grad_(step <= 30)
        for opt, sign in ((opt_d, 1), (opt_g, -1)):
            opt.zero_grad()
            F.softplus(sign * d(g(torch.randn(BATCH, LATENT)))).mean().backward()
            opt.step()
        monitor.step()
    (line,) = [line for line in monitor.findings if "no optimiser has moved" in line]
    assert line.startswith(
        "step 130: no optimiser has moved the generator since step 30: its weights are frozen; call "
    )
    monitor.close()

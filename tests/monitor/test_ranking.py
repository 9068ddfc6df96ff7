"""A discriminator that ranks generated samples above real ones: exchanged labels, or a critic that lags behind."""

from __future__ import annotations

import pytest

from ganbench.monitor.findings import Findings
from ganbench.monitor.symptoms import LASTING, RANKED_WRONG, ROWS, Symptoms

EVERY = 20


def said(*aucs: float) -> str:
    """Return what is said of a row every 20 steps with these AUC."""
    findings = Findings()
    symptoms = Symptoms(findings)
    for k, auc in enumerate(aucs):
        symptoms.look(k * EVERY, {"d_auc": auc, "d_advantage": 0.9}, lambda _: True)
    return " ".join(findings.sentences.values())


LONG = max(ROWS, LASTING // EVERY + 1)


@pytest.mark.parametrize(
    "before",
    [(), (0.5,) * 50, (0.9,) * (LONG - 1), (0.9, 0.5) * LONG],
    ids=["from the start", "after chance", "right too short", "right now and then"],
)
def test_labels_that_were_never_right_are_said_to_be_exchanged(before):
    assert "labels in one of its losses are swapped" in said(*before, *(0.1,) * LONG)
    assert not said(*before, *(0.1,) * (LONG - 1))


def test_a_critic_that_ranked_rightly_lags_and_has_the_right_labels():
    # WGAN-GP at a rate of 1e-4 on the ring of 8 had an AUC of 0.99 for 900 steps, and later, in a swing, 0 for 200.
    right = 1 - RANKED_WRONG + 0.01
    assert not said(*(right,) * LONG, *(0.5,) * 20, *(0.0,) * 50)

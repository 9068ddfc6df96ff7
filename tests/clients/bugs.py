"""Small GANs on scikit-learn's digits with one bug planted in the loop, and healthy ones beside them.

`python tests/clients/bugs.py --seeds 3 5` prints what the monitor says of each, and when, as a table.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from tests.clients.digits_loop import STEPS, Loop
from tests.clients.hearing import Case, listen, options


class Planted(NamedTuple):
    """A bug: how the loop differs, and what a sentence must match that leads a person to the line."""

    name: str
    changes: dict
    says: str


WGAN = {"loss": "wasserstein", "penalty": 10.0, "n_critic": 3, "betas": (0.0, 0.9)}
BUGS = (
    Planted("D answers with probabilities, BCE on them", {"d_output": nn.Sigmoid, "probabilities": True}, "probabilit"),
    Planted("sigmoid twice", {"d_output": nn.Sigmoid}, "sigmoid.*twice"),
    Planted("sigmoid at the end of a Wasserstein critic", {**WGAN, "d_output": nn.Sigmoid}, "sigmoid|probabilit"),
    Planted("losses halved", {"scale": 0.5}, r"0\.5 times"),
    Planted("losses times 10,000", {"scale": 1e4}, r"(1e\+04|10,?000) times"),
    Planted("hinge declared, least squares trained", {"loss": "least_squares", "declared": "hinge"}, "least_squares"),
    Planted("non_saturating declared, Wasserstein trained", {**WGAN, "declared": "non_saturating"}, "another loss"),
    Planted("labels swapped in D's loss", {"swap": True}, "(swapped|exchanged)"),
    Planted("real and fake logits swapped when given", {"swap_given": True}, "(swapped|exchanged)"),
    Planted("G pushes the wrong way", {"g_direction": -1.0}, "(sign|wrong way)"),
    Planted("real in 0…255", {"real": lambda p: p * 16}, r"real.*\[0, 2[45]\d\].*\[-1, 1\]"),
    Planted("real in [0, 1], G ends in tanh", {"real": lambda p: p / 16}, r"real.*\[0, 1\].*\[-1, 1\]"),
    Planted("real standardised, G ends in tanh", {"real": lambda p: (p - 4.9) / 6.0 * 2}, r"real.*\[-1, 1\]"),
    Planted("real in [−1, 1], G ends in a sigmoid", {"output": nn.Sigmoid}, r"real.*\[-1, 1\].*\[0, 1\]"),
    Planted("fake not detached, gradients not cleared", {"detach": False}, "(detach|zero_grad)"),
    Planted("D's gradients never cleared", {"clear_d": False}, "zero_grad"),
    Planted("G's gradients never cleared", {"clear_g": False}, "zero_grad"),
    Planted("D cleared before G's backward, not after", {"clear_early": True}, "zero_grad"),
    Planted("G in no optimiser (a copy is)", {"copy_in_optimizer": True}, "no optimi[sz]er.*generator"),
    Planted("D's optimiser holds G", {"wrong_optimizer": True}, "no optimi[sz]er.*discriminator"),
    Planted("the same latents at every step", {"fixed_latents": True}, "same latents"),
    Planted("the same minibatch at every step", {"same_batch": True}, "same minibatch"),
    Planted("G left in evaluation mode", {"norm": True, "leave_eval": 50}, "evaluation mode"),
    Planted("no gradient reaches G", {"no_graph": True}, "(no gradient|gradient.*exactly 0)"),
    Planted("D's rate divided by 100", {"d_rate": 1e-5}, "discriminator.* learning rate"),
    Planted("G's rate divided by 100", {"g_rate": 1e-5}, "generator.* learning rate"),
    Planted("G's rate decayed to nothing", {"decay": 0.9}, "generator.*(frozen|stands still)"),
    Planted("D stops stepping after 100 steps", {"stop_d_at": 100}, "no optimiser has moved the discriminator since"),
)  # fmt: skip
STRONG = {"n_critic": 5, "d_width": 256, "d_rate": 2e-3, "g_rate": 1e-4}
EVEN = {"g_rate": 5e-4, "d_rate": 5e-4}
FAILURES = (
    Planted("D wins, non-saturating", STRONG, "discriminator wins"),
    Planted("D wins, hinge", {**STRONG, "loss": "hinge"}, "discriminator wins"),
    Planted("D wins, least squares", {**STRONG, "loss": "least_squares"}, "discriminator wins"),
    Planted("D wins, trained 50 steps in advance", {**STRONG, "d_advance": 50}, "discriminator wins"),
    Planted("D wins, the loss not told", {**STRONG, "declared": ""}, "discriminator wins"),
    Planted("D blind: half of the labels flipped", {**EVEN, "flip": 0.5}, "no signal"),
    Planted("D blind: labels flipped, hinge", {**EVEN, "loss": "hinge", "flip": 0.5}, "no signal"),
    Planted("D blind: noise of 10 on what it sees", {**EVEN, "noise": 10.0}, "no signal"),
    Planted(
        "D blind: labels flipped, the loss not told", {**EVEN, "flip": 0.5, "declared": "", "silent": True}, "no signal"
    ),
)
CALM = {"r1": 2.0, "g_rate": 5e-4, "d_rate": 5e-4}
HEALTHY = (
    Planted("non-saturating", CALM, ""),
    Planted("hinge", {**CALM, "loss": "hinge"}, ""),
    Planted("least squares", {**CALM, "loss": "least_squares"}, ""),
    Planted("Wasserstein with penalty, 3 critic steps", WGAN, ""),
    Planted("two rates, 1 to 4", {"r1": 2.0, "g_rate": 3e-4, "d_rate": 12e-4}, ""),
    Planted("batch norm in G", {**CALM, "norm": True}, ""),
    Planted("images in [0, 1], G ends in a sigmoid", {**CALM, "output": nn.Sigmoid, "real": lambda p: p / 16}, ""),
    Planted(
        "standardised images, G ends in nothing", {**CALM, "output": nn.Identity, "real": lambda p: (p - 5) / 6}, ""
    ),
    Planted("D trained alone for 50 steps", {**CALM, "d_advance": 50}, ""),
    Planted("batches of 16", {**CALM, "batch": 16}, ""),
)


def case_of(planted: Planted) -> Case:
    """Return a planted loop as one to listen to."""
    return Case(planted.name, planted.says, Loop(**planted.changes).run)


def main() -> None:
    listen(map(case_of, (*BUGS, *FAILURES, *HEALTHY)), options(STEPS).parse_args())


if __name__ == "__main__":
    main()

"""What a component is held to, written a second time from its paper, in the component's own test file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.core import registry

AT = (-10.0, -2.0, 0.0)


@dataclass(frozen=True)
class LossOracle:
    """One loss in plain words, for one seed; `check` holds the loss to it, and so does `contracts/test_gradients.py`.

    Attributes:
        slopes: dL_G/df at f = −10, −2 and 0 with real logits of 0, worked out by hand.
        discriminator: `(view, r, f) -> value` of one seed's logits; `view.memory` is what a loss with a state keeps.
        generator: `(r, f) -> value`.
        targeted: `(r, f, on_real, on_fake) -> value`, in the place of `discriminator` for a loss with targets.
        defaults: the parameters' values that the paper or its authors' code has. open: why a default is what it is
            where no paper fixes it.
    """

    name: str
    slopes: tuple[float, float, float]
    generator: Callable[[Tensor, Tensor], Tensor]
    discriminator: Callable[[Any, Tensor, Tensor], Tensor] | None = None
    targeted: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] | None = None
    defaults: dict[str, object] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)

    def on_discriminator(self, view: Any, r: Tensor, f: Tensor, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """Return the discriminator's loss of one seed's logits, real ones answering `on_real`."""
        if self.targeted is not None:
            return self.targeted(r, f, on_real, on_fake)
        assert self.discriminator is not None, f"{self.name}: give discriminator or targeted"
        return self.discriminator(view, r, f)

    def check(self) -> None:
        """Hold values, slopes and defaults of the loss to this."""
        loss: Any = registry.find("loss", self.name)()
        assert {**loss.parameters} == {**self.defaults, **{name: loss.parameters[name] for name in self.open}}
        generator = torch.Generator().manual_seed(0)
        real, fake = 2 * torch.randn(2, 3, 7, dtype=torch.float64, generator=generator)
        if "energy" in loss.all_traits:  # logits are −E ≤ 0
            real, fake = -real.abs(), -fake.abs()
        on_both = loss.discriminator(real, fake), loss.generator(fake, real)
        for r, f, on_d, on_g in zip(real, fake, *on_both, strict=True):
            known = SimpleNamespace(memory={"k": torch.ones(1)}, seed=0)
            words = self.on_discriminator(known, r, f, torch.ones_like(r), torch.zeros_like(f))
            torch.testing.assert_close(on_d, words, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(on_g, self.generator(r, f), rtol=1e-12, atol=1e-12)
        at = torch.tensor(AT, dtype=torch.float64).unsqueeze(-1).requires_grad_()
        (slopes,) = torch.autograd.grad(loss.generator(at, torch.zeros_like(at)).sum(), at)
        assert slopes.flatten().tolist() == pytest.approx(self.slopes, rel=1e-4)


@dataclass(frozen=True)
class TrickOracle:
    """What one trick changes in the objective of one seed, each part in words; `t` is the trick, `v` a `View`.

    `contracts/test_gradients.py` holds the engine to it, and `contracts/test_defaults.py` the defaults.

    Attributes:
        parameters: other than the defaults, so that a few small steps can tell. images: it wants images.
        latent: `(t, z) -> z`. see: `(v, t, x, side) -> x`, what D sees. weights: `(params) -> params` of D.
        features: `(t, h, params) -> more features`. targets: `(v, t, on_real, on_fake) -> both`.
        penalty, generator_penalty: `(v, t, real, fake) -> value` that D's or G's loss has beside it; generator: in the
            place of G's. choose: `(v, t, r, f) -> (r, f)`, the logits that G's loss is of.
        alone: `(v, t, player, plain) -> value`, where it says all by itself; `plain(v)` is the objective without it.
        elsewhere: `file::test` that holds what is no objective: an update rule, the weights after it, evaluation.
        defaults: the parameters' values that the paper or its authors' code has. open: why a default is what it is
            where no paper fixes it.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    images: bool = False
    latent: Callable | None = None
    see: Callable | None = None
    weights: Callable | None = None
    features: Callable | None = None
    targets: Callable | None = None
    penalty: Callable | None = None
    generator: Callable | None = None
    generator_penalty: Callable | None = None
    choose: Callable | None = None
    alone: Callable | None = None
    elsewhere: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)


def collected(package: ModuleType) -> dict[str, Any]:
    """Return the oracles that the test files of a package define as `ORACLE` or `ORACLES`, by the component's name."""
    oracles: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(info.name)
        for oracle in (*getattr(module, "ORACLES", ()), *([module.ORACLE] if hasattr(module, "ORACLE") else [])):
            assert oracle.name not in oracles, f"{info.name}: {oracle.name} has two oracles"
            oracles[oracle.name] = oracle
    return oracles


def log_sigmoid(x: Tensor) -> Tensor:
    """Return log σ(x)."""
    return -torch.log(1 + torch.exp(-x))


def cross_entropy(r: Tensor, f: Tensor, on_real: Tensor, on_fake: Tensor) -> Tensor:
    """Return −E[t log σ + (1 − t) log(1 − σ)] of both sides, t each sample's own target."""
    real = -(on_real * log_sigmoid(r) + (1 - on_real) * log_sigmoid(-r)).mean()
    return real - (on_fake * log_sigmoid(f) + (1 - on_fake) * log_sigmoid(-f)).mean()

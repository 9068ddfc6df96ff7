"""Ordinary one-seed `torch.nn.Module`s as networks: all seeds at once through `torch.func.functional_call` and `vmap`.

What works: any module that takes a batch `[B, …]`, its buffers included. Batch norm works: each seed has its own batch
statistics and its own running ones. A module that draws random numbers (dropout) works too; its draws are the same
whenever the trial runs, but are others when other seeds train beside it. Tensors that are neither parameters nor
buffers stay on the CPU and are shared by all seeds. A buffer that is replaced (`self.b = …`) rather than changed in
place stays as it was.

`vmap` is tried once, when the network is made. What it cannot run (spectral norm, whose power iteration writes into
buffers, `view` of what `vmap` has laid out otherwise, control flow that depends on values) runs one seed after another,
and a warning says so, with the cost.
"""

from __future__ import annotations

import contextlib
import hashlib
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError
from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks import Net, Network
from ganbench.networks._trying import RANDOM, Shape, Traits, global_stream, runs_under_vmap, try_out

if TYPE_CHECKING:
    from torch import nn

Make = Callable[[], "nn.Module"]


@dataclass(frozen=True)
class ModuleNetwork(Network):
    """A network of plain modules; derive from it, give it a `name`, and define the three methods.

    Each is called once a seed, with torch's global generator seeded from the seed's own stream, so that weights are
    drawn as always. Declare the traits `couples samples` (batch norm) and `random discriminator` (dropout) where they
    hold for the discriminator: the plan leaves out what has no meaning beside them.
    """

    @abstractmethod
    def make_generator(self, shape: Shape) -> nn.Module:
        """Return a new generator `[B, latent] → [B, *shape]`."""

    @abstractmethod
    def make_trunk(self, shape: Shape) -> nn.Module:
        """Return a new discriminator up to its last hidden layer, `[B, *shape] → [B, F]`."""

    @abstractmethod
    def make_head(self, width: int) -> nn.Module:
        """Return a new last layer `[B, width] → [B, 1]`; tricks may have made `width` larger than the trunk's F."""

    def generator(self, shape: Shape) -> Net:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""
        net = ModuleNet("body", lambda: self.make_generator(shape), (self.latent,))
        if net.out != shape:
            raise UsageError(f"{self.name}: the generator makes samples {net.out}, the data are {shape}; adapt it")
        return net

    def trunk(self, shape: Shape) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, *shape] → [S, B, F]`, and F."""
        net = ModuleNet("body", lambda: self.make_trunk(shape), shape)
        if missing := tuple(trait for trait in net.traits if trait not in self.all_traits):
            raise UsageError(f"{self.name}: the discriminator has undeclared traits; add `traits = {missing}`")
        return net, (*net.out, 1)[0]

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return ModuleNet("head", lambda: self.make_head(width), (width,))


class ModuleNet:
    """One module for all seeds: `functional_call` under `vmap`, behind the interface of every network.

    The weights of `nn.Linear` are kept as `[in, out]`, as the tricks expect them.

    Attributes:
        packs: whether `vmap` runs it; else its seeds run one after another.
    """

    def __init__(self, name: str, make: Make, shape: Shape) -> None:
        self.name, self.make = name, make
        self.module = _seeded(make, 0)
        self.out, self.traits = try_out(self.module, shape)
        self.packs = runs_under_vmap(self.module, shape)
        self.linear = {
            f"{path}.weight".lstrip(".")
            for path, module in self.module.named_modules()
            if isinstance(module, torch.nn.Linear)
        }
        self.params = [n for n, p in self.module.named_parameters() if p.requires_grad]
        self.kept = [n for n, p in self.module.named_parameters() if not p.requires_grad]
        self.kept += [n for n, _ in self.module.named_buffers()]

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        seed = int(torch.randint(2**62, (), generator=generator))
        module = _seeded(self.make, seed)
        state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        state = {n: t.detach().clone() for n, t in state.items()}
        params = {self._key(n): state[n].mT.contiguous() if n in self.linear else state[n] for n in self.params}
        return params, {self._key(n): state[n] for n in self.kept}

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for `x` `[S, B, …]`; in training the module may move `buffers` in place."""
        weights = {n: params[self._key(n)] for n in self.params}
        weights = {n: t.mT if n in self.linear else t for n, t in weights.items()}
        kept = {n: buffers[self._key(n)] for n in self.kept}
        self.module.train(training)
        with global_stream(_seed_of(noise, self.name)) if RANDOM in self.traits else contextlib.nullcontext():
            if self.packs:
                y = torch.vmap(self._call, randomness="different")(weights, kept, x)
            else:
                y = torch.stack([self._call(_at(weights, seed), _at(kept, seed), x[seed]) for seed in range(len(x))])
        return y.unsqueeze(-1) if y.dim() == 2 else y

    def _call(self, params: Params, buffers: Params, x: Tensor) -> Tensor:
        return torch.func.functional_call(self.module, (params, buffers), (x,))

    def _key(self, name: str) -> str:
        """Return the name in a trial, which keeps the last layer's parameters apart from the trunk's."""
        return f"{self.name}.{name}"


def modules(
    generator: Make, discriminator: Make, *, latent: int = 8, name: str = "modules", version: int = 1
) -> ModuleNetwork:
    """Return a network made of ordinary modules, for `ganbench.Suite(networks=[…])`.

    Results on disk are found by name, version, latent and the modules' structure (their `repr` and the shapes of their
    weights): raise `version` when a `forward` or an initialisation changes.

    Args:
        generator: makes a new module `[B, latent] → [B, *shape]`, weights drawn from torch's global generator, which is
            seeded for each call. A class is such a factory.
        discriminator: makes a new module `[B, *shape] → [B]` or `[B, 1]`. Where it is an `nn.Sequential` that ends in
            `nn.Linear(F, 1)` it has a last hidden layer, which some tricks work on; any other is a single piece, and
            the plan leaves those tricks out, with the reason.
        latent: dimension of the generator's input.
        name: how tables and reports call it.
        version: of its numbers.

    Raises:
        UsageError: the discriminator does not answer one number per sample of the generator.
    """
    players = _seeded(generator, 0), _seeded(discriminator, 0)
    shape, traits = _tried_together(*players, latent, name)
    last = _last_linear(players[1])

    @dataclass(frozen=True)
    class Own(ModuleNetwork):
        structure: str = _structure(*players)

        def make_generator(self, shape: Shape) -> nn.Module:
            return generator()

        def make_trunk(self, shape: Shape) -> nn.Module:
            return discriminator() if last is None else discriminator()[:-1]  # type: ignore[index]

        def make_head(self, width: int) -> nn.Module:
            if last is None:
                return torch.nn.Identity()
            if width == last.in_features:
                return discriminator()[-1]  # type: ignore[index]
            return torch.nn.Linear(width, 1, bias=last.bias is not None)

        def skip(self, trial: TrialFacts) -> str | None:
            return _why_not(trial, shape, last is None)

    Own.__doc__ = f"Own modules: {type(players[0]).__name__} and {type(players[1]).__name__}."
    Own.__name__ = Own.__qualname__ = Own.name = name
    Own.version, Own.traits = version, traits
    return Own(latent=latent)


def _tried_together(generator: nn.Module, discriminator: nn.Module, latent: int, name: str) -> tuple[Shape, Traits]:
    """Return the shape of the generator's samples, and the discriminator's traits on them."""
    shape, _ = try_out(generator, (latent,))
    answer, traits = try_out(discriminator, shape)
    if answer not in ((), (1,)):
        raise UsageError(f"{name}: the discriminator answers {answer} a sample; make it one number")
    for player, takes in ((generator, (latent,)), (discriminator, shape)):
        runs_under_vmap(player, takes)  # said here, once, and not in the middle of a sweep
    return shape, traits


def _at(state: Params, seed: int) -> Params:
    """Return one seed's tensors, as views, so that what the module writes into its buffers is kept."""
    return {name: tensor[seed] for name, tensor in state.items()}


def _last_linear(module: nn.Module) -> nn.Linear | None:
    """Return the last layer of a sequence, if it is a plain linear one with a single output."""
    last = module[-1] if isinstance(module, torch.nn.Sequential) and len(module) > 1 else None
    return last if type(last) is torch.nn.Linear and last.out_features == 1 else None


def _why_not(trial: TrialFacts, shape: Shape, single_piece: bool) -> str | None:
    """Return why own modules, made for samples of `shape`, cannot be part of a trial."""
    data = trial.dataset.build()
    if data.shape != shape:
        return f"its modules are made for samples {shape}, {data.name} has {data.shape}"
    for trick in (choice.build() for choice in trial.tricks):
        if trick.shape(shape) != shape:
            return f"its discriminator is made for samples {shape}, {trick.name} shows it {trick.shape(shape)}"
        if single_piece and {"extra_hidden", "generator_loss"} & trick.hooks:
            return f"its discriminator is a single piece, {trick.name} needs an nn.Sequential ending in nn.Linear(F, 1)"
    return None


def _structure(*players: nn.Module) -> str:
    """Return twelve hex digits that change with the layers and the shapes of the weights."""
    shapes = [[(n, tuple(t.shape)) for n, t in player.state_dict().items()] for player in players]
    return hashlib.sha256(repr((players, shapes)).encode()).hexdigest()[:12]


def _seeded(make: Make, seed: int) -> nn.Module:
    """Return a new module whose weights depend on the seed alone."""
    with global_stream(seed):
        return make()


def _seed_of(noise: Noise | None, name: str) -> int:
    """Return the next seed for all that a module draws in one pass: from every seed's own stream, 0 in evaluation."""
    if noise is None:
        return 0
    numbers = noise.uniform(f"module {name}", 1).flatten().tolist()
    return int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest(), "big") >> 1

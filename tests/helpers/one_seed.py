"""One seed's players as a textbook writes them: no stacking, no hooks, and the random numbers that the engine drew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks.diff_augment import DiffAugment
from tests.engine import PackedNoise, PackedPlayer, TrialSetup
from tests.helpers.stand_in import stand_in


class Recorded(PackedNoise):
    """The engine's random numbers, kept in the order in which they were drawn."""

    def __init__(self, seeds):
        super().__init__(seeds, torch.device("cpu"))
        self.drawn: list[tuple[str, Tensor]] = []

    def draw(self, name, numbers, draw):
        drawn = super().draw(name, numbers, draw)
        self.drawn.append((name.split(":")[0], drawn.clone()))
        return drawn

    def passes(self) -> list[list[tuple[str, Tensor]]]:
        """Return the draws of each pass: every pass begins with its latents."""
        starts = [i for i, (name, _) in enumerate(self.drawn) if name == "latent"]
        return [self.drawn[a:b] for a, b in zip(starts, [*starts[1:], len(self.drawn)], strict=True)]


@dataclass
class Snapshot:
    """A player before the step: weights, buffers, what tricks remember, and the optimiser's moments."""

    flat: Tensor
    buffers: dict[str, Tensor]
    memory: dict[str, Tensor]
    moments: dict[str, Tensor]

    @classmethod
    def of(cls, player: PackedPlayer) -> Snapshot:
        def clones(tensors):
            return {name: t.detach().clone() for name, t in tensors.items()}

        state = player.optimizer.state.get(player.flat, {})
        return cls(player.flat.detach().clone(), clones(player.buffers), clones(player.memory), clones(state))


@dataclass
class View:
    """One seed in one player's pass, at weights that may be moved.

    Attributes:
        d, g: flat weights `[P]`. memory: what tricks remembered when the pass began. step: from 0.
        moments: of the discriminator's optimiser. histories: each player's mean weights, where they are remembered.
        frozen: what counts as a constant however the weights are moved.
        shown: images before and after augmentations, where a penalty looks at them.
        weights, features: what tricks make of the discriminator's weights and of its last hidden layer, in words.
    """

    setup: TrialSetup
    layouts: dict[str, Callable[[Tensor], dict[str, Tensor]]]
    seed: int
    player: str
    drawn: list[tuple[str, Tensor]]
    d: Tensor
    g: Tensor
    buffers: dict[str, dict[str, Tensor]]
    memory: dict[str, Tensor]
    moments: dict[str, Tensor]
    histories: dict[str, Tensor | None]
    step: int
    frozen: dict[str, float] = field(default_factory=dict)
    weights: list[Callable] = field(default_factory=list)
    features: list[Callable] = field(default_factory=list)
    shown: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def __post_init__(self):
        self._left = defaultdict(list)
        for name, numbers in self.drawn:
            self._left[name].append(numbers[self.seed])
        self.z = self.take("latent")
        self.real = self.setup.data.gather(self.take("data")).to(self.z.dtype) if self._left["data"] else None

    def moved(self, **changes) -> View:
        """Return the same pass with other weights, its random numbers from the start again."""
        return replace(self, **changes, weights=[], features=[])

    def take(self, name: str) -> Tensor:
        """Return the seed's next numbers of a stream."""
        return self._left[name].pop(0)

    def params(self, name: str) -> dict[str, Tensor]:
        """Return a player's parameters without a seed axis."""
        flat = self.d if name == "D" else self.g
        return {n: p[0] for n, p in self.layouts[name](flat.unsqueeze(0)).items()}

    def _apply(self, net, params: dict[str, Tensor], player: str, x: Tensor) -> Tensor:
        own = self.buffers[player]
        one = {n: p.unsqueeze(0) for n, p in params.items()}
        kept = {n: b[self.seed].unsqueeze(0).clone() for n, b in own.items()}
        return net.apply(one, kept, x.unsqueeze(0), training=True, noise=self)[0]

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Return what a network draws (dropout), with the seed axis that it expects."""
        return self.take(name).unsqueeze(0)

    def generate(self, z: Tensor) -> Tensor:
        return self._apply(self.setup.generator, self.params("G"), "G", z)

    def judged(self) -> dict[str, Tensor]:
        """Return the weights that the discriminator computes with."""
        params = self.params("D")
        for change in self.weights:
            params = change(params)
        return params

    def hidden(self, x: Tensor) -> Tensor:
        return self._apply(self.setup.trunk, self.judged(), "D", x)

    def logits(self, x: Tensor) -> Tensor:
        h = self.hidden(x)
        extra = [make(h, self.params("D")) for make in self.features]
        return self._apply(self.setup.head, self.judged(), "D", torch.cat([h, *extra], -1))[:, 0]

    def slopes(self, x: Tensor) -> Tensor:
        """Return ‖∇D‖ of each sample, looked at one at a time; of an augmented one, for the image that it was."""
        norms = []
        for source, shown in self.shown:
            if shown is x:
                for i in range(len(x)):
                    (slope,) = torch.autograd.grad(self.logits(x[i : i + 1])[0], source, retain_graph=True)
                    norms.append(slope[i].square().sum().sqrt())
                return torch.stack(norms)
        for sample in x.detach():
            one = sample.clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.logits(one.unsqueeze(0))[0], one)
            norms.append(slope.square().sum().sqrt())
        return torch.stack(norms)


def interpolates(v, name, real, fake):
    share = v.take(name)
    return torch.stack([e * x + (1 - e) * y for e, x, y in zip(share, real, fake, strict=True)])


def matrices(v):
    """Each weight as a matrix, one row an output."""
    found = [p for name, p in v.judged().items() if name.endswith(".weight")]
    return [w.T if w.dim() == 2 else w.reshape(len(w), -1) for w in found]


class _Drawn:
    """The next numbers of one stream, as a trick asks for them."""

    def __init__(self, v):
        self.v = v

    def uniform(self, name, *shape):
        return self.v.take(name)


def augmented(v, t, x, side, kinds=("colour", "translation", "cutout")):
    # Its values are held to slices of images in test_input_tricks.
    return DiffAugment(kinds).inputs(x, stand_in(DiscriminatorView, noise=_Drawn(v)), side)

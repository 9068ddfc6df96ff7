"""Normalisations of points `[S, B, F]` and of packed images `[B, S·C, H, W]`, each seed's on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import F, torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from ganbench.networks import Params
    from ganbench.training.noise import Noise

EPS = 1e-5
REGISTER = 16  # float32 numbers in the widest vector register


class Affine:
    """What all normalisations share: a scale from 1 and a bias from 0, one of each per feature or channel."""

    def __init__(self, name: str, features: int) -> None:
        self.scale, self.bias, self.features = f"{name}.scale", f"{name}.bias", features

    def init(self, generator: Generator) -> tuple[Params, Params]:
        """Return scale 1 and bias 0, and no buffers."""
        return {self.scale: torch.ones(self.features), self.bias: torch.zeros(self.features)}, {}


class BatchNorm(Affine):
    """(x − mean) / √(var + ε) · g + b over each seed's batch `[S, B, F]`; running averages in evaluation."""

    def __init__(self, name: str, features: int, momentum: float = 0.1) -> None:
        super().__init__(name, features)
        self.mean, self.var, self.momentum = f"{name}.running_mean", f"{name}.running_var", momentum

    def init(self, generator: Generator) -> tuple[Params, Params]:
        """Return scale 1 and bias 0; buffers: mean 0 and variance 1."""
        params, _ = super().init(generator)
        return params, {self.mean: torch.zeros(self.features), self.var: torch.ones(self.features)}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised `x`."""
        if self.features % REGISTER:
            return self.one_by_one(params, buffers, x, training)
        # Joined rather than permuted, as in `_images.pack`.
        y = self.normalise(params, buffers, torch.cat(x.unbind(0), dim=1), training)
        return torch.stack(y.split(self.features, dim=1))

    def normalise(self, params: Params, buffers: Params, x: Tensor, training: bool) -> Tensor:
        """Return `[B, S·C, …]` normalised channel by channel; in training the running averages move in place."""
        # Views of the stacked buffers, so that batch_norm's in-place update reaches them.
        mean, var = buffers[self.mean].view(-1), buffers[self.var].view(-1)
        scale, bias = params[self.scale].flatten(), params[self.bias].flatten()
        return F.batch_norm(x, mean, var, scale, bias, training=training, momentum=self.momentum, eps=EPS)

    def one_by_one(self, params: Params, buffers: Params, x: Tensor, training: bool) -> Tensor:
        """Return `[S, B, C, …]` normalised a seed at a time, which costs S calls.

        Channels are computed a vector register at a time and the rest in another way: where C is no whole number of
        registers, S would decide which channels are the rest.
        """
        stacked = (x, buffers[self.mean], buffers[self.var], params[self.scale], params[self.bias])
        each = zip(*(tensor.unbind(0) for tensor in stacked), strict=True)
        options = {"training": training, "momentum": self.momentum, "eps": EPS}
        return torch.stack([F.batch_norm(*one, **options) for one in each])


class ImageBatchNorm(BatchNorm):
    """Batch norm of each channel of each seed over its batch and places."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images."""
        if self.features % REGISTER == 0:
            return self.normalise(params, buffers, x, training)
        y = self.one_by_one(params, buffers, torch.stack(x.split(self.features, dim=1)), training)
        return torch.cat(y.unbind(0), dim=1)


class LayerNorm(Affine):
    """(x − mean) / √(var + ε) · g + b over each sample's features: no sample sees another one."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised `[S, B, F]`."""
        normal = F.layer_norm(x, (self.features,), eps=EPS)
        return torch.addcmul(params[self.bias].unsqueeze(-2), normal, params[self.scale].unsqueeze(-2))


class ImageLayerNorm(Affine):
    """Layer norm over the channels and places of each image, with a scale and a bias per channel."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images; a seed's channels are one group of the packed layout."""
        scale, bias = params[self.scale], params[self.bias]
        return F.group_norm(x, len(scale), scale.flatten(), bias.flatten(), eps=EPS)


class ImageInstanceNorm(Affine):
    """Instance norm: each channel of each image over its places."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images."""
        # One group per channel: `F.instance_norm` sums the parameters' gradients in an order that other seeds change.
        return F.group_norm(x, x.shape[1], params[self.scale].flatten(), params[self.bias].flatten(), eps=EPS)

"""Normalisations of points `[S, B, F]` and of images `[S·B, C, H, W]`, each seed's on its own."""

from __future__ import annotations

import functools

from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks._each_seed import each_seed

EPS, MOMENTUM = 1e-5, 0.1
REGISTER = 16  # float32 numbers in the widest vector register


class Affine:
    """What all normalisations share: a scale from 1 and a bias from 0, one of each per feature or channel."""

    def __init__(self, name: str, features: int) -> None:
        self.scale, self.bias, self.features = f"{name}.scale", f"{name}.bias", features

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return scale 1 and bias 0, and no buffers."""
        return {self.scale: torch.ones(self.features), self.bias: torch.zeros(self.features)}, {}


class BatchNorm(Affine):
    """(x − mean) / √(var + ε) · g + b over each seed's batch `[S, B, F]`; running averages in evaluation."""

    def __init__(self, name: str, features: int) -> None:
        super().__init__(name, features)
        self.mean, self.var = f"{name}.running_mean", f"{name}.running_var"

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return scale 1 and bias 0; buffers: mean 0 and variance 1."""
        params, _ = super().init(generator)
        return params, {self.mean: torch.zeros(self.features), self.var: torch.ones(self.features)}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised `x`."""
        if self.features % REGISTER:
            # Channels are computed a vector register at a time and the rest in another way: where F is no whole
            # number of registers, S would decide which features are the rest.
            stacked = (x, *self.stacked(params, buffers))
            return torch.stack([self.normalise(training, *one) for one in zip(*stacked, strict=True)])
        # Joined rather than permuted: the gradient is then contiguous, and products with it do not depend on S.
        flat = (tensor.flatten() for tensor in self.stacked(params, buffers))
        y = self.normalise(training, torch.cat(x.unbind(0), dim=1), *flat)
        return torch.stack(y.split(self.features, dim=1))

    def stacked(self, params: Params, buffers: Params) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return running mean and variance, scale and bias."""
        return buffers[self.mean], buffers[self.var], params[self.scale], params[self.bias]

    def normalise(self, training: bool, x: Tensor, mean: Tensor, var: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """Return `[B, F, …]` normalised feature by feature; in training the running averages move in place."""
        return F.batch_norm(x, mean, var, scale, bias, training=training, momentum=MOMENTUM, eps=EPS)


class ImageBatchNorm(BatchNorm):
    """Batch norm of each channel of each seed over its batch and places."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images."""
        return each_seed(functools.partial(self.normalise, training), x, *self.stacked(params, buffers))


class LayerNorm(Affine):
    """(x − mean) / √(var + ε) · g + b over each sample's features: no sample sees another one."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised `[S, B, F]`."""
        normal = F.layer_norm(x, (self.features,), eps=EPS)
        return torch.addcmul(params[self.bias].unsqueeze(-2), normal, params[self.scale].unsqueeze(-2))


class ImageLayerNorm(Affine):
    """Layer norm over the channels and places of each image, with a scale and a bias per channel."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images."""
        return each_seed(self.normalise, x, params[self.scale], params[self.bias])

    def normalise(self, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """Return `[B, C, H, W]` normalised, all channels of a seed as one group."""
        return F.group_norm(x, x.shape[1] // self.features, scale, bias, eps=EPS)


class ImageInstanceNorm(ImageLayerNorm):
    """Instance norm: each channel of each image over its places."""

    def normalise(self, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """Return `[B, C, H, W]` normalised, each channel as a group."""
        return F.group_norm(x, x.shape[1], scale, bias, eps=EPS)

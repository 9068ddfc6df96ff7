"""How close each sample of a minibatch is to the others, for minibatch discrimination. Importing this file loads torch.

A distance is symmetric, so the pairs (b, b + k) for k = 1 … B/2 are all there are: half the work of the full B × B
square. Rows are worked off in blocks whose differences stay in the processor's second cache. Both passes are operators
of their own that a compiled step calls as they are: what inductor makes of the formula takes three times as long. They
are defined by torch's own schema, because its shorter `custom_op` imports the compiler when it is called, for a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ganbench.core.lazy import Tensor, torch

BLOCK_NUMBERS = 2**17  # of differences at a time, 512 kB
REGISTERS = 32  # numbers: torch sums what is left over in another order, so that a seed's bits would depend on others


class Closeness(torch.autograd.Function):
    """Σ_{b' ≠ b} exp(−Σ_d |p_db − p_db'|) as a function `[D, B, R] → [B, R]` that can be differentiated twice.

    Between the passes it keeps the exponentials, R · B²/2 numbers. A third derivative raises.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, p: Tensor) -> Tensor:
        closeness, *near = torch.ops.ganbench.closeness(p)
        ctx.save_for_backward(p, *near)
        return closeness

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grad_outputs: Tensor) -> Tensor:
        p, *near = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue] - missing in torch's annotations
        return _Slope.apply(p, *grad_outputs, *near)  # pyright: ignore[reportReturnType]


class _Slope(torch.autograd.Function):
    """The gradient of Σ_rb g_br · closeness_br by p."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, p: Tensor, grad: Tensor, *near: Tensor) -> Tensor:
        ctx.save_for_backward(p, grad, *near)
        return torch.ops.ganbench.closeness_slope(p, grad, near)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by p and g along v: signs stay as they are, and near falls with the distance.

        With q = Σ_d sign(p_db − p_db') (v_db − v_db') they are Σ_b' (g_b + g_b') near q sign and −Σ_b' near q.
        """
        p, grad, *near = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        (along,) = grad_outputs
        if torch.is_grad_enabled():
            raise NotImplementedError("minibatch_discrimination has no third derivative; leave the other trick out")
        by_p, by_grad = torch.empty_like(p), torch.empty_like(grad)
        for rows, pairs in zip(_blocks(p), near, strict=True):
            doubled, grads, batch = _doubled(p[..., rows]), _doubled(grad[:, rows]), p.shape[1]
            ways, total, total_g = _doubled(along[..., rows]), torch.zeros_like(doubled), torch.zeros_like(grads)
            for k, near_k in enumerate(pairs, 1):
                sign = (doubled[:, :batch] - doubled[:, k : k + batch]).sign_()
                push = (ways[:, :batch] - ways[:, k : k + batch]).mul_(sign).sum(0).mul_(near_k)
                if 2 * k == batch:
                    push *= 0.5
                total_g[:batch] -= push
                total_g[k : k + batch] -= push
                push *= grads[:batch] + grads[k : k + batch]
                total[:, :batch].addcmul_(sign, push)
                total[:, k : k + batch].addcmul_(sign, push, value=-1)
            by_p[..., rows], by_grad[:, rows] = _folded(total, rows), _folded(total_g, rows)
        return by_p, by_grad, *[None] * len(near)


torch.library.define("ganbench::closeness", "(Tensor p) -> Tensor[]")
torch.library.define("ganbench::closeness_slope", "(Tensor p, Tensor grad, Tensor[] near) -> Tensor")


@torch.library.impl("ganbench::closeness", "CompositeExplicitAutograd")
def _sums(p: Tensor) -> list[Tensor]:
    """Return the closeness `[B, R]`, and exp(−‖p_b − p_b'‖₁) of the pairs of each block, `[B/2, B, r]`."""
    closeness, near = torch.empty_like(p[0]), []
    # Below the smallest normal number: the exponential of what is further away takes fifty times as long.
    floor = math.ceil(math.log(torch.finfo(p.dtype).tiny))
    for rows in _blocks(p):
        doubled, batch = _doubled(p[..., rows]), p.shape[1]
        total, difference = torch.zeros_like(doubled[0]), torch.empty_like(doubled[:, :batch])
        pairs = p.new_empty(batch // 2, *difference.shape[1:])
        for k, near_k in enumerate(pairs, 1):
            torch.sub(doubled[:, :batch], doubled[:, k : k + batch], out=difference).abs_()
            torch.sum(difference, 0, out=near_k).neg_().clamp_(min=floor).exp_()
            total[:batch] += near_k
            if 2 * k != batch:  # at half the batch both ends of a pair are met on their own
                total[k : k + batch] += near_k
        closeness[:, rows] = _folded(total, rows)
        near.append(pairs)
    return [closeness, *near]


@torch.library.register_fake("ganbench::closeness")
def _(p: Tensor) -> list[Tensor]:
    batch, unit = p.shape[1], _unit(p.shape[1])
    near = [p.new_empty(batch // 2, batch, -(-(rows.stop - rows.start) // unit) * unit) for rows in _blocks(p)]
    return [torch.empty_like(p[0]), *near]


@torch.library.impl("ganbench::closeness_slope", "CompositeExplicitAutograd")
def _slope(p: Tensor, grad: Tensor, near: Sequence[Tensor]) -> Tensor:
    """Return −Σ_b' (g_b + g_b') near_bb' sign(p_db − p_db'), `[D, B, R]`."""
    slope = torch.empty_like(p)
    for rows, pairs in zip(_blocks(p), near, strict=True):
        doubled, grads, batch = _doubled(p[..., rows]), _doubled(grad[:, rows]), p.shape[1]
        total, sign, weight = torch.zeros_like(doubled), torch.empty_like(doubled[:, :batch]), grads[:batch].clone()
        for k, near_k in enumerate(pairs, 1):
            torch.add(grads[:batch], grads[k : k + batch], out=weight).mul_(near_k)
            if 2 * k == batch:
                weight *= 0.5
            torch.sub(doubled[:, :batch], doubled[:, k : k + batch], out=sign).sign_()
            total[:, :batch].addcmul_(sign, weight, value=-1)
            total[:, k : k + batch].addcmul_(sign, weight)
        slope[..., rows] = _folded(total, rows)
    return slope


@torch.library.register_fake("ganbench::closeness_slope")
def _(p: Tensor, grad: Tensor, near: Sequence[Tensor]) -> Tensor:
    return torch.empty_like(p)


def _blocks(p: Tensor) -> Iterator[slice]:
    """Yield slices of the rows of `[D, B, R]`, whole registers of them, each with about `BLOCK_NUMBERS` numbers."""
    dimensions, batch, rows = p.shape
    unit = _unit(batch)
    step = max(1, BLOCK_NUMBERS // (dimensions * batch * unit)) * unit
    yield from (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _unit(batch: int) -> int:
    """Return of how many rows a block is made, so that a minibatch of them is whole registers."""
    return REGISTERS // math.gcd(REGISTERS, batch)


def _doubled(block: Tensor) -> Tensor:
    """Return `[…, B, r]` twice along the batch, with rows of zeros up to whole registers."""
    *lead, batch, rows = block.shape
    doubled = block.new_zeros(*lead, 2 * batch, rows + -rows % _unit(batch))
    doubled[..., :batch, :rows] = doubled[..., batch:, :rows] = block
    return doubled


def _folded(total: Tensor, rows: slice) -> Tensor:
    """Return both halves of `[…, 2B, r]` added, without the rows of zeros."""
    first, second = total[..., : rows.stop - rows.start].chunk(2, dim=-2)
    return first + second

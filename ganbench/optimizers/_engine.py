"""torch's optimisers as the engine steps them: uncompiled and unprofiled. Importing this file loads torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ganbench.core.lazy import Tensor, torch


class WithoutCompiler(torch.optim.Optimizer):
    """A mixin, to be listed before a class of torch's, for an optimiser that is never part of a compiled function.

    torch wraps these methods to hide them from its compiler, and each wrapper imports the compiler when it is first
    called, which takes a second. These are the methods inside the wrappers.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)


def _step(optimiser: type[torch.optim.Optimizer]) -> Callable[..., None]:
    """Return the step of a class of torch's without the wrappers that import its compiler and tell its profiler."""
    step = torch.no_grad()(inspect.unwrap(optimiser.step))
    step.hooked = True  # torch wraps a class's step for its profiler unless it carries this mark
    return step


class SGD(WithoutCompiler, torch.optim.SGD):
    """torch's SGD."""

    step = _step(torch.optim.SGD)


class RMSprop(WithoutCompiler, torch.optim.RMSprop):
    """torch's RMSprop."""

    step = _step(torch.optim.RMSprop)


class FusedAdam(WithoutCompiler, torch.optim.Adam):
    """Adam whose step is one call of torch's fused kernel a group: the same numbers, states and checkpoints.

    `torch.optim.Adam.step` sorts its tensors by device, checks its options and reports to the profiler each time: more
    than the kernel itself takes where networks are small. Each parameter here is a plain tensor that has a gradient.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights of every group by their gradients."""
        for group in self.param_groups:
            for weights in group["params"]:
                state = self.state[weights] or self._start(weights)
                state["step"] += 1
                torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage] - not listed, and what Adam calls
                    [weights],
                    [weights.grad],
                    [state["exp_avg"]],
                    [state["exp_avg_sq"]],
                    [],
                    [state["step"]],
                    lr=group["lr"],
                    beta1=group["betas"][0],
                    beta2=group["betas"][1],
                    weight_decay=0.0,
                    eps=group["eps"],
                    amsgrad=False,
                    maximize=False,
                )

    step.hooked = True  # type: ignore[attr-defined] - as in `_step`

    def _start(self, weights: Tensor) -> dict[str, Tensor]:
        """Return the state of a tensor before its first step, as `torch.optim.Adam` keeps it."""
        state = self.state[weights]
        state["step"] = torch.zeros((), dtype=torch.float32, device=weights.device)
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weights), torch.zeros_like(weights)
        return state

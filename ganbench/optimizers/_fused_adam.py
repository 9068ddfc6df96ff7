"""torch's Adam with a step that calls its fused kernel at once. Importing this file loads torch."""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch


class FusedAdam(torch.optim.Adam):
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

    # torch wraps a class's step in a report to its profiler unless it carries this mark.
    step.hooked = True  # type: ignore[attr-defined]

    def _start(self, weights: Tensor) -> dict[str, Tensor]:
        """Return the state of a tensor before its first step, as `torch.optim.Adam` keeps it."""
        state = self.state[weights]
        state["step"] = torch.zeros((), dtype=torch.float32, device=weights.device)
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weights), torch.zeros_like(weights)
        return state

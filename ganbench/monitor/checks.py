"""All that a monitor checks besides the rules of verdicts: how the loop is made, and what its rows show by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ganbench.core.errors import UsageError
from ganbench.losses import Loss
from ganbench.monitor.conventions import Conventions
from ganbench.monitor.findings import Findings
from ganbench.monitor.symptoms import Idle, Symptoms
from ganbench.monitor.terms import Terms
from ganbench.monitor.wiring import Wiring

EARLY = 24  # steps in which conventions are looked at; later at logged steps alone


class Checks:
    """The checks of one run.

    Args:
        loss: that the monitor was told.
        generators, discriminators: the networks, without what compiles or distributes them.

    Attributes:
        findings: what they say. terms: the terms of the generator's loss.
    """

    def __init__(
        self, loss: Loss | None, generators: Sequence[nn.Module], discriminators: Sequence[nn.Module]
    ) -> None:
        self.findings = Findings()
        self.terms = Terms(self.findings)
        self._conventions, self._symptoms = Conventions(loss, self.findings), Symptoms(self.findings)
        self._idle = {"d": Idle("d", self.findings), "g": Idle("g", self.findings)}
        self._wiring = Wiring({"D": list(discriminators), "G": list(generators)}, self.findings)

    def close(self) -> None:
        """Take the hooks away."""
        self._wiring.close()

    def without_generator(self, calls: int, d_moved: bool) -> None:
        """Take in a call of `monitor.step` in which no optimiser has moved the generator.

        Args:
            calls: how many such calls there were in a row.
            d_moved: whether one has moved the discriminator: it may train alone at first.
        """
        self._idle["g"].look(calls, False, not d_moved or "G" in self._wiring.reached)

    def step(self, step: int, given: Mapping[str, Sequence[Tensor]], d_moved: bool, logged: bool) -> None:
        """Take in a step.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name, with their graphs; several of what several networks answered.
            d_moved: whether an optimiser has moved the discriminator since the step before.
            logged: whether a row is made of it.
        """
        self._idle["g"].look(step, True, True)
        self._idle["d"].look(step, d_moved, "D" in self._wiring.reached)
        self._wiring.step(step, given)
        if not self._conventions.decided and (step <= EARLY or logged):
            self._conventions.look(step, given)

    def row(self, step: int, values: Mapping[str, float]) -> dict[str, float]:
        """Return a row of the diagnostics in the scale of the declared loss, with the terms of the generator's loss."""
        values = self._conventions.rescaled(values)
        self._symptoms.look(step, values)
        return values | self.terms.take(step)

    def weigh(self, step: int, terms: Mapping[str, Tensor | float], weights: Sequence[Tensor]) -> None:
        """Weigh the terms of the generator's loss by their gradients, see `Terms.weigh`."""
        self._wiring.muted = True
        try:
            self.terms.weigh(terms, [weight for weight in weights if weight.requires_grad])
        except UsageError as error:
            self.findings.say(step, "terms", str(error))
        finally:
            self._wiring.muted = False

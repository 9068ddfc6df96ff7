"""How much of the generator's gradient each term of its loss is."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.core.column import Column
from ganbench.core.errors import UsageError

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

ADVERSARIAL = re.compile(r"adv|gan|disc|critic|fool|^g(en)?(_?loss)?$", re.IGNORECASE)  # names of that term
DECORATION, ALONE = 0.01, 0.99  # shares of the gradient
ROWS = 5  # that a sentence is the median of


class Terms:
    """Weighs the terms of a loss against each other, by gradients that leave no trace in `.grad`.

    With g_k = ∂L_k/∂θ of term k, weight included: `term_norm_k` = ‖g_k‖, `term_share_k` = ‖g_k‖ / Σ_j ‖g_j‖ in [0, 1],
    and `term_cosine_k` = cos(g_k, Σ_j g_j).

    Args:
        findings: takes the sentences.

    Attributes:
        columns: of all terms so far, for the tables.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.columns: dict[str, Column] = {}
        self._values: dict[str, float] = {}
        self._shares: deque[dict[str, float]] = deque(maxlen=ROWS)

    def weigh(self, terms: Mapping[str, Tensor | float], weights: Sequence[Tensor]) -> None:
        """Work out the terms' gradients; keep their numbers for the row that is due.

        Args:
            terms: name → a scalar that is a part of the generator's loss as it is minimised, its weight included.
            weights: by which gradients are taken: the generator's, or those of its last layer.

        Raises:
            UsageError: a term is no scalar, or its graph has been freed.
        """
        if not isinstance(terms, Mapping):
            raise UsageError(f"the terms are a {type(terms).__name__}; give a dict, name → term")
        for name, term in terms.items():
            if isinstance(term, Tensor) and term.numel() != 1:
                raise UsageError(f"the term {name} has the shape {tuple(term.shape)}; give each term as one number")
        try:
            gradients = {name: _gradient(term, weights) for name, term in terms.items()}
        except RuntimeError as error:
            if "second time" not in str(error):
                raise
            raise UsageError("the graph of the terms is gone; call monitor.terms({...}) before backward()") from error
        total = [torch.stack(parts).sum(0) for parts in zip(*gradients.values(), strict=True)]
        norms = {name: _norm(gradient) for name, gradient in gradients.items()}
        whole, of_total = sum(norms.values()), _norm(total)
        self._values = {}
        for name, gradient in gradients.items():
            self._declare(name)
            self._values[f"term_norm_{name}"] = norms[name]
            if whole > 0:
                self._values[f"term_share_{name}"] = norms[name] / whole
            if norms[name] > 0 and of_total > 0:
                self._values[f"term_cosine_{name}"] = _dot(gradient, total) / (norms[name] * of_total)

    def take(self, step: int) -> dict[str, float]:
        """Return what was worked out for the row of a step, column → number, and say what it means."""
        values, self._values = self._values, {}
        start = "term_share_"
        shares = {name.removeprefix(start): v for name, v in values.items() if name.startswith(start)}
        if len(shares) > 1:
            self._shares.append(shares)
            self._say(step)
        return values

    def _say(self, step: int) -> None:
        rows = [row for row in self._shares if row.keys() == self._shares[-1].keys()]
        names = [name for name in rows[-1] if ADVERSARIAL.search(name)]
        if len(rows) < ROWS or not names or len(names) == len(rows[-1]):
            return
        share = median(sum(row[name] for name in names) for row in rows)
        # A term of exactly 0 has not begun yet.
        if 0 < share < DECORATION and all(sum(row[name] for name in names) > 0 for row in rows):
            self._findings.say(
                step,
                "decoration",
                f"the adversarial loss ({', '.join(names)}) is {100 * share:.2g} % of the generator's gradient: the "
                "discriminator is decoration; raise its weight",
            )
        elif ALONE < share and all(sum(row[name] for name in names) < 1 for row in rows):
            others = ", ".join(name for name in rows[-1] if name not in names)
            self._findings.say(
                step,
                "ignored",
                f"the adversarial loss ({', '.join(names)}) is {100 * share:.3g} % of the generator's gradient: "
                f"{others} is ignored; lower the adversarial weight",
            )

    def _declare(self, name: str) -> None:
        norm, share, cosine = (f"term_{what}_{name}" for what in ("norm", "share", "cosine"))
        if norm not in self.columns:
            self.columns |= {
                norm: Column(norm, f"L2 norm of the gradient of the generator's loss term {name}", scale="log"),
                share: Column(
                    share,
                    f"term_norm_{name} over the sum of all terms' norms",
                    title="Terms of the generator's gradient",
                    scale="log",
                    curve=True,
                    low=0.0,
                    high=1.0,
                ),
                cosine: Column(
                    cosine, "cosine of that gradient and the sum of all terms' gradients", low=-1.0, high=1.0
                ),
            }


def _gradient(term: Tensor | float, weights: Sequence[Tensor]) -> list[Tensor]:
    """Return ∂term/∂weights; 0 where it does not depend on them."""
    if not isinstance(term, Tensor) or not term.requires_grad:
        return [torch.zeros_like(w) for w in weights]
    gradients = torch.autograd.grad(term.reshape(()), list(weights), retain_graph=True, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g.detach() for g, w in zip(gradients, weights, strict=True)]


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return float(sum(float((x.double() * y.double()).sum()) for x, y in zip(a, b, strict=True)))


def _norm(gradient: Sequence[Tensor]) -> float:
    return _dot(gradient, gradient) ** 0.5

"""How much of the generator's gradient each term of its loss is."""

from __future__ import annotations

import logging
import numbers
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganbench.core.column import Column
from ganbench.core.errors import UsageError

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

log = logging.getLogger("ganbench.monitor")

Term = Tensor | Sequence[Tensor] | np.generic | float | None
ADVERSARIAL = re.compile(r"adv|gan|disc|critic|fool|^g(en)?(_?loss)?$", re.IGNORECASE)  # names of that term
DECORATION, ALONE = 0.01, 0.99  # shares of the gradient
ROWS = 5  # that a sentence is the median of
MOST = 32  # names of terms
ROUNDING = 1e-4  # relative difference of a sum and what is added up, in single precision


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
        self._names, self._warned = set[str](), set[str]()
        self._shares: deque[dict[str, float]] = deque(maxlen=ROWS)

    def weigh(self, terms: Mapping[str, Term], weights: Sequence[Tensor]) -> None:
        """Work out the terms' gradients; keep their numbers for the row that is due.

        Args:
            terms: name → a scalar that is a part of the generator's loss as it is minimised, its weight included, or a
                list of such; None or a number where it has not begun.
            weights: by which gradients are taken: the generator's, or those of its last layer.

        Raises:
            UsageError: a term is no scalar, none has a graph, or it has been freed.
        """
        if not isinstance(terms, Mapping):
            raise UsageError(f"the terms are a {type(terms).__name__}; give a dict, name → term")
        parts = {str(name): _parts_of(str(name), term) for name, term in self._known(terms).items()}
        if not any(part.requires_grad for several in parts.values() for part in several):
            if any(bool(part != 0) for several in parts.values() for part in several):
                raise UsageError("the terms are numbers without a graph; give the tensors, before backward()")
            return  # none has begun yet
        if not weights:
            return  # all are frozen
        try:
            reached = {name: _gradient(several, weights) for name, several in parts.items()}
        except RuntimeError as error:
            raise _explained(error) from error
        if not any(gradient is not None for several in reached.values() for gradient in several):
            raise UsageError(
                "the terms do not depend on the generator's weights, or its activations are computed again by "
                "checkpoint() of the older kind: give terms of its samples, or use_reentrant=False"
            )
        gradients = {
            name: [torch.zeros_like(w) if g is None else g.detach() for g, w in zip(several, weights, strict=True)]
            for name, several in reached.items()
        }
        whole = self._whole(gradients)
        self._keep({name: gradient for name, gradient in gradients.items() if name != whole})

    def _known(self, terms: Mapping[str, Term]) -> dict[str, Term]:
        """Return those of the first 32 names: each has columns of its own for ever."""
        known: dict[str, Term] = {}
        for name, term in terms.items():
            if str(name) in self._names or len(self._names) < MOST:
                self._names.add(str(name))
                known[name] = term
        if len(known) < len(terms):
            self._warn(
                "names", "terms have had %d names, and others are left out; give each one name for all steps", MOST
            )
        return known

    def _whole(self, gradients: Mapping[str, Sequence[Tensor]]) -> str | None:
        """Return the name of the term that is the sum of all others, which would count twice; None without one."""
        total = _sum(gradients.values())
        if len(gradients) < 3:
            return None
        wholes = [name for name, gradient in gradients.items() if _is_half(gradient, total)]
        if len(wholes) != 1:
            return None
        self._warn("whole", "the term %s is the sum of the others and is left out; give each part once", wholes[0])
        return wholes[0]

    def _warn(self, key: str, text: str, value: object) -> None:
        if key not in self._warned:
            self._warned.add(key)
            log.warning(f"ganbench.Monitor: {text}", value)

    def _keep(self, gradients: Mapping[str, Sequence[Tensor]]) -> None:
        total = _sum(gradients.values())
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


def _parts_of(name: str, term: Term) -> list[Tensor]:
    """Return the scalars whose sum a term is; none of one that has no gradient: a number, or nothing yet.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(term, list | tuple):
        return [part for each in term for part in _parts_of(name, each)]
    if isinstance(term, Tensor):
        if term.numel() != 1:
            raise UsageError(f"the term {name} has the shape {tuple(term.shape)}; give each term as one number")
        return [term.reshape(())]
    if term is None:
        return []
    if not isinstance(term, numbers.Real | np.generic):
        raise UsageError(f"the term {name} is a {type(term).__name__}; give each term as one number, a tensor")
    return [torch.tensor(float(term))]


def _explained(error: RuntimeError) -> Exception:
    """Return what a backward pass raised in words of the loop, as far as it is known."""
    text = str(error)
    if "second time" in text or "inplace operation" in text:
        return UsageError("the graph of the terms is gone; call monitor.terms({...}) before backward() and step()")
    if "use_reentrant" in text:
        return UsageError("the terms cannot go through checkpoint() of the older kind; give it use_reentrant=False")
    return error


def _gradient(parts: Sequence[Tensor], weights: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """Return ∂(sum of the parts)/∂weights; None where it does not depend on them."""
    if not (parts := [part for part in parts if part.requires_grad]):
        return [None] * len(weights)
    return torch.autograd.grad(parts, list(weights), retain_graph=True, allow_unused=True)


def _sum(gradients: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    return [torch.stack(parts).sum(0) for parts in zip(*gradients, strict=True)]


def _is_half(gradient: Sequence[Tensor], total: Sequence[Tensor]) -> bool:
    """Say whether a gradient is half of another, but for rounding."""
    own = _norm(gradient)
    return 0 < own and _norm([2 * g - t for g, t in zip(gradient, total, strict=True)]) < ROUNDING * own


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return float(sum(float((x.double() * y.double()).sum()) for x, y in zip(a, b, strict=True)))


def _norm(gradient: Sequence[Tensor]) -> float:
    return _dot(gradient, gradient) ** 0.5

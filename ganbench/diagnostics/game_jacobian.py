"""Whether the game attracts, repels or circles where it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.lazy import numpy as np
from ganbench.diagnostics import Scheduled, Step

if TYPE_CHECKING:
    from numpy import ndarray

DENSE = 800  # up to so many weights the whole matrix costs no more than searches
BASIS = 80  # vectors of a search; imaginary parts lie inside the spectrum and converge with a wide basis alone
ROUNDS = 20  # restarts of a search


@dataclass(frozen=True)
class GameJacobian(Scheduled):
    """The outermost eigenvalues λ of the Jacobian ∂v/∂ω of the game v = (−∇L_D, −∇L_G), ω all weights of both players.

    They say what gradient descent does near the present weights: an eigenvalue with Re λ > 0 drives the players away;
    |Im λ| large against |Re λ| makes them circle, and descent with steps of length η moves away where |1 + ηλ| > 1.
    `jacobian_rotation` is the largest |Im λ| / |λ|, from 0 (no rotation) to 1 (nothing but rotation), of the
    eigenvalues whose modulus is above a thousandth of the largest.

    The Jacobian is taken on one fixed minibatch, in float64. Up to 800 weights all eigenvalues are computed. With more
    weights, an iterative search that only multiplies by the Jacobian looks for the `eigenvalues` largest by modulus, by
    imaginary part and by real part; those that have not converged after twenty restarts are left out, and
    `jacobian_found` counts the rest.

    The state of a trick or a loss (spectral norm's vectors, moving means, BEGAN's k) is held fixed. Null where a trick
    has an update rule or a generator's loss of its own, which detach parts of the game. Costs 50 to 2,000 products,
    two gradients each, per seed.
    """

    name = "game_jacobian"
    source = "Mescheder et al. 2017, arXiv:1705.10461, section 3"
    requires_fields = ("field",)
    columns = (
        Column("jacobian_real_max", "largest real part of the eigenvalues found of the game's Jacobian"),
        Column("jacobian_imag_max", "largest |imaginary part| of the eigenvalues found"),
        Column("jacobian_radius", "largest modulus of the eigenvalues found"),
        Column("jacobian_rotation", "largest |Im| / modulus of the eigenvalues that are not near 0"),
        Column("jacobian_found", "how many eigenvalues converged"),
    )

    eigenvalues: Annotated[int, Ge(1), Le(50)] = 6

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the five numbers, `[...]`; NaN of a seed whose Jacobian is not finite."""
        field = step.field
        if field is None:
            raise ValueError("game_jacobian: the game was not kept")
        if field.undefined or step.loss is None:
            return {}
        rows = []
        for seed in range(field.seeds):
            product, n = field.vjp(seed), field.weights.shape[-1]
            rows.append(_summary(spectrum(_on_vectors(product, field.weights), n, self.eigenvalues)))
        values = torch.tensor(rows, dtype=torch.float64, device=field.weights.device)
        return {column.name: values[:, i] for i, column in enumerate(self.columns)}


def _on_vectors(product: Callable[[Tensor], Tensor], like: Tensor) -> Callable[[ndarray], ndarray]:
    def apply(u: ndarray) -> ndarray:
        vector = torch.as_tensor(np.ascontiguousarray(u), dtype=torch.float64, device=like.device)
        return product(vector.reshape(1, -1)).reshape(-1).cpu().numpy()

    return apply


def spectrum(product: Callable[[ndarray], ndarray], n: int, k: int, dense: int = DENSE) -> ndarray:
    """Return eigenvalues of the n × n matrix behind a product: all of a small one, else the outer ones that converged.

    A matrix and its transpose have the same. Each complex one comes with its conjugate; empty where the matrix is not
    finite.
    """
    from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs

    start = np.random.default_rng(0).standard_normal(n)
    if not np.isfinite(product(start)).all():
        return np.zeros(0, dtype=complex)
    if n <= max(dense, k + 2):
        return np.linalg.eigvals(np.stack([product(e) for e in np.eye(n)], axis=1))
    operator = LinearOperator((n, n), matvec=product, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    basis = min(n, max(BASIS, 3 * k))
    converged: list[complex] = []
    for which in ("LM", "LI", "LR"):
        try:
            values = eigs(
                operator,
                k,
                which=which,
                v0=start,
                ncv=basis,
                maxiter=ROUNDS,
                tol=1e-8,  # pyright: ignore[reportArgumentType]
                return_eigenvectors=False,
            )
        except ArpackNoConvergence as partial:
            values = partial.eigenvalues
        except ArpackError:  # the Jacobian is 0, or has no direction left to search
            continue
        for value in np.asarray(values).tolist():
            if not any(abs(value - other) <= 1e-6 * (1 + abs(value)) for other in converged):
                converged.append(value)
    return np.array(converged, dtype=complex)


def _summary(values: ndarray) -> list[float]:
    if not len(values):
        return [float("nan")] * 4 + [0.0]
    modulus = np.abs(values)
    outer = values[modulus > 1e-3 * modulus.max()]
    turning = float((np.abs(np.imag(outer)) / np.abs(outer)).max()) if len(outer) else 0.0
    parts = [float(np.real(values).max()), float(np.abs(np.imag(values)).max()), float(modulus.max())]
    # A matrix product's last bits depend on where its memory lies; eight digits of the largest do not.
    digits = 7 - math.floor(math.log10(parts[2])) if parts[2] > 0 else 0
    return [*(round(part, digits) for part in parts), round(turning, 6), float(len(values))]

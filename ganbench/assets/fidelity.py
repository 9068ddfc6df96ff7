"""The statistics of FID as torch-fidelity computes them, and the one place that fixes a torchvision it cannot import.

PyPI's torchvision is built for CUDA. Beside a CPU torch its compiled part does not load, and `import torchvision` (and
with it torch-fidelity) then fails: `operator torchvision::nms does not exist`. The missing operators belong to object
detection and are never called here, so declaring them is enough; a torchvision that works is left alone.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from ganbench.core.errors import GanbenchError
from ganbench.core.lazy import numpy, torch

if TYPE_CHECKING:
    from torch import Tensor

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[object] = []  # torch drops the declarations when their library object goes


def import_torchvision() -> str:
    """Import torchvision, with its missing operators declared where it needs that; return its state in words.

    Raises:
        GanbenchError: it cannot be imported either way.
    """
    try:
        return f"torchvision {importlib.import_module('torchvision').__version__}" + _note()
    except ImportError as error:
        raise GanbenchError(f"torchvision cannot be imported ({error}); install it: pip install torchvision") from error
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _declared:
            raise GanbenchError(f"torchvision does not fit this torch ({error}); install matching versions") from error
    for name in [n for n in sys.modules if n == "torchvision" or n.startswith("torchvision.")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in OPERATORS:
        library.define(operator)
    _declared.append(library)
    return import_torchvision()


def _note() -> str:
    return ", built for another torch: detection operators declared, not available" if _declared else ""


def torchvision_state() -> str:
    """Return torchvision's state in one line, without raising: for `ganbench doctor`."""
    try:
        return import_torchvision()
    except GanbenchError as error:
        return f"broken: {error}"


def fid_statistics(features: Tensor, *, overwrite: bool = False) -> dict[str, numpy.ndarray]:
    """Return the mean and covariance of `[n, d]` features as torch-fidelity expects them, in float64; n ≥ 2.

    They are torch-fidelity's to the last bit (a test checks that), in less time: it computes the mean twice.
    With `overwrite` features in float64 are centred in place: a second array of megabytes costs more than the centring.
    One-dimensional features get a constant second axis, which changes no distance: torch-fidelity needs a matrix.
    """
    values = features.double().cpu()
    if values.shape[1] == 1:
        values = torch.cat((values, torch.zeros_like(values)), dim=1)
    array = values.numpy()
    mean = array.mean(axis=0)  # numpy's order of summation, which is not torch's
    ours = overwrite or values.data_ptr() != features.data_ptr()  # a copy, where features were no float64 on the CPU
    centred = numpy.subtract(array, mean, out=array if ours else None)
    return {"mu": mean, "sigma": (centred.T @ centred) * (1 / (len(values) - 1))}


def fid_distance(a: dict[str, numpy.ndarray], b: dict[str, numpy.ndarray]) -> float:
    """Return the Fréchet distance ‖μ_a − μ_b‖² + tr Σ_a + tr Σ_b − 2 tr (Σ_a Σ_b)^½ of two statistics.

    The trace of the root is the sum of the roots of the product's eigenvalues, which are real and ≥ 0 but for rounding.
    It is torch-fidelity's number to the last bit (a test holds that), without the package.
    """
    shift = a["mu"] - b["mu"]
    eigenvalues = numpy.linalg.eigvals(a["sigma"].dot(b["sigma"])).astype("complex128")
    root = numpy.sum(numpy.real(numpy.sqrt(eigenvalues)))
    return float(shift.dot(shift) + numpy.trace(a["sigma"]) + numpy.trace(b["sigma"]) - 2 * root)

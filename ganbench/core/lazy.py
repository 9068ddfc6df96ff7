"""Heavy modules that load at their first use, so that naming components costs no `import torch` (3 s).

Component files write `from ganbench.core.lazy import Tensor, torch` and use both as always, inside functions: `Tensor`
in annotations alone, which Python does not evaluate.
After the first look-up an attribute is an ordinary instance attribute: the training loop pays nothing for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class LazyModule:
    """Stands for a module until one of its attributes is read."""

    def __init__(self, name: str) -> None:
        self.__dict__["_module_name"] = name

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - whatever the module holds
        value = getattr(importlib.import_module(self.__dict__["_module_name"]), attribute)
        self.__dict__[attribute] = value
        return value


if TYPE_CHECKING:
    import numpy
    import torch
    import torch.nn.functional as F
    from torch import Tensor
else:
    numpy = LazyModule("numpy")
    torch = LazyModule("torch")
    F = LazyModule("torch.nn.functional")
    Tensor = "torch.Tensor"

__all__ = ["F", "LazyModule", "Tensor", "numpy", "torch"]

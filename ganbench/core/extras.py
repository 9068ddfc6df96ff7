"""Optional packages: which extra brings each of them, and the one line that installs a missing one."""

from __future__ import annotations

import importlib.util

from ganbench.core.errors import ComponentError, UsageError

# Module → its name for pip, and the extra of ganbench that brings it.
OPTIONAL = {
    "ray": ("ray", "bench"),
    "torch_fidelity": ("torch-fidelity", "bench"),
    "torchvision": ("torchvision", "bench"),
    "PIL": ("pillow", "bench"),
    "sklearn": ("scikit-learn", "bench"),
    "jinja2": ("jinja2", "bench"),
    "matplotlib": ("matplotlib", "bench"),
    "optuna": ("optuna", "optuna"),
    "tensorboardX": ("tensorboardX", "tensorboard"),
    "mlflow": ("mlflow-skinny", "mlflow"),
    "wandb": ("wandb", "wandb"),
    "lightning": ("lightning", "lightning"),
}
USES = {
    "bench": "sweeps, images and pages",
    "optuna": "`search: {searcher: optuna}`",
    "tensorboard": "--sink tensorboard:FOLDER",
    "mlflow": "--sink mlflow:URI",
    "wandb": "--sink wandb:PROJECT",
    "lightning": "a Monitor in a LightningModule",
}


class MissingPackageError(UsageError):
    """An optional package that is needed is not installed; the message says how to install it."""

    def __init__(self, module: str) -> None:
        package, extra = OPTIONAL[module]
        super().__init__(f"needs {package}, which is not installed; pip install 'ganbench[{extra}]'")


def installed(module: str) -> bool:
    """Return whether a top-level module could be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def require(*modules: str) -> None:
    """Check that optional modules are installed, for a command that needs them only after hours.

    Raises:
        MissingPackageError: the first of them that is not.
    """
    for module in modules:
        if not installed(module):
            raise MissingPackageError(module)


def missing_package(error: BaseException) -> MissingPackageError | None:
    """Return the error to show where `error` is the failed import of an optional package, or was caused by one.

    A UsageError has a remedy of its own and stays as it is, unless it is what a component raised.
    """
    if isinstance(error, UsageError) and not isinstance(error, ComponentError):
        return error if isinstance(error, MissingPackageError) else None
    cause: BaseException | None = error
    while cause is not None:
        module = (cause.name or "").partition(".")[0] if isinstance(cause, ModuleNotFoundError) else ""
        if module in OPTIONAL and not installed(module):
            return MissingPackageError(module)
        cause = cause.__cause__
    return None

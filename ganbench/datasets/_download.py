"""Downloads of data sets; with those of extractors' weights the only parts of this package that use the network."""

from __future__ import annotations

from pathlib import Path

from ganbench.assets.data_folder import DOWNLOAD, data_folder
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, reason
from ganbench.datasets._torchvision import TorchvisionImages


def downloadable() -> dict[str, TorchvisionImages]:
    """Return the data sets that can be downloaded, by name."""
    sets = {name: cls() for name, cls in registry.components("dataset").items() if issubclass(cls, TorchvisionImages)}
    return {name: dataset for name, dataset in sets.items() if dataset.remedy == DOWNLOAD}


def download(name: str) -> Path:
    """Download a data set into the data folder and return the folder.

    Raises:
        GanbenchError: the download failed.
    """
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        downloadable()[name].open(folder, held=False, download=True)
    except Exception as error:  # whatever the network or the disk raise
        raise GanbenchError(
            f"dataset {name}: cannot be downloaded into {folder} ({reason(error)}); try again, or put its files there"
        ) from error
    return folder

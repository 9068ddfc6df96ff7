"""`python -m ganbench.datasets mnist` downloads a data set, the only part of this package that uses the network."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.assets.data_folder import DOWNLOAD, data_folder
from ganbench.assets.download import requested_names, run
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, reason
from ganbench.datasets._torchvision import TorchvisionImages


def main(arguments: Sequence[str]) -> None:
    """Download the named data sets into the data folder.

    Raises:
        UsageError: no name is given, or one is not of a data set that can be downloaded.
        GanbenchError: the download failed.
    """
    sets = {name: cls() for name, cls in registry.components("dataset").items() if issubclass(cls, TorchvisionImages)}
    known = sorted(name for name, dataset in sets.items() if dataset.remedy == DOWNLOAD)
    folder = data_folder()
    for name in requested_names("ganbench.datasets", known, arguments):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            sets[name].open(folder, held=False, download=True)
        except Exception as error:  # whatever the network or the disk raise
            raise GanbenchError(
                f"dataset {name}: cannot be downloaded into {folder} ({reason(error)}); "
                "try again, or put its files there"
            ) from error
        print(f"{name}: in {folder}")


if __name__ == "__main__":
    run(main)

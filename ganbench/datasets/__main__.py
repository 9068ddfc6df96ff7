"""`python -m ganbench.datasets mnist` downloads a data set, the only thing here that uses the network."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ganbench.core import registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages, data_folder


def main(arguments: Sequence[str]) -> None:
    """Download the named data sets into the data folder.

    Raises:
        UsageError: a name is missing, or it is none of a data set that can be downloaded.
        GanbenchError: the download failed.
    """
    sets = {name: cls() for name, cls in registry.components("dataset").items() if issubclass(cls, TorchvisionImages)}
    known = sorted(name for name, dataset in sets.items() if dataset.remedy == DOWNLOAD)
    usage = f"python -m ganbench.datasets NAME…, of {', '.join(known)}"
    if {"-h", "--help"} & set(arguments):
        print(f"usage: {usage}")
        return
    if not arguments or not set(arguments) <= set(known):
        raise UsageError(f"write {usage}")
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments:
        try:
            sets[name].open(folder, held=False, download=True)
        except Exception as error:  # whatever the network or the disk raise
            reason = " ".join(str(error).split())
            raise GanbenchError(
                f"dataset {name}: cannot be downloaded into {folder} ({reason}); try again, or put its files there"
            ) from error
        print(f"{name}: in {folder}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except GanbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None

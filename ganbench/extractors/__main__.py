"""`python -m ganbench.extractors inception` lets torch-fidelity download the weights of an extractor."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.assets.download import requested_names, run
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, reason
from ganbench.extractors._fidelity import FidelityExtractor


def main(arguments: Sequence[str]) -> None:
    """Download the weights of the named extractors into torch hub's folder.

    Raises:
        UsageError: no name is given, or one is not of an extractor with weights.
        GanbenchError: the download failed.
    """
    known = {n: cls() for n, cls in registry.components("extractor").items() if issubclass(cls, FidelityExtractor)}
    for name in requested_names("ganbench.extractors", known, arguments):
        try:
            known[name].download()
        except Exception as error:  # whatever the network or the disk raise
            raise GanbenchError(f"extractor {name}: cannot be downloaded ({reason(error)}); try again") from error
        print(f"{name}: weights {known[name].weights_hash()} at {known[name].weights()[0]}")


if __name__ == "__main__":
    run(main)

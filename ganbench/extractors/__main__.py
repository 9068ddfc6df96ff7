"""`python -m ganbench.extractors inception` lets torch-fidelity download the weights of an extractor."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.assets.download import run, wanted
from ganbench.core import registry
from ganbench.core.errors import GanbenchError
from ganbench.extractors._fidelity import FidelityExtractor


def main(arguments: Sequence[str]) -> None:
    """Download the weights of the named extractors into torch hub's folder.

    Raises:
        UsageError: a name is missing, or it is none of an extractor with weights.
        GanbenchError: the download failed.
    """
    known = {n: cls() for n, cls in registry.components("extractor").items() if issubclass(cls, FidelityExtractor)}
    for name in wanted("ganbench.extractors", known, arguments):
        try:
            known[name].download()
        except Exception as error:  # whatever the network or the disk raise
            reason = " ".join(str(error).split())
            raise GanbenchError(f"extractor {name}: cannot be downloaded ({reason}); try again") from error
        print(f"{name}: weights {known[name].weights_hash()} at {known[name].weights()[0]}")


if __name__ == "__main__":
    run(main)

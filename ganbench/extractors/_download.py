"""Downloads of the weights of extractors, which torch-fidelity does."""

from __future__ import annotations

from ganbench.core import registry
from ganbench.core.errors import GanbenchError, reason
from ganbench.extractors._fidelity import FidelityExtractor


def downloadable() -> dict[str, FidelityExtractor]:
    """Return the extractors whose weights can be downloaded, by name."""
    return {n: cls() for n, cls in registry.components("extractor").items() if issubclass(cls, FidelityExtractor)}


def download(name: str) -> str:
    """Download an extractor's weights into torch hub's folder and return their hash and place.

    Raises:
        GanbenchError: the download failed.
    """
    extractor = downloadable()[name]
    try:
        extractor.download()
    except Exception as error:  # whatever the network or the disk raise
        raise GanbenchError(f"extractor {name}: cannot be downloaded ({reason(error)}); try again") from error
    return f"weights {extractor.weights_hash()} at {extractor.weights()[0]}"

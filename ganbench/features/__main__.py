"""`python -m ganbench.features inception` lets torch-fidelity download the weights of an extractor."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ganbench.core import registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.features._fidelity import FidelityFeature


def main(arguments: Sequence[str]) -> None:
    """Download the weights of the named extractors into torch hub's folder.

    Raises:
        UsageError: a name is missing, or it is none of an extractor with weights.
        GanbenchError: the download failed.
    """
    known = {n: cls() for n, cls in registry.components("feature").items() if issubclass(cls, FidelityFeature)}
    usage = f"python -m ganbench.features NAME…, of {', '.join(sorted(known))}"
    if {"-h", "--help"} & set(arguments):
        print(f"usage: {usage}")
        return
    if not arguments or not set(arguments) <= set(known):
        raise UsageError(f"write {usage}")
    for name in arguments:
        try:
            known[name].download()
        except Exception as error:  # whatever the network or the disk raise
            reason = " ".join(str(error).split())
            raise GanbenchError(f"feature {name}: cannot be downloaded ({reason}); try again") from error
        print(f"{name}: weights {known[name].weights_hash()} at {known[name].weights()[0]}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except GanbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None

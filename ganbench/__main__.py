"""`python -m ganbench` is the command `ganbench`."""

import contextlib
import os
import sys

from ganbench.cli.main import main
from ganbench.core.errors import INTERRUPTIONS


def command() -> int:
    """Run the command line of this process and return its exit code.

    After an interrupt under Ray the process ends here, with all written: while Python takes itself down, a thread of
    Ray's compiled code may abort it, and the code would say that it crashed.
    """
    code = main()
    if code in INTERRUPTIONS and "ray" in sys.modules:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(command())

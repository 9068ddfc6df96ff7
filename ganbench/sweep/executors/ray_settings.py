"""The environment that Ray is imported and started in: silent, for this machine alone, nothing reported home."""

from __future__ import annotations

import functools
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # the ledger is our snapshot; Tune's would only cost time
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "3600",
}


@contextmanager
def ray_environment(address: str | None = None, threads: int = 1) -> Iterator[None]:
    """Set what Ray reads when it is imported and when it starts; afterwards the variables are as before.

    Ray's ports listen on every interface, so the one that we start asks for a token that nobody else has. A cluster
    has its own settings for that. Its workers import what can be imported here, own components included.
    """
    changes = {**SETTINGS, "OMP_NUM_THREADS": str(threads)}
    if address is None:
        changes |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _secret()}
        changes["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@functools.cache
def _secret() -> str:
    """Return one token for this process: Ray reads it once."""
    return secrets.token_hex(32)

"""The ledger, the only truth about what is done: parts of finished trials, failures, and a run's merged tables."""

from ganbench.core.files import StoreError
from ganbench.tables.failures import clear_failure, read_failure, read_failures, write_failure
from ganbench.tables.merge import merge
from ganbench.tables.part_store import has_part, read_part, sweep_left, write_part
from ganbench.tables.results import Results, find_run, load

__all__ = [
    "Results",
    "StoreError",
    "clear_failure",
    "find_run",
    "has_part",
    "load",
    "merge",
    "read_failure",
    "read_failures",
    "read_part",
    "sweep_left",
    "write_failure",
    "write_part",
]

"""What several tests share: small trials, made-up tables and components, oracles."""

from pathlib import Path

ROOT = Path(__file__).parents[2]  # of the repository: where a process of its own finds `tests`

"""What everybody who reads a run's manifest may take for granted."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError


class Git(BaseModel):
    """Which commit the package was."""

    commit: str
    dirty: bool


class Environment(BaseModel):
    """The machine and the versions; anything may stand beside the commit."""

    git: Git | None = None


class Skipped(BaseModel):
    """A combination without meaning."""

    name: str
    reason: str


class Manifest(BaseModel):
    """A run's `manifest.json`; any of it may be absent, and more may be there."""

    components: dict[str, int] = {}
    counts: dict[str, int] = {}
    environment: Environment = Environment()
    failed: list[dict[str, Any]] = []
    monitor: dict[str, Any] = {}
    retries: dict[str, int] = {}
    seeds: list[int] = []
    skipped: list[Skipped] = []
    times: dict[str, Any] = {}


def problem(data: object) -> str:
    """Return what is not as it must be in a manifest that was read; empty where all is well."""
    try:
        Manifest.model_validate(data, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place + ': ' if place else ''}{first['msg'][:1].lower()}{first['msg'][1:]}"
    return ""

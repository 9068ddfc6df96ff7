"""What a monitored run is called and made of, in the words of a sweep's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.core.component import Component
from ganbench.core.naming import DEFAULT_SCHEDULE
from ganbench.losses import Loss
from ganbench.monitor.hooks import Player
from ganbench.monitor.record import Record
from ganbench.tables.manifest import FORMAT


def labels(generator: Player, discriminator: Player, data: str, loss: Loss | None) -> dict[str, str]:
    """Return the texts of the axes that tell trials apart; the optimiser is known once it has stepped."""
    return {
        "dataset": data,
        "network": "/".join(type(player.module).__name__ for player in (generator, discriminator)),
        "loss": "own loss" if loss is None else loss.label,
        "tricks": "none",
        "optimizer": "unknown",
        "schedule": DEFAULT_SCHEDULE,
    }


def versions(*used: Iterable[Component]) -> dict[str, int]:
    """Return the version of every component that has a say in the numbers, `{"metric:modes": 1, …}`."""
    return dict(sorted((f"{c.kind}:{c.name}", c.version) for components in used for c in components))


def manifest(
    record: Record, used: Mapping[str, int], environment: Mapping[str, Any], state: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest of a run under way.

    Args:
        record: of the run.
        used: the versions of the components.
        environment: where it trains.
        state: `step` and `running`, for whoever watches; its presence tells a monitored run from a sweep's.
    """
    return {
        "format": FORMAT,
        "suite": record.name,
        "run": record.trial,
        "environment": dict(environment),
        "components": dict(used),
        "seeds": [record.seed],
        "counts": {"trials": 1, "runs": 1, "failed": 0, "skipped": 0, "excluded": 0},
        "monitor": dict(state),
    }

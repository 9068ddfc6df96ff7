"""What a monitor has seen so far, as the tables of a run of one seed."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ganbench.core.column import Column
from ganbench.core.status import Status
from ganbench.monitor.rows import Rows
from ganbench.tables.part_store import TrialTables
from ganbench.tables.schema import LEADING

MOST_PICTURES = 8
POINTS, IMAGES = 256, 64


class Record:
    """The rows and pictures of a run under way.

    Args:
        name: of the run; it names the trial.
        labels: the texts of the axes: dataset, network, loss …
        seed: the run's seed.
    """

    def __init__(self, name: str, labels: Mapping[str, str], seed: int) -> None:
        self.name, self.labels, self.seed = name, dict(labels), seed
        # The time tells the runs of one name apart, for whoever lays their tables side by side.
        self.trial = hashlib.sha256(f"{name} {time.time_ns()}".encode()).hexdigest()[:12]
        self.history = Rows()
        self.layers: dict[tuple[str, str], Rows] = {}
        self.metrics: dict[str, float] = {}
        self.diverged_at: int | None = None
        self._pictures: list[tuple[int, np.ndarray]] = []
        self._stride = 1
        self._looks = 0

    @property
    def identity(self) -> dict[str, Any]:
        """Return what every row begins with."""
        return {"run": f"{self.trial}-{self.seed}", "trial": self.trial, "seed": self.seed}

    def layer(self, place: tuple[str, str]) -> Rows:
        """Return the rows of a layer of a network."""
        return self.layers.setdefault(place, Rows())

    def picture(self, step: int, points: np.ndarray) -> None:
        """Keep samples `[n, *shape]` to look at: at most eight, evenly spread however long the run gets."""
        if self._looks % self._stride == 0:
            kept = points[:IMAGES] if points.ndim == 4 else points[:POINTS].reshape(len(points[:POINTS]), -1)
            self._pictures.append((step, kept))
            if len(self._pictures) > MOST_PICTURES:
                self._pictures = self._pictures[::2]
                self._stride *= 2
        self._looks += 1

    def tables(
        self,
        steps: int,
        seconds: float,
        columns: list[Column],
        facts: Mapping[str, Any],
        floors: Mapping[str, float],
        real: np.ndarray | None,
    ) -> TrialTables:
        """Return the tables as of now.

        Args:
            steps: so far.
            seconds: since the beginning.
            columns: the declarations of all columns.
            facts: further columns of the run: `versions`, `extractor` …
            floors: of the metrics.
            real: `[n, *shape]` to show beside the pictures.
        """
        frames = [
            rows.frame(**self.identity).assign(network=network, layer=layer)
            for (network, layer), rows in self.layers.items()
        ]
        run = {
            **{column.name: None for column in LEADING["runs"]},
            **self.identity,
            **self.labels,
            "status": Status.OK if self.diverged_at is None else Status.DIVERGED,
            "diverged_at": self.diverged_at,
            "steps": steps,
            **(self.metrics if self.diverged_at is None else {}),
            **{f"{name}_floor": value for name, value in floors.items()},
            **facts,
            "ms_per_step": 1e3 * seconds / steps if steps else math.nan,
            "seconds": seconds,
        }
        return TrialTables(
            runs=pd.DataFrame([run]),
            history=self.history.frame(**self.identity),
            layers=pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(),
            samples=self._samples(real),
            columns={column.name: column for column in columns},
        )

    def _samples(self, real: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return the pictures: points as float16, images as bytes with [-1, 1] → 0…255."""
        if not self._pictures or real is None:
            return {"steps": np.zeros(0, np.int64), "samples": np.zeros((0, 1, 0)), "real": np.zeros((0,))}
        least = min(len(points) for _, points in self._pictures)
        fake = np.stack([points[:least] for _, points in self._pictures])[:, None]
        sides = fake, real[:least]
        if real.ndim == 4:
            shown = [((np.nan_to_num(x).clip(-1, 1) + 1) * 127.5).round().astype(np.uint8) for x in sides]
        else:
            shown = [x.clip(-6e4, 6e4).astype(np.float16) for x in sides]
        return {"steps": np.array([step for step, _ in self._pictures]), "samples": shown[0], "real": shown[1]}

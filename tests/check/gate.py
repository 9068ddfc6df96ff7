"""A small suite to gate, and ways to change its tables."""

from __future__ import annotations

import pyarrow.parquet as pq

from ganbench.tables import schema
from ganbench.tables.results import load
from tests.helpers.sealed import reseal

SUITE = """\
datasets: [{ring: {sigma: 0.2}}]
networks: [{mlp: {latent: 4, width: 16}}]
losses:
  - non_saturating
  - hinge
seeds: 8
steps: 20
batch: 32
log_every: 10
evaluate: {every: 20, samples: 100}
"""


def change(change_runs, run="results/small"):
    """Rewrite the runs table of a run."""
    path = load(run).path / "runs.parquet"
    table = schema.read(path.read_bytes(), "runs")
    columns = schema.declarations("runs", table.schema)
    pq.write_table(schema.to_arrow("runs", change_runs(schema.to_pandas(table)), columns), path)
    reseal(path.parent)


def without_modes(runs):
    spread = (runs["seed"] % 8).astype(float) * 1e-3
    return runs.assign(fid=runs["fid"] + 5 + spread, hq_fraction=0.0)

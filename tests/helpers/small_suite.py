"""A suite of seconds with real components, and how to run it in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ganbench.suite.plan import Plan, make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT

TEXT = """
name: small
datasets: [ring]
networks: [{mlp: {latent: 4, width: 16}}]
losses: [non_saturating, hinge, minimax]
tricks: [none, r1]
seeds: 2
steps: 20
batch: 16
log_every: 5
evaluate: {every: 10, samples: 100}
"""


def small_plan(folder: Path, *overrides: str, text: str = TEXT) -> Plan:
    """Return the plan of six trials of a fraction of a second each."""
    path = folder / "small.yaml"
    path.write_text(text)
    return make_plan(read_suite(path, overrides))


def start(plan_folder: Path, results: Path, *overrides: str, executor: str = "local") -> subprocess.Popen[str]:
    """Run the suite in a process of its own; its exit code is the run's."""
    small_plan(plan_folder)
    command = [sys.executable, "-m", __name__, str(plan_folder), str(results), executor, *overrides]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    from tests.engine import run_plan

    plan_folder, results, executor, *overrides = sys.argv[1:]
    outcome = run_plan(small_plan(Path(plan_folder), *overrides), Path(results), executor=executor)  # type: ignore[arg-type]
    print(outcome)
    sys.exit(outcome.exit_code)

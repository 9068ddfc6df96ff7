"""What each trick may cost, and the table of what steps and tricks do cost.

`python tests/benchmarks/costs.py FILE.json` writes the table, and its page, from a file of pytest-benchmark.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ganbench.core import registry

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "results/baselines/trick_costs.json"
PAGE = ROOT / "docs/performance.md"
START, END = "<!-- costs -->", "<!-- end of costs -->"

# How much more arithmetic a trick asks for than a plain step. Others are measured without a limit.
OF_GROUP = {"penalty": 2.2, "targets": 1.15}
OF_TRICK = {
    "spectral_norm": 1.5,
    "packing": 1.15,
    "weight_clipping": 1.15,
    "extragradient": 2.1,
    "unrolled(steps=1)": 2.6,
}
# Beside the defaults of every trick.
MORE = {
    "unrolled": [{"steps": 1}],
    "packing": [{"m": 4}],
    "minibatch_discrimination": [{"kernels": 16}],
    "gradient_penalty": [{"one_sided": True}],
    "latent": [{"distribution": "sphere"}],
}
# Those that every test run measures: other programs on the machine must not decide, so each is well below its limit.
QUICK = ("one_sided_label_smoothing", "packing", "r1")


def cases():
    """Return every trick of the registry at its defaults, and some at other parameters."""
    tricks = registry.components("trick")
    return [tricks[name](**parameters) for name in tricks for parameters in ({}, *MORE.get(name, []))]


def limit(trick):
    """Return the most that a step with the trick may cost in plain steps, or None."""
    return OF_TRICK.get(trick.label, OF_TRICK.get(trick.name, OF_GROUP.get(trick.group)))


def table(benchmarks):
    """Return the committed table from the file of pytest-benchmark."""
    kept = [b["extra_info"] for b in benchmarks["benchmarks"]]
    machine = kept[0]["machine"]
    rows = [{k: v for k, v in row.items() if k != "machine"} for row in kept]
    return {
        "machine": machine,
        "steps": [row for row in rows if "what" in row],
        "tricks": [row for row in rows if "trick" in row],
    }


def markdown(costs):
    """Return the part of the page that shows the table."""
    lines = [f"Measured on {costs['machine']}.", "", "| what | measured | wanted |", "| --- | --- | --- |"]
    lines += [f"| {row['what']} | {row['value']:.2f} | {row['wanted']} |" for row in costs["steps"]]
    lines += ["", "| trick | group | cost | quartiles | limit |", "| --- | --- | --- | --- | --- |"]
    for row in sorted(costs["tricks"], key=lambda row: (row["group"], row["cost"])):
        low, high = row["quartiles"]
        most = "–" if row["limit"] is None else f"≤ {row['limit']:g}"
        lines.append(
            f"| {row['trick']} | {row['group'] or '–'} | {row['cost']:.2f} | {low:.2f} – {high:.2f} | {most} |"
        )
    return "\n".join(lines)


def shown(page, costs):
    """Return the page with the table in its place."""
    before, rest = page.split(START)
    return f"{before}{START}\n{markdown(costs)}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    costs = table(json.loads(Path(sys.argv[1]).read_text()))
    parts = [f'  "machine": {json.dumps(costs["machine"])}']
    for name in ("steps", "tricks"):  # a row a line, so that a change is one too
        rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in costs[name])
        parts.append(f'  "{name}": [\n{rows}\n  ]')
    TABLE.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    PAGE.write_text(shown(PAGE.read_text(), costs))

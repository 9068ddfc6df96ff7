"""`python -m tests.faults found.json` throws everything at the ganbench that is imported and writes what it found.

`python -m tests.faults --table before.json after.json` writes docs/faults.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults import corruption, file_events, hostile, pictures
from tests.faults.prepared import prepare
from tests.faults.throws import GOOD, Throw, dump, run_all


def every_throw() -> list[Throw]:
    """Return all throws, in the order of the table."""
    throws = [one for module in (corruption, file_events, hostile, pictures) for one in module.throws()]
    assert len({one.name for one in throws}) == len(throws)
    return throws


def table(before: dict[str, str], after: dict[str, str]) -> str:
    """Return the page: a row for each kind of throw, then what is left, each by its name."""
    throws = every_throw()
    rows, kinds = [], list(dict.fromkeys((one.kind, one.expected) for one in throws))
    for kind, expected in kinds:
        own = [one.name for one in throws if one.kind == kind and one.name in after]
        cells = [_cell([found[name] for name in own if name in found]) for found in (before, after)]
        rows.append(f"| {kind} | {len(own)} | {expected} | {' | '.join(cells)} |")
    bad = [sum(found not in GOOD for found in side.values()) for side in (before, after)]
    left = [f"- {name}: {found}" for name, found in after.items() if found not in GOOD]
    return (
        HEAD.format(n=len(after), all=len(throws), before=bad[0], after=bad[1], rows="\n".join(rows))
        + "\n".join(left or ["None."])
        + "\n"
    )


def _cell(found: list[str]) -> str:
    counts = Counter("as expected" if one in GOOD else one.split(":")[0].split(" (")[0] for one in found)
    return ", ".join(f"{n} {what}" for what, n in counts.most_common()) or "–"


HEAD = """# Throws

{n:,} things that happen to files, with the command after each, and what was found. `before` is version 0.2.0 at commit
298e235, `after` is this one: {before} and {after} were not as expected. `python -m tests.faults found.json` makes them
again (seeds are fixed); `tests/faults/` has {all:,}, `make test` throws a sample, `make verify` the whole. A row
counts what was thrown so far; a dash was not.

| throw | count | expected | before | after |
| --- | --- | --- | --- | --- |
{rows}

What is left:

"""


def main(arguments: list[str]) -> None:
    """Throw, or write the table."""
    if arguments[0] == "--table":
        before, after = (json.loads(Path(name).read_text()) for name in arguments[1:3])
        Path("docs/faults.md").write_text(table(before, after), encoding="utf-8")
        return
    out = Path(arguments[0]).absolute()
    chosen = [
        one
        for one in every_throw()
        if not arguments[1:] or any(word in one.name or word in one.kind for word in arguments[1:])
    ]
    known = json.loads(out.read_text()) if out.exists() else {}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        prepared = Path(folder)
        prepare(prepared)
        for start in range(0, len(chosen), 25):  # so that a long call that is cut off goes on where it was
            part = [one for one in chosen[start : start + 25] if one.name not in known]
            known |= run_all(part, prepared)
            dump(known, out)
    print(f"{len(known)} thrown, {sum(found not in GOOD for found in known.values())} not as expected")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The committed table of costs: within its limits, of tricks that exist, and shown as it is."""

import json

from tests.benchmarks.costs import PAGE, TABLE, cases, limit, shown

COSTS = json.loads(TABLE.read_text())


def test_no_trick_costs_more_than_its_mathematics():
    measured = {row["trick"]: row for row in COSTS["tricks"]}
    limited = {t.label: limit(t) for t in cases() if t.label in measured and limit(t) is not None}
    assert len(limited) >= 15
    over = {name: measured[name]["cost"] for name, most in limited.items() if measured[name]["cost"] > most}
    assert not over


def test_every_row_is_of_a_trick_of_the_registry():
    names = {trick.name for trick in cases()}
    assert {row["trick"].split("(")[0] for row in COSTS["tricks"]} <= names


def test_the_page_shows_the_table():
    page = PAGE.read_text()
    assert shown(page, COSTS) == page, "run `make bench`, or tests/benchmarks/costs.py on its file"

"""Maps and budget curves of the page: cells by brute force, marks counted by hand, and limits of their size."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest

import ganbench
from ganbench.analysis.budget import budget_of
from ganbench.analysis.settings import varied
from ganbench.analysis.verdicts import verdicts
from ganbench.report import stability_map
from ganbench.report.budget_chart import budget_chart
from ganbench.report.labelled import spread_out
from ganbench.report.settings_plane import nearest_cells, plane_of
from ganbench.report.stability_map import stability_maps
from tests.helpers.present import present
from tests.helpers.varied import MODES, VARIED, varied_of


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return ganbench.Suite("maps", **VARIED).run(tmp_path_factory.mktemp("maps"), executor="local").tables


@pytest.fixture(scope="module")
def swept(results):
    return varied(results)


def _maps(results, swept):
    names = {dataset: [method.method for method in swept.on(dataset)] for dataset in swept.measures}
    (maps,) = stability_maps(results, verdicts(results), swept, names).values()
    return maps


@pytest.mark.parametrize("places", [1, 2, 9, 40])
def test_a_cell_is_all_that_is_nearest_to_its_place(places):
    rng = np.random.default_rng(places)
    at = rng.uniform(0.02, 0.98, (places, 2))
    cells = nearest_cells([(float(x), float(y)) for x, y in at])
    for point in rng.uniform(0, 1, (300, 2)):
        distances = np.linalg.norm(at - point, axis=1)
        if places > 1 and np.diff(np.sort(distances)[:2])[0] < 1e-6:
            continue
        inside = [i for i, cell in enumerate(cells) if _holds(cell, point)]
        assert inside == [int(distances.argmin())]


def _holds(corners: np.ndarray, point: np.ndarray) -> bool:
    """Return whether a convex polygon, its corners in the order of their angles, holds a point."""
    sides, away = np.roll(corners, -1, axis=0) - corners, point - corners
    turns = sides[:, 0] * away[:, 1] - sides[:, 1] * away[:, 0]
    return bool((turns >= 0).all() or (turns <= 0).all())


def test_marks_say_the_verdicts_counted_by_hand(results, swept):
    runs = results.runs.merge(verdicts(results)[["run", "verdict"]], on="run")
    maps = _maps(results, swept)
    assert [one.method for one in maps.maps] == ["non_saturating", "hinge"]
    for one in maps.maps:
        mine = runs[runs["loss"] == one.method]
        titles = [e.text or "" for e in ElementTree.fromstring(one.svg).iter("title")]
        assert len(titles) == 8
        for title in titles:
            setting = int(present(re.match(r"setting (\d+):", title))[1])
            rows = mine[mine["setting"] == setting]
            for verdict, n in Counter(rows["verdict"]).items():
                assert f"{n} of 2 {verdict}" in title
            written = present(re.search(r"optimizer.lr ([^,]+),", title))[1].replace("−", "-")
            assert float(written) == pytest.approx(rows["optimizer.lr"].iloc[0], rel=0.05)


def test_places_are_in_the_order_of_the_logarithms_of_both_rates(results, swept):
    plane = plane_of(swept, next(iter(swept.measures)), results.columns)
    assert plane is not None
    assert plane.names == ("optimizer.lr", "optimizer.d_over_g")
    numbers = results.runs.drop_duplicates("setting").set_index("setting")
    for axis, address in enumerate(plane.names):
        logs = np.log([float(numbers.loc[setting, address]) for setting in plane.places])
        units = np.array([place[axis] for place in plane.places.values()])
        assert np.corrcoef(logs, units)[0, 1] == pytest.approx(1, abs=1e-6)


def test_what_does_not_fit_is_left_out_and_said(results, swept, monkeypatch):
    monkeypatch.setattr(stability_map, "DETAIL_BYTES", 30_000)
    maps = _maps(results, swept)
    details = sum(len(one.settings) for one in maps.maps)
    assert 0 < details < 16
    assert f"{16 - details} settings of these maps have no samples" in maps.left_out
    assert sum(one.svg.count("<a ") for one in maps.maps) == details
    assert sum(one.svg.count("<title>") for one in maps.maps) == 16
    monkeypatch.setattr(stability_map, "MOST_MAPS", 1)
    maps = _maps(results, swept)
    assert len(maps.maps) == 1
    assert "1 more method without a map" in maps.left_out


@pytest.mark.parametrize("n", [1, 5, 20])
def test_labels_stay_apart_and_in_order(n):
    rng = np.random.default_rng(n)
    for wanted in (rng.uniform(0, 280, n), np.full(n, 3.0), np.full(n, 279.0)):
        placed = np.array(spread_out(wanted.tolist(), 14, 0, 280))
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(placed[order]) >= 14 - 1e-9).all()
        assert placed.min() >= 0
        assert placed.max() <= 280


def test_the_budget_chart_has_a_line_that_ends_at_the_best_for_each_of_twenty_methods():
    rng = np.random.default_rng(0)
    values = {f"method <{i}>": rng.uniform(0, 8, (16, 2)) for i in range(20)}
    swept = varied_of(values)
    root = ElementTree.fromstring(budget_chart(budget_of(swept), MODES, {name: name for name in values}))
    groups = [g for g in root.iter("g") if "method" in g.get("class", "")]
    assert len(groups) == 20
    for group, (name, array) in zip(groups, values.items(), strict=True):
        assert (group.get("aria-label") or "").startswith(f"{name}: best of 1 ")
        assert f"{array.mean(axis=1).max():.2f}" in "".join(group.itertext())
    heights = sorted(float(present(g.find("text")).attrib["y"]) for g in groups)
    assert min(np.diff(heights)) >= 13.9

"""What the page draws: strips of seeds, curves, pictures of samples."""

from __future__ import annotations

import base64
import math
import re
import statistics
import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganbench.report.figures import POINTS, curves, quartiles
from ganbench.report.panels import frames
from ganbench.report.pictures import GENERATED, REAL, SIDE, picture
from ganbench.report.plot import Scale
from ganbench.report.strips import HEIGHT, WIDTH, strip
from tests.helpers.fake_results import fake_results


@pytest.fixture(scope="module")
def ring():
    return fake_results(trials=4, seeds=5, steps=8000)


def test_strips_place_every_seed_and_stack_equal_ones():
    scale = Scale.spanning([0, 8, 8, 4, 8.0], counts=True)
    shown = strip([8, 8, math.nan, 4], 0.0, 5.0, 1.0, 9.0, scale)
    places = [(dot.x, dot.y) for dot in shown.dots]
    assert len(set(places)) == 4 and all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert [dot.x for dot in shown.dots if dot.diverged] == [6.0]
    assert sorted(x for x, _ in places) == [6.0, 75.0, 144.0, 144.0]
    assert shown.high == 144.0 and "diverged" in shown.text
    deep = strip([8.0] * 64, 0.0, 8.0, 8.0, 8.0, scale)
    ys = sorted(dot.y for dot in deep.dots)
    assert min(ys) - deep.radius >= 0 and max(ys) + deep.radius <= HEIGHT


def test_distances_over_powers_of_ten_get_a_logarithmic_strip():
    scale = Scale.spanning([0.001, 1.0, math.nan])
    assert scale.kind == "log" and abs(scale.place(10**-1.5) - 0.5) < 1e-9


def test_curves_show_every_seed_where_it_is(ring):
    """The oracle maps values to points by the frame's own ticks: modes 0 to 8 are linear."""
    trial = ring.runs["trial"].iloc[0]
    history = ring.history[ring.history["trial"] == trial]
    shared = frames(ring.history, ring.runs, ring.columns)
    panel = {c.panel.title: c.svg for c in curves(history, [], shared, "t")}["Modes captured"]
    root = ET.fromstring(panel)
    ticks = {t.text: t for t in root.iter("text")}
    # A label's baseline stands a fixed way below its line; the difference of two gives the scale.
    y0, y6 = (float(re.findall(r"[\d.]+", ticks[n].get("transform", "") or ticks[n].get("y", ""))[-1]) for n in "06")
    (thin,) = (p for p in root.iter("path") if p.get("stroke-width") == "0.6")
    lines = _absolute(thin.get("d", ""))
    assert len(lines) == 5
    for (run, rows), line in zip(history.groupby("run"), lines, strict=True):
        values = rows["modes_captured"].dropna().to_numpy(float)
        last = values[-1]
        assert line[-1][1] == pytest.approx(y0 - 3 - last * (y0 - y6) / 6, abs=0.3), run


def _absolute(d: str) -> list[list[tuple[float, float]]]:
    """Return the lines of a path of M and l, by the SVG grammar."""
    lines: list[list[tuple[float, float]]] = []
    for command, numbers in re.findall(r"([Ml])([^Ml]*)", d):
        xy = [float(n) for n in re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", numbers)]
        pairs = list(zip(xy[::2], xy[1::2], strict=True))
        if command == "M":
            lines.append([pairs[0]])
            continue
        for dx, dy in pairs:
            x, y = lines[-1][-1]
            lines[-1].append((x + dx, y + dy))
    return lines


def test_quartiles_of_rows_of_any_length_are_those_of_each_row():
    rows = [np.random.default_rng(i).normal(size=n) for i, n in enumerate((8, 5, 8, 1, 5, 4))]
    alone = [statistics.quantiles([*row, *row[:1]] if len(row) == 1 else row, method="inclusive") for row in rows]
    low, high = quartiles(rows)
    assert low == pytest.approx([cuts[0] for cuts in alone])
    assert high == pytest.approx([cuts[2] for cuts in alone])


def test_curves_are_thinned_and_carry_nothing_that_could_clash(ring):
    trial = ring.runs["trial"].iloc[0]
    drawn = curves(
        ring.history[ring.history["trial"] == trial], [], frames(ring.history, ring.runs, ring.columns), "<t&t>"
    )
    assert len(drawn) == 5
    for curve in drawn:
        assert not re.search(r"\b(id|style|clip-path|href|class)=|xmlns|<defs|#[0-9a-f]{6}", curve.svg), curve.svg[:300]
        assert len(curve.svg) < 12_000
        root = ET.fromstring(curve.svg)
        assert (
            root.get("role") == "img" and "<t&t>" in root.get("aria-label", "") and " to " in root.get("aria-label", "")
        )
        for path in root.iter("path"):
            outline = 2 if path.get("fill", "none") != "none" else 1  # a band has two sides
            assert max(map(len, _absolute(path.get("d", "")))) <= outline * POINTS


def test_a_diverged_run_ends_in_a_cross(ring):
    gone = ring.runs[ring.runs["status"] == "DIVERGED"]
    trial = gone["trial"].iloc[0]
    history, shared = ring.history[ring.history["trial"] == trial], frames(ring.history, ring.runs, ring.columns)
    with_crosses = curves(history, gone["run"].tolist(), shared, "t")[0].svg
    assert "var(--bad)" in with_crosses
    assert "var(--bad)" not in curves(history, [], shared, "t")[0].svg


def _image(uri: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA")).astype(int)


def test_points_are_where_they_are_with_y_up():
    real = np.array([[-1.0, -1.0], [1.0, 1.0]])
    shown = picture(np.array([[1.0, -1.0]] * 50), real, 10, "t")
    pixels = _image(shown.uri)
    blue = np.argwhere((pixels[..., :3] == GENERATED).all(-1) & (pixels[..., 3] > 200))
    grey = np.argwhere((pixels[..., :3] == REAL).all(-1) & (pixels[..., 3] > 0))
    share = (blue.mean(axis=0) + 0.5) / SIDE
    assert np.allclose(share, [0.5 + 0.5 / 1.4, 0.5 + 0.5 / 1.4], atol=0.02)  # row from above, column
    assert len(grey) and pixels[0, 0, 3] == 0


def test_samples_outside_of_the_frame_and_not_finite_ones_are_counted():
    real = np.random.default_rng(0).normal(size=(100, 2))
    samples = np.array([[0.0, 0.0], [99.0, 0.0], [np.nan, 0.0], [np.inf, 1.0]], np.float16)
    assert picture(samples, real, 1, "t").text == "t; 3 of 4 outside of the frame"


def test_points_of_many_axes_are_seen_along_the_first_two():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 16)), rng.normal(size=(50, 16))
    assert picture(fake, real, 1, "t") == picture(fake[:, :2], real[:, :2], 1, "t")


def test_images_keep_their_pixels_and_numbers_become_bars():
    images = np.random.default_rng(0).integers(0, 256, (16, 1, 8, 8), dtype=np.uint8)
    shown = picture(images, images, 1, "t")
    pixels = _image(shown.uri)[..., 0]
    assert np.array_equal(pixels[:8, :8], images[0, 0]) and np.array_equal(pixels[9:17, 9:17], images[5, 0])
    assert shown.pixelated and shown.width == 4 * pixels.shape[1]
    colour = picture(np.zeros((4, 3, 8, 8), np.uint8) + np.array([[[200]], [[10]], [[90]]], np.uint8), images, 1, "t")
    assert _image(colour.uri)[0, 0].tolist() == [200, 10, 90, 255]
    bars = _image(picture(np.full((100, 1), 0.5), np.array([[-1.0], [1.0]]), 1, "t").uri)
    assert (bars[..., 3].sum(axis=0) > 0).argmax() < bars.shape[1] / 2  # the real one at the left

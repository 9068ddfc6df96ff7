"""Pages in Firefox: the same picture as in chromium, scripts included; skipped where either is not installed."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from ganbench.report.page import render
from tests.helpers.fake_results import fake_results

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not (FIREFOX and CHROMIUM), reason="no firefox or no chromium: apt-get install both")
WIDTH, HEIGHT = 1280, 2400
# Fonts and controls are each browser's own: .08 of the ink lies elsewhere. Without tables .8, in the other theme 30.
ALIKE = 0.25


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "run.html"
    path.write_text(render(fake_results(trials=12, seeds=4, datasets=("ring", "digits"))), encoding="utf-8")
    return path


def ink(browser, address, folder):
    """Return how dark each of 16×30 fields of a page is in a browser."""
    file = folder / "picture.png"
    size = f"{WIDTH},{HEIGHT}"
    if browser == FIREFOX:
        options = ["--headless", "--profile", str(folder), "--screenshot", str(file), "--window-size", size]
    else:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}"]
        options += [f"--screenshot={file}", f"--window-size={size}"]
    subprocess.run([browser, *options, address], check=True, capture_output=True, timeout=120)
    with Image.open(file) as picture:
        return 255.0 - np.asarray(picture.convert("L").resize((16, 30), Image.Resampling.BOX), dtype=np.float64)


@pytest.mark.parametrize("anchor", ["", "#&theme=dark"])
def test_firefox_draws_what_chromium_draws(page, anchor, tmp_path):
    """With a theme in the address, the page's script makes it dark."""
    address = page.as_uri() + anchor
    pictures = []
    for browser in (CHROMIUM, FIREFOX):
        folder = tmp_path / f"of{len(pictures)}"
        folder.mkdir()
        pictures.append(ink(browser, address, folder))
    first, second = pictures
    assert np.abs(first - second).sum() < ALIKE * first.sum()

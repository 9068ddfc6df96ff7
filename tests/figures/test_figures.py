"""Figures: what is drawn is what the tables hold; what cannot be drawn is said."""

import dataclasses

import numpy as np
import pytest

import ganbench
from ganbench.core import extras
from ganbench.core.errors import UsageError
from ganbench.core.extras import MissingPackageError
from ganbench.core.trial import Choice
from ganbench.figures.style import Style
from ganbench.losses.hinge import Hinge
from tests.helpers.made_tables import made_run, made_tables, seeded
from tests.helpers.present import present


@pytest.fixture
def results(tmp_path):
    first, second = seeded(3), dataclasses.replace(seeded(3), loss=Choice.of(Hinge()))
    tables = {
        first: made_tables(first, modes_captured=[8.0, 7.0, 6.0]),
        second: made_tables(second, modes_captured=[1.0, 2.0, 3.0]),
    }
    tables[first].history["loss_g"] = [1.0, np.nan, 4.0, 2.0, np.nan, 5.0, 3.0, np.nan, 9.0]  # three seeds, three steps
    return ganbench.load(made_run(tmp_path, tables))


def test_a_curve_is_the_median_over_seeds(results):
    (ax,) = results.plot.curves("loss_g").axes
    line = ax.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), [10, 30])
    np.testing.assert_array_equal(line.get_ydata(), [2.0, 5.0])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == list(dict.fromkeys(results.runs["label"]))


def test_a_map_shows_the_means_of_cells(results):
    ax = results.plot.map("modes_captured").axes[0]
    assert sorted(float(text.get_text()) for text in ax.texts) == [2.0, 7.0]


def test_samples_are_a_row_per_trial_with_real_ones_first(results):
    figure = results.plot.samples(seed=1)
    assert len(figure.axes) == 2 * 3
    assert [ax.get_title() for ax in figure.axes[:3]] == ["real", "step 10", "step 30"]
    trial = next(iter(results.samples))
    drawn = figure.axes[1].collections[1].get_offsets()
    np.testing.assert_allclose(drawn, results.samples[trial]["samples"][0, 1].astype(float))


def test_sizes_and_fonts_are_as_asked(results):
    figure = results.plot.curves("loss_g", Style(width=127.0, height=25.4, size=6.0))
    np.testing.assert_allclose(figure.get_size_inches(), [5.0, 1.0])
    assert figure.axes[0].xaxis.label.get_size() == 6.0


@pytest.mark.parametrize(
    "draw, problem",
    [
        (lambda plot: plot.curves("loss"), "no curve 'loss'"),
        (lambda plot: plot.map("loss_g"), "no metric 'loss_g'"),
        (lambda plot: plot.map(x="optimizer.lr", y="batch"), "and this run has 0; name two in `vary:`"),
        (lambda plot: plot.samples(["none"]), "no pictures of the trial 'none'"),
        (lambda plot: plot.samples(seed=3), "seeds 0 … 2, not 3"),
    ],
)
def test_what_cannot_be_drawn_is_said(results, draw, problem):
    with pytest.raises(UsageError, match=problem):
        draw(results.plot)


def test_without_matplotlib_one_line_says_what_installs_it(results, monkeypatch):
    monkeypatch.setattr(extras, "installed", lambda module: module != "matplotlib")
    with pytest.raises(MissingPackageError, match=r"needs matplotlib.*pip install 'ganbench\[bench\]'"):
        results.plot.curves("loss_g")


def test_of_more_labels_than_there_are_colours_the_best_are_drawn(tmp_path):
    tables = {}
    for i in range(36):
        trial = dataclasses.replace(seeded(2), batch=64 + i)
        tables[trial] = made_tables(trial, modes_captured=[i / 4, i / 4])
        tables[trial].history["loss_g"] = np.arange(1.0, len(tables[trial].history) + 1)
    results = ganbench.load(made_run(tmp_path, tables))
    figure = results.plot.curves("loss_g")
    figure.savefig(tmp_path / "curves.png", dpi=40)  # a legend that has no room is a warning, and warnings are errors
    (ax,) = figure.axes
    legend = present(ax.get_legend())
    assert legend.get_window_extent().height < figure.get_window_extent().height
    shown = [text.get_text() for text in legend.get_texts()]
    assert sorted(shown) == sorted(f"non_saturating · none · batch={64 + i}" for i in range(4, 36))
    assert ax.get_title() == "ring: the best 32 of 36"
    (ax,) = results.plot.curves("loss_g", labels=shown[:2]).axes
    assert [text.get_text() for text in present(ax.get_legend()).get_texts()] == shown[:2]
    with pytest.raises(UsageError, match="36 labels of ring; choose 32 or fewer"):
        results.plot.curves("loss_g", labels=list(results.runs["label"].unique()))
    with pytest.raises(UsageError, match="unknown label 'hinge'"):
        results.plot.curves("loss_g", labels=["hinge"])


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_has_no_finite_value_is_said_and_not_drawn(tmp_path, value):
    trial = seeded(2)
    made = made_tables(trial, modes_captured=[value, value])
    made.history["loss_g"] = np.inf
    results = ganbench.load(made_run(tmp_path, {trial: made}))
    with pytest.raises(UsageError, match="no value of loss_g is finite"):
        results.plot.curves("loss_g")
    with pytest.raises(UsageError, match="no run on ring has a finite modes_captured"):
        results.plot.map("modes_captured")

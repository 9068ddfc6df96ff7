"""States that are none, not whole, or of another run: said in one line, and no row that is there is lost."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import ganbench
from ganbench.core.errors import UsageError
from ganbench.monitor.kept_state import check_state
from ganbench.tables import results as stored
from tests.helpers.present import present
from tests.helpers.small_gan import Loop

OPTIONS = {"log_every": 1, "evaluate_every": 2, "samples": 20}
WRONG = (
    *(
        None,
        "x",
        b"",
        -1,
        1.5,
        True,
        float("nan"),
        10**400,
        [],
        [None],
        {},
        {1: 2},
        {"steps": 1, "columns": {}},
        object,
    ),
    *(np.zeros(3), torch.zeros(0), torch.zeros(3, 2, dtype=torch.int64), {"a": {"steps": torch.tensor([3, 1])}}),
)


def watched(folder, **options):
    return Loop(lambda g, d: ganbench.Monitor(g, d, folder, **{**OPTIONS, **options}))


def places(state, above=()):
    """Yield the place of every value that has a name of ours."""
    for key, value in state.items():
        yield (*above, key)
        if isinstance(value, dict) and key in ("reference", "scrutiny", "history"):
            yield from places(value, (*above, key))


def changed(state, place, value=None, lacking=False):
    state = copy.deepcopy(state)
    inner = state
    for key in place[:-1]:
        inner = inner[key]
    inner.pop(place[-1])
    if not lacking:
        inner[place[-1]] = value
    return state


def steps_of(folder):
    return stored.load(folder).history["step"].tolist()


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    loop = watched(tmp_path_factory.mktemp("first") / "run").run(8)
    loop.monitor.close()
    return loop.monitor.state_dict()


def test_what_is_no_whole_state_is_refused_in_one_line_and_changes_nothing(tmp_path, state):
    loop = watched(tmp_path / "run").run(4)
    record = present(loop.monitor._watch).record
    trial, evaluator = record.trial, record._samples.reference.evaluator
    given = [(place, changed(state, place, lacking=True)) for place in places(state)]
    given += [(place, changed(state, place, value)) for place in places(state) for value in WRONG]
    given += [((), value) for value in (None, "x", 3, [], [1], torch.zeros(2), {"x": 1})]
    fitting = set()
    for place, one in given:
        try:
            check_state(one)
        except UsageError:
            with pytest.raises(UsageError) as refused:
                loop.monitor.load_state_dict(one)
            assert str(refused.value).startswith("ganbench.Monitor.load_state_dict: state ")
            assert "\n" not in str(refused.value) and len(str(refused.value)) < 400
            assert (record.trial, record.steps, record._samples.reference.evaluator) == (trial, 4, evaluator)
        else:
            fitting.add(".".join(place))
    loop.monitor.close()
    assert steps_of(loop.monitor.folder) == [1, 2, 3, 4]
    # A name for a name, nothing for what may be missing, and so on.
    assert fitting == set(
        "folder trial seconds layers snapshots reference evaluated_at history.columns reference.shape "
        "reference.pictures reference.largest reference.extractor scrutiny.pushes scrutiny.scale scrutiny.said "
        "scrutiny.ranked_right".split()
    )


def test_a_state_of_other_samples_changes_nothing(tmp_path, state):
    loop = watched(tmp_path / "run").run(4)
    other = changed(state, ("reference", "real"), torch.zeros(20, 7))
    with pytest.raises(UsageError, match="is of another monitor .*; give what Monitor.state_dict"):
        loop.monitor.load_state_dict(other)
    loop.run(4).monitor.close()
    assert steps_of(tmp_path / "run") == list(range(1, 9))


def test_after_ten_calls_a_wrong_state_is_logged(tmp_path, caplog):
    loop = watched(tmp_path / "run").run(12)
    loop.monitor.load_state_dict({"folder": "x"})
    assert "load_state_dict() failed" in caplog.text and "lacks 'format'" in caplog.text
    loop.monitor.close()
    assert steps_of(tmp_path / "run") == list(range(1, 13))


def test_the_tables_of_another_run_in_the_folder_of_a_state_stay(tmp_path):
    first = watched(tmp_path / "run").run(8)
    first.monitor.close()
    state = first.monitor.state_dict()
    (tmp_path / "run").rename(tmp_path / "kept")
    other = watched(tmp_path / "run").run(3)
    other.monitor.close()
    trial = str(stored.load(tmp_path / "run").runs["trial"][0])

    again = watched(tmp_path / "run")
    again.monitor.load_state_dict(state)
    again.run(2).monitor.close()
    assert str(stored.load(tmp_path / "run").runs["trial"][0]) == trial and steps_of(tmp_path / "run") == [1, 2, 3]
    assert again.monitor.folder == tmp_path / "run-2" and steps_of(tmp_path / "run-2") == list(range(1, 11))


def test_rows_that_a_monitor_wrote_itself_stay_where_it_is_given_the_state_of_another(tmp_path, state):
    loop = watched(tmp_path / "own").run(3)
    moved = changed(state, ("folder",), str(tmp_path / "gone"))
    loop.monitor.load_state_dict(moved)
    loop.run(2).monitor.close()
    assert steps_of(tmp_path / "own") == [1, 2, 3]
    assert loop.monitor.folder == tmp_path / "own-2" and steps_of(tmp_path / "own-2") == list(range(1, 11))


def test_two_open_monitors_do_not_write_to_one_folder(tmp_path, caplog):
    first = watched(tmp_path / "run").run(4)
    second = watched(tmp_path / "other")
    present(first.monitor._watch).record.flush()
    second.monitor.load_state_dict(first.monitor.state_dict())
    assert "the monitor of run is closed, as another one watches the same folder" in caplog.text
    first.run(3)
    second.run(2).monitor.close()
    assert steps_of(tmp_path / "run") == list(range(1, 7)) and not (tmp_path / "other").exists()

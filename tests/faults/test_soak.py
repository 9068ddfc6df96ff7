"""The soak itself: what it calls a promise that was broken, what it calls left behind, and a few of its rounds."""

import csv
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.faults.left_behind import Watched, processes_of
from tests.faults.soak import Soak, interleaved
from tests.faults.soak_rounds import TRIALS, Round

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux says of processes")
GOOD = Round(
    1, 1, "0", "signal", "SIGTERM", "group", 1.0, 2.0, status="143", command="yes", parts=2, merged=2, equal="yes"
)
KILLED = replace(GOOD, kind="kill", signal="SIGKILL", status="-9", command="no", merged=0)


@pytest.mark.parametrize(
    ("row", "changes", "bad"),
    [
        (GOOD, {}, ""),
        (GOOD, {"status": "130"}, "status 130"),
        (GOOD, {"status": "hangs", "command": "no"}, "status hangs; no command to go on"),
        (GOOD, {"merged": 1}, "1 of 2 parts merged"),
        (GOOD, {"status": "0", "parts": TRIALS, "merged": TRIALS, "command": "no"}, ""),  # it had ended already
        (GOOD, {"status": "0"}, "status 0"),
        (GOOD, {"equal": "no"}, "other tables"),
        (GOOD, {"left": "tmp:x"}, "left behind"),
        (KILLED, {}, ""),
        (KILLED, {"status": "1"}, "status 1"),
        (KILLED, {"equal": ""}, "other tables"),
    ],
)
def test_what_is_no_promise_kept(row, changes, bad):
    changed = replace(row, **changes)
    changed.judge()
    assert changed.bad == bad


def test_rounds_are_spread_evenly():
    assert interleaved(2, 2) == ["kill", "signal", "kill", "signal"]


def test_processes_and_files_that_stay_are_seen(tmp_path):
    watched = Watched(tmp_path)
    stays = subprocess.Popen(["sleep", "100"], env={**os.environ, "TMPDIR": str(tmp_path)})
    (tmp_path / "file").write_text("")
    try:
        while not processes_of(tmp_path):  # a program that has just begun has no environment yet
            time.sleep(0.01)
        watched.ended()
        assert not watched.look(0.2)
        time.sleep(0.3)
        assert watched.look(0.2) and watched.left == ["process:sleep_100", "tmp:file"]
        watched.remove()
        assert stays.wait(5) == -9 and not tmp_path.exists()
    finally:
        stays.kill()


@pytest.mark.verify
def test_a_few_rounds(tmp_path):
    Soak(tmp_path, kills=3, signals=3, seed=1).run(hours=0.5)
    rows = list(csv.DictReader((tmp_path / "rounds.csv").open()))
    assert len(rows) == 6 and not [row for row in rows if row["bad"]]

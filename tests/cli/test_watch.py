"""The live view: what a frame says of a sweep and of a monitored run, from their files alone."""

from __future__ import annotations

import datetime
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from rich.console import Console

import ganbench
from ganbench.cli.main import main
from ganbench.cli.watch_frame import frame, spark
from ganbench.core.errors import BROKEN_PIPE
from ganbench.core.results_files import json_bytes
from ganbench.report.live_state import Reader, State, Watched
from tests.engine import run_plan
from tests.helpers.small_gan import LATENT, Loop
from tests.helpers.small_suite import small_plan


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Two finished trials of a sweep."""
    folder = tmp_path_factory.mktemp("sweep")
    run_plan(small_plan(folder, "losses=[hinge]", "evaluate.every=2"), folder / "results", executor="local")
    return folder / "results" / "small"


@pytest.fixture
def monitored(tmp_path):
    loop = Loop(lambda g, d: ganbench.Monitor(g, d, tmp_path / "my_run", log_every=2, evaluate_every=2, samples=20))
    loop.run(30)
    yield loop.monitor
    loop.monitor.close()


def told(folder, trials, running=True, updated=None):
    folder.mkdir(exist_ok=True)
    now = updated or datetime.datetime.now(datetime.UTC).isoformat()
    state = {"format": 1, "run": "0" * 10, "running": running, "updated": now, "trials": trials}
    (folder / "progress.json").write_bytes(json_bytes(state))


def drawn(state, width=200, rows=None, unicode=True):
    console = Console(file=(screen := io.StringIO()), width=width, color_system=None)
    console.print(frame(state, width, rows, unicode))
    return screen.getvalue()


def test_a_monitored_run_shows_the_terms_of_the_generators_gradient(tmp_path, capsys):
    g, d = torch.nn.Linear(LATENT, 2), torch.nn.Linear(2, 1)
    opt_g, opt_d = torch.optim.SGD(g.parameters(), 0.01), torch.optim.SGD(d.parameters(), 0.01)
    with ganbench.Monitor(g, d, tmp_path / "my_run", log_every=1) as monitor:
        for _ in range(8):
            fake = g(torch.randn(16, LATENT))
            first = d(fake).mean()
            for optimizer in (opt_d, opt_g):
                optimizer.zero_grad()
            monitor.terms({"adversarial": first, "l1": 3 * first})
            (4 * first).backward()
            opt_d.step()
            opt_g.step()
            monitor.step(fake=fake)
    assert main(["watch", str(tmp_path / "my_run"), "--once"]) == 0
    assert "of the generator's gradient: adversarial 25 %, l1 75 %" in " ".join(capsys.readouterr().out.split())


def test_one_frame_of_a_finished_sweep(sweep, capsys):
    before = sorted((p, p.stat().st_mtime_ns) for p in sweep.rglob("*"))
    assert main(["watch", str(sweep), "--once"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "small: 2 OK (ended)"
    assert [line.split()[0] for line in lines[3:5]] == ["none", "r1"]  # what tells the trials apart, and no more
    for line, (_, own) in zip(lines[3:5], ganbench.load(sweep).verdicts().groupby("trial", sort=False), strict=True):
        assert all(verdict in line for verdict in own["verdict"])
    assert set(lines[3]) & set("▁▂▃▄▅▆▇█")
    assert "\x1b" not in out
    assert sorted((p, p.stat().st_mtime_ns) for p in sweep.rglob("*")) == before


def test_a_run_of_the_suite_shows_the_suite(sweep, capsys):
    run = next(path.parent for path in sweep.glob("*/manifest.json"))
    assert main(["watch", str(run), "--once"]) == 0
    assert capsys.readouterr().out.startswith("small: 2 OK")


def test_a_sweep_under_way(tmp_path):
    trials = [
        {"key": "a" * 64, "name": "ring · hinge · none", "state": "waiting"},
        {
            "key": "b" * 64,
            "name": "ring · hinge · r1",
            "state": "running",
            "share": 0.42,
            "numbers": {"modes_captured": 7.5, "grad_norm_g": 0.25},
            "series": {"grad_norm_g": [1.0, 0.1, 0.01], "modes_captured": [1, 4, 8]},
        },
        {"key": "c" * 64, "name": "ring · minimax · none", "state": "FAILED", "error": "ValueError: no such thing"},
    ]
    told(tmp_path, trials)
    text = drawn(Reader(tmp_path).read())
    lines = text.splitlines()
    assert lines[0].rstrip().endswith(": 1 running, 1 waiting, 1 FAILED")
    running = next(line for line in lines if "running 42 %" in line)
    assert running.split()[:3] == ["hinge", "·", "r1"] and "7.5" in running and "0.25" in running
    assert "█▅▁" in running and "▁▄█" in running
    assert "ValueError: no such thing" in text
    assert set(drawn(Reader(tmp_path).read(), unicode=False)) & set("▁▄█") == set()


def test_parts_of_earlier_states_of_a_suite_are_left_out(sweep, tmp_path):
    copy = tmp_path / "small"
    shutil.copytree(sweep, copy)
    state = json.loads((copy / "progress.json").read_text())
    told(copy, state["trials"][:1], running=False)
    assert drawn(Reader(copy).read()).startswith("small: OK (ended)")
    (copy / "progress.json").unlink()
    assert drawn(Reader(copy).read()).startswith("small: 2 OK (ended)")


def test_an_old_sign_of_life_is_said(tmp_path):
    told(tmp_path, [], updated="2020-01-01T00:00:00+00:00")
    assert "no sign of life for" in drawn(Reader(tmp_path).read())
    told(tmp_path, [], running=False, updated="2020-01-01T00:00:00+00:00")
    assert "no sign" not in drawn(Reader(tmp_path).read())


def test_hostile_names_stay_text(tmp_path):
    bad = "[red]x[/red]\x1b[31m\x07\n<script>"
    told(tmp_path, [{"key": "a" * 64, "name": bad, "state": "FAILED", "error": bad}])
    text = drawn(Reader(tmp_path).read())
    assert "\x1b" not in text and "\x07" not in text and "[red]x[/red]" in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"trials": [1, {"key": 2}, {"key": "x"}]}', "[" * 100_000])
def test_broken_progress_is_no_error(tmp_path, content):
    (tmp_path / "progress.json").write_text(content)
    drawn(Reader(tmp_path).read())


def test_broken_parts_show_without_numbers_and_stay_where_they_are(sweep, tmp_path):
    copy = tmp_path / "small"
    shutil.copytree(sweep, copy)
    for table in copy.glob("parts/*/history.parquet"):
        table.write_bytes(b"PAR1 and no more")
    text = drawn(Reader(copy).read())
    assert text.splitlines()[0].startswith("small: 2 OK") and len(list(copy.glob("parts/*/history.parquet"))) == 2


def test_many_trials_leave_room_for_what_runs(tmp_path):
    trials: list[dict[str, object]] = [
        {"key": f"{i:064x}", "name": f"trial {i}", "state": "waiting"} for i in range(5000)
    ]
    trials[2500] |= {"state": "running", "share": 0.5}
    told(tmp_path, trials)
    text = drawn(Reader(tmp_path).read(), rows=30)
    assert "trial 2500" in text and len(text.splitlines()) <= 30 and "more" in text


def test_a_monitored_run_while_it_trains(monitored, capsys):
    monitored._watch.record.flush()
    assert main(["watch", str(monitored.folder), "--once"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("my_run, step 30: running\n") and "\x1b" not in out
    monitored.close()
    assert main(["watch", str(monitored.folder)]) == 0  # it has ended, so the command does
    assert "(ended)" in capsys.readouterr().out


def test_the_view_follows_until_the_end(monitored, capsys):
    """Without a terminal there is a frame whenever something has changed."""
    monitored._watch.record.flush()
    timer = threading.Timer(0.7, monitored.close)
    timer.start()
    assert main(["watch", str(monitored.folder), "--every", "0.2"]) == 0
    timer.join()
    frames = [line for line in capsys.readouterr().out.splitlines() if line.startswith("my_run, step 30")]
    assert len(frames) == 2 and frames[0].endswith("running") and frames[1].endswith("(ended)")


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_what_is_no_run_is_said(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    assert main(["watch", str(tmp_path / name), "--once"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_on_a_terminal(monitored, tmp_path):
    monitored.close()
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "40"}
    command = [sys.executable, "-m", "ganbench", "watch", str(monitored.folder)]
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    output, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        try:
            output += (chunk := os.read(master, 65536))
        except OSError:
            break
        if not chunk:
            break
    assert process.wait(timeout=20) == 0
    assert b"my_run" in output and b"\x1b[" in output


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a terminal of POSIX")
@pytest.mark.parametrize("how", ["closed", "dumb and closed", "pipe"])
def test_a_watch_ends_when_nobody_looks_any_more(tmp_path, how):
    """Of a sweep that says nothing, as one that was killed; SIGHUP is ignored, as by `nohup`."""
    told(tmp_path, [{"key": "a" * 64, "name": "ring · hinge", "state": "running"}])
    reader, writer = os.pipe() if how == "pipe" else os.openpty()
    environment = {**os.environ, "TERM": "dumb" if "dumb" in how else "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ganbench", "watch", str(tmp_path), "--every", "0.2"],
        stdin=writer, stdout=writer, stderr=writer, env=environment, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    os.close(writer)
    assert os.read(reader, 10)
    os.close(reader)
    assert process.wait(timeout=60) == BROKEN_PIPE


def test_a_terminal_that_cannot_draw_gets_plain_frames(tmp_path, monkeypatch, capsys):
    told(tmp_path, [{"key": "a" * 64, "name": "ring · hinge", "state": "running"}])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("ganbench.cli.watch_command.nobody_reads", lambda: True)
    for term in ("dumb", "unknown"):
        monkeypatch.setenv("TERM", term)
        assert main(["watch", str(tmp_path)]) == BROKEN_PIPE
        assert "hinge" in (out := capsys.readouterr().out) and "\x1b" not in out


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_narrow_terminal_cuts_no_number(width):
    numbers = {"modes_captured": 1.234, "hq_fraction": 0.001234, "fid": 0.005678, "grad_norm_g": 12.3456}
    one, two = (
        Watched(
            k, f"ring · {k * 20}", "OK", 1.0, numbers, {"grad_norm_g": (1.0,) * 20}, "total collapse 7, no signal 1"
        )
        for k in "ab"
    )
    lines = drawn(State("s", (one, two), "", True), width).splitlines()
    assert all(len(line) <= width for line in lines)
    heads, values = lines[2].split(), lines[3].replace("…", " ").split()
    assert {"modes", "verdicts"} <= set(heads) and "1.23" in values
    for head, text in (("hq", "0.00123"), ("fid", "0.00568"), ("G", "12.3")):
        assert (head in heads) == (text in values)
    assert ("coverage" in heads) == (width == 140)


def test_sparks():
    assert spark([1, 2, 3, 4, 5, 6, 7, 8], False) == "▁▂▃▄▅▆▇█"
    assert spark([1e-6, 1e-3, 1], True) == "▁▅█"  # halves of a log scale
    assert spark([5, 5, 5], False) == "▁▁▁"
    assert spark([0.0, -1.0], True) == "" and spark([], False) == ""
    assert len(spark(list(range(1000)), False)) == 16
    assert spark([-1.7e308, 0.0, 1.7e308], False) == "▁▅█"
    assert spark([0.0] * 500 + [1.0] * 500, False) == "▁" * 8 + "█" * 8


def test_a_monitored_run_shows_its_verdict_and_remedy():
    one = Watched("k", "mine", "running", 1.0, {}, {}, "total collapse", "spread is 0.03, below 0.15; add r1")
    text = drawn(State("mine, step 10", (one,), "", False))
    assert "total collapse" in text and "add r1" in text


def test_latents_and_data_reach_the_view(tmp_path):
    loop = Loop(
        lambda g, d: ganbench.Monitor(
            g,
            d,
            tmp_path / "r",
            data="ring",
            latents=torch.zeros(40, LATENT),
            log_every=5,
            evaluate_every=5,
            samples=40,
        )
    )
    loop.run(10).monitor.close()
    assert {"modes_captured", "total_spread"} <= set(Reader(tmp_path / "r").read().trials[0].numbers)

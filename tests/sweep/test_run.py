import dataclasses
import errno
import json
import shutil
import signal
import time
from collections import namedtuple

import pytest

import ganbench
from ganbench.core.errors import UsageError
from ganbench.core.files import StoreError
from ganbench.losses.hinge import Hinge
from ganbench.report.index import write_index
from ganbench.sweep import manifest, run
from ganbench.sweep import results_dir as folder
from ganbench.sweep.jobs import TrialJob
from ganbench.tables import part_store as store
from ganbench.tables.results import find_run
from ganbench.training import checkpoint, trainer
from ganbench.training.trainer import Trainer
from tests.helpers.local_runs import assert_equal_results, run_local
from tests.helpers.present import present
from tests.helpers.small_suite import TEXT, small_plan
from tests.helpers.trials import small_trial


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a plan, the results folder of a whole run of it, and its outcome. Tests copy the folder."""
    folder = tmp_path_factory.mktemp("finished")
    plan = small_plan(folder)
    outcome, _ = run_local(plan, folder / "results")
    return plan, folder / "results", outcome


@pytest.fixture
def copied(finished, tmp_path):
    """Return the plan and a copy of the finished results."""
    plan, results, _ = finished
    shutil.copytree(results, tmp_path / "results")
    return plan, tmp_path / "results"


@pytest.fixture
def built(monkeypatch):
    """Return the list of trials whose trainer is built from here on."""
    trials = []
    original = Trainer.__init__

    def init(self, trial, *arguments, **options):
        trials.append(trial)
        original(self, trial, *arguments, **options)

    monkeypatch.setattr(Trainer, "__init__", init)
    return trials


def test_a_run_leaves_tables_suite_and_manifest(finished):
    plan, results, outcome = finished
    assert (outcome.exit_code, outcome.trials, outcome.done, outcome.trained, outcome.failed) == (0, 6, 6, 6, 0)
    assert outcome.folder == results / "small" / plan.run_id
    loaded = ganbench.load(outcome.folder).tables
    assert list(loaded.runs["trial"].unique()) == [trial.key[:12] for trial in plan.trials]
    assert len(loaded.runs) == 12 and set(loaded.runs["status"]) == {"OK"}
    assert "r1" in loaded.suite
    assert loaded.manifest.counts == {"trials": 6, "runs": 12, "failed": 0, "skipped": 0, "excluded": 0}
    assert loaded.manifest.environment["torch"] and loaded.manifest.components["loss:hinge"] == 1
    assert not (results / "small" / "checkpoints").exists() or not list((results / "small" / "checkpoints").iterdir())


def test_the_resolved_suite_gives_the_same_plan(finished, tmp_path):
    plan, _, outcome = finished
    assert small_plan(tmp_path, text=(outcome.folder / "suite.yaml").read_text()).run_id == plan.run_id


def test_a_second_run_trains_nothing_and_changes_only_times(copied, built):
    plan, results = copied
    folder = results / "small" / plan.run_id
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    outcome, lines = run_local(plan, results)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert built == [] and outcome.trained == 0 and outcome.done == 6 and outcome.exit_code == 0
    assert lines == ["6 of 6 trials are already done"]
    manifests = [json.loads(files.pop("manifest.json")) for files in (before, after)]
    assert before == after
    assert all(about.pop("times") and about.pop("checksum") for about in manifests)
    assert manifests[0] == manifests[1]


def test_a_broken_part_is_the_only_one_trained_again(copied, built, finished):
    plan, results = copied
    victim = plan.trials[2]
    (results / "small" / "parts" / victim.key / "history.parquet").write_bytes(b"PAR1")
    outcome, lines = run_local(plan, results)
    assert [trial.key for trial in built] == [victim.key]
    assert lines[0] == "5 of 6 trials are already done" and outcome.exit_code == 0
    assert_equal_results(ganbench.load(outcome.folder).tables, ganbench.load(finished[2].folder).tables)


def test_an_edited_suite_trains_only_what_changed(copied, built, tmp_path):
    plan, results = copied
    edited = small_plan(tmp_path, text=TEXT.replace("tricks: [none, r1]", "tricks: [none, r1, {r1: {gamma: 1.0}}]"))
    outcome, lines = run_local(edited, results)
    assert len(built) == 3 and lines[0] == "6 of 9 trials are already done"
    assert outcome.folder != results / "small" / plan.run_id and len(ganbench.load(outcome.folder).tables.runs) == 18


def test_a_trial_that_raises_fails_alone_and_is_tried_again(tmp_path, monkeypatch, built):
    plan = small_plan(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Hinge, "discriminator", lambda *_: 1 / 0)
        outcome, lines = run_local(plan, tmp_path / "results")
    assert (outcome.exit_code, outcome.done, outcome.failed) == (4, 4, 2)
    assert any("FAILED" in text and "ZeroDivisionError" in text for text in lines)
    loaded = ganbench.load(outcome.folder).tables
    failed = loaded.runs[loaded.runs["status"] == "FAILED"]
    assert set(failed["loss"]) == {"hinge"} and len(failed) == 4
    assert all(error.startswith("ZeroDivisionError") for error in failed["error"])
    assert loaded.manifest.counts["failed"] == 2
    assert {entry["status"] for entry in loaded.manifest.failed} == {"FAILED"}

    built.clear()
    outcome, lines = run_local(plan, tmp_path / "results")
    assert lines[0] == "4 of 6 trials are already done; 2 failed before and are tried again"
    assert outcome.exit_code == 0 and len(built) == 2
    assert set(ganbench.load(outcome.folder).tables.runs["status"]) == {"OK"}


def with_timeout(plan, seconds):
    resources = plan.suite.resources.model_copy(update={"timeout": seconds})
    return dataclasses.replace(plan, suite=plan.suite.model_copy(update={"resources": resources}))


def test_a_trial_that_watches_its_clock_stops_at_its_timeout(tmp_path, monkeypatch):
    monkeypatch.setattr(TrialJob, "deadline", None)  # or the alarm from outside might be what stops it
    long = dataclasses.replace(small_trial(steps=30_000), log_every=10**4, evaluate_every=10**4)
    plan = dataclasses.replace(with_timeout(small_plan(tmp_path), 0.3), trials=(long, small_trial(steps=2)))
    outcome, _ = run_local(plan, tmp_path / "results")
    assert (outcome.exit_code, outcome.done, outcome.failed) == (4, 1, 1)
    assert present(store.read_failure(tmp_path / "results" / "small", long.key))["status"] == "TIMEOUT"


def test_a_trial_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(Hinge, "generator", lambda *_: time.sleep(600))
    begun = time.monotonic()
    limit = 2.0  # enough for the other trial on a machine that has other work
    outcome, _ = run_local(
        with_timeout(small_plan(tmp_path, "losses=[hinge, minimax]", "tricks=[none]"), limit), tmp_path
    )
    assert time.monotonic() - begun < 300
    assert (outcome.exit_code, outcome.done, outcome.failed) == (4, 1, 1)
    assert set(ganbench.load(outcome.folder).tables.runs["status"]) == {"OK", "TIMEOUT"}


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_finished(tmp_path, monkeypatch, number, code):
    original = Trainer.tables
    calls = []

    def tables(self):
        calls.append(self)
        if len(calls) == 3:
            signal.raise_signal(number)
        return original(self)

    monkeypatch.setattr(Trainer, "tables", tables)
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    outcome, _ = run_local(small_plan(tmp_path), tmp_path)
    assert (outcome.exit_code, outcome.done, outcome.failed) == (code, 2, 0)
    assert len(ganbench.load(outcome.folder).tables.runs) == 4
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_full_disk_under_way_is_named_and_keeps_what_is_finished(tmp_path, monkeypatch, finished):
    original = store.write_part

    def write_part(folder, key, tables):
        if len(list((folder / "parts").glob("[0-9a-f]*"))) >= 2:
            raise StoreError(folder, OSError(errno.ENOSPC, "No space left on device"))
        original(folder, key, tables)

    plan = small_plan(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_part", write_part)
        with pytest.raises(StoreError, match="small: no space left on device; make room") as caught:
            run_local(plan, tmp_path)
    assert caught.value.exit_code == 4
    outcome, lines = run_local(plan, tmp_path)
    assert lines[0] == "2 of 6 trials are already done" and outcome.exit_code == 0
    assert_equal_results(ganbench.load(outcome.folder).tables, ganbench.load(finished[2].folder).tables)


def test_a_checkpoint_on_a_full_disk_ends_the_run_too(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "replaced", full)
    with pytest.raises(StoreError, match="no space left"):
        run_local(small_plan(tmp_path), tmp_path)


def test_a_checkpoint_that_cannot_be_read_just_now_is_named_and_stays(tmp_path, monkeypatch, built):
    def refused(_):
        raise OSError(errno.EIO, "Input/output error")

    plan = small_plan(tmp_path)
    kept = tmp_path / "small/checkpoints" / f"{plan.trials[0].key}.pt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"of hours")
    monkeypatch.setattr("ganbench.sweep.already_done.read_with_checksum", refused)
    with pytest.raises(StoreError, match="small: input/output error"):
        run_local(plan, tmp_path)
    assert built == [] and kept.read_bytes() == b"of hours"


def test_no_space_elsewhere_is_the_trials_own_failure(tmp_path, monkeypatch):
    def advance(self, seconds):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Trainer, "advance", advance)
    outcome, _ = run_local(small_plan(tmp_path), tmp_path)
    assert (outcome.exit_code, outcome.failed) == (4, 6)


def test_too_little_space_is_said_before_training(tmp_path, monkeypatch, built):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**7))
    with pytest.raises(UsageError, match="9 MB free, about 38 MB needed"):
        run_local(small_plan(tmp_path), tmp_path)
    assert built == []


def test_a_closed_folder_is_said_before_training(tmp_path, monkeypatch, built):
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(UsageError, match="results/small: not a directory; choose"):
        run_local(small_plan(tmp_path), tmp_path / "results")
    monkeypatch.setattr(folder, "new_file", _read_only)
    with pytest.raises(UsageError, match="read-only file system; choose"):
        run_local(small_plan(tmp_path), tmp_path / "other")
    assert built == []


def _read_only(*_, **__):
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_link_that_leads_out_of_the_results_is_refused(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results" / "small").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="lies outside"):
        run_local(small_plan(tmp_path), tmp_path / "results")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_two_runs_of_a_suite_do_not_collide(tmp_path, monkeypatch):
    plan = small_plan(tmp_path)
    inner = []
    original = run.prepare_inputs

    def during(trials):
        with pytest.raises(UsageError, match="process [0-9]+ on .* is running this suite") as caught:
            run_local(plan, tmp_path)
        inner.append(caught)
        original(trials)

    monkeypatch.setattr(run, "prepare_inputs", during)
    assert run_local(plan, tmp_path)[0].exit_code == 0 and len(inner) == 1
    assert run_local(plan, tmp_path)[0].exit_code == 0  # the file that is left keeps nobody out


def test_skipped_combinations_are_in_the_manifest(tmp_path):
    text = TEXT.replace("[none, r1]", "[none, one_sided_label_smoothing]").replace(
        "non_saturating, hinge, minimax", "wasserstein"
    )
    plan = small_plan(tmp_path, text=text)
    assert len(plan.skipped) == 1
    outcome, _ = run_local(plan, tmp_path)
    skipped = ganbench.load(outcome.folder).tables.manifest.skipped
    assert [(one.name, one.reason) for one in skipped] == [(plan.skipped[0][0].name, plan.skipped[0][1])]


def test_unused_numbers_of_an_old_environment_stay(copied, monkeypatch):
    """A run that trains nothing keeps the environment in which its numbers were made."""
    plan, results = copied
    monkeypatch.setattr(manifest, "environment", lambda *_: {"torch": "9"})
    run_local(plan, results)
    assert ganbench.load(results / "small" / plan.run_id).tables.manifest.environment["torch"] != "9"


def test_the_newest_run_is_the_one_merged_last_whatever_the_clock_does(tmp_path, monkeypatch):
    folders = []
    for day, seeds in (("2026-05-02", 1), ("2026-05-01", 2), ("2026-04-30", 1)):
        monkeypatch.setattr(run, "now", lambda day=day: f"{day}T00:00:00+00:00")
        plan = small_plan(tmp_path, f"seeds={seeds}", "losses=[hinge]", "tricks=[none]", "steps=10")
        folders.append(run_local(plan, tmp_path)[0].folder)
        assert find_run(tmp_path / "small") == folders[-1]
        (tmp_path / "small.html").write_text("a page")
        rows = write_index(tmp_path / "small", tmp_path).read_text().split("<tr>")
        assert [folders[-1].name in row for row in rows if 'href="small.html"' in row] == [True]
    assert folders[0] == folders[2] != folders[1]

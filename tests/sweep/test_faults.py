"""What the world does to a run: real full and read-only disks, no git, a dead Ray address, checks under Ray."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ganbench.core.errors import UsageError
from ganbench.sweep.executors import ray_session
from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob
from ganbench.tables import manifest
from tests.helpers import ROOT
from tests.helpers.small_suite import TEXT, small_plan
from tests.helpers.trials import small_trial


def can_mount():
    """Say whether this machine lets a process mount a file system of its own."""
    try:
        return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


MOUNTS = pytest.mark.skipif(not can_mount(), reason="this machine lets no process mount anything")


def mounted(folder, options, script):
    """Run a script with a file system of its own at `folder/disk`."""
    disk = folder / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", options, disk, sys.executable, "-c", script, folder],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )


FILL = """
import sys
from pathlib import Path
from tests.helpers.small_suite import small_plan
from tests.helpers.local_runs import quiet
from ganbench.sweep.run import run_plan
from ganbench.core.files import StoreError

folder, disk = Path(sys.argv[1]), Path(sys.argv[1]) / "disk"
plan, filler = small_plan(folder, "losses=[hinge, minimax]", "tricks=[none]"), disk / "filler"

class Fill:
    def add(self, job):
        pass

    def take(self, report):
        if report.status is not None and not filler.exists():
            with open(filler, "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError as error:
                    print(error.strerror)

progress = quiet(plan)
progress.listeners.append(Fill())
try:
    run_plan(plan, disk, executor="local", progress=progress)
except StoreError as error:
    print(error)
filler.unlink()
outcome = run_plan(plan, disk, executor="local", progress=quiet(plan))
print(outcome.exit_code, outcome.done, outcome.trained)
"""


@MOUNTS
def test_a_disk_that_fills_up_keeps_what_is_finished(tmp_path):
    """A real one of 40 MB, filled to the last page once the first of two trials is done."""
    done = mounted(tmp_path, "size=40m", FILL)
    first, second, third = done.stdout.splitlines()
    assert first == "No space left on device", done.stderr
    assert second.startswith(f"{tmp_path}/disk/small: no space left on device; make room or choose another folder")
    assert third == "0 2 1"


def command(*arguments):
    return f"""
import sys
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "small.yaml").write_text({TEXT!r})
import os
os.chdir(folder)
from ganbench.cli.main import main
sys.exit(main({list(arguments)!r}))
"""


@MOUNTS
@pytest.mark.parametrize(
    "options, problem",
    [("ro", "read-only file system; choose a --results"), ("size=9m", "MB free, about 38 MB needed; make room")],
)
def test_a_disk_that_cannot_take_the_tables_is_said_before_training(tmp_path, options, problem):
    done = mounted(tmp_path, options, command("run", "small.yaml", "--results", "disk", "--executor", "local"))
    assert done.returncode == 2 and problem in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def test_the_manifest_names_commit_and_changes(tmp_path, monkeypatch):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    assert manifest.git(package) is None  # in no repository
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "somebody else's")
    assert manifest.git(package) is None  # in a repository that does not hold it
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "all")
    clean = manifest.git(package)
    assert clean is not None and len(str(clean["commit"])) == 40 and clean["dirty"] is False
    (package / "__init__.py").write_text("changed = True\n")
    assert manifest.git(package) == {**clean, "dirty": True}
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert manifest.git(package) is None and manifest.environment()["git"] is None


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no.such.host.invalid:6379"])
def test_a_cluster_that_does_not_answer_is_said_at_once(tmp_path, address, capfd):
    start = time.monotonic()
    with pytest.raises(UsageError, match=f"--address {address}: no Ray cluster to attach to .*; start one or leave"):
        ray_session.attach(address, JobList([TrialJob(small_trial(), "0" * 64, tmp_path)]))
    assert time.monotonic() - start < 30
    assert capfd.readouterr() == ("", "")


@pytest.mark.ray
def test_a_check_passes_under_ray_and_in_this_process_whatever_ray_address_says(tmp_path, monkeypatch, capsys):
    """Training under Ray takes no notice of a RAY_ADDRESS that points nowhere, and its numbers are those of here."""
    from ganbench.cli.main import main

    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    text = TEXT.replace("[non_saturating, hinge, minimax]", "[hinge]").replace("[none, r1]", "[none]")
    small_plan(tmp_path, text=text)
    assert main(["run", "small.yaml", "--executor", "local"]) == 0
    assert main(["baseline", "save", "results/small"]) == 0
    for executor in ("ray", "local"):
        assert main(["check", "small.yaml", "--results", f"again-{executor}", "--executor", executor]) == 0
    assert "Traceback" not in capsys.readouterr().err

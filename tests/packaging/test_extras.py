"""What runs without the extras, and the one line that a command prints where a package is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers import ROOT, warm

RUN = ROOT / "results/baselines/collapse_cures"  # a run's folder: tables, manifest, suite
BENCH = ("ray", "torch_fidelity", "torchvision", "PIL", "sklearn", "matplotlib", "jinja2")

HIDE = """
import sys
hidden = set(sys.argv.pop(1).split(","))
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
assert not hidden & set(sys.modules), "imported before it was hidden"
"""
COMMAND = warm.COMMAND


def without(packages, code, *arguments, cwd):
    """Run code in a process in which packages cannot be found."""
    return warm.run(HIDE + code, ",".join(packages), *arguments, cwd=cwd)


@pytest.mark.parametrize(
    ("package", "name", "arguments"),
    [
        ("ray", "ray", ["run", "smoke"]),
        ("jinja2", "jinja2", ["run", "smoke", "--executor", "local"]),
        ("sklearn", "scikit-learn", ["run", "digits", "--executor", "local"]),
        ("jinja2", "jinja2", ["report", RUN]),
        ("ray", "ray", ["check", "baselined.yaml"]),
    ],
)
def test_a_missing_package_is_one_line_with_its_remedy(tmp_path, package, name, arguments):
    if arguments[0] == "check":
        _with_baseline(tmp_path)
    done = without([package], COMMAND, *arguments, cwd=tmp_path)
    line = f"ganbench: {arguments[0]}: needs {name}, which is not installed; pip install 'ganbench[bench]'\n"
    assert (done.returncode, done.stderr) == (2, line)
    assert "OK" not in done.stdout  # nothing was trained before it was said


def _with_baseline(folder):
    """Put a suite with a baseline of its own there."""
    suite = "name: baselined\ndatasets: [ring]\nseeds: 1\nsteps: 1\nevaluate: {metrics: [position], samples: 20}\n"
    (folder / "baselined.yaml").write_text(suite)
    for arguments in (["run", "baselined.yaml", "--executor", "local"], ["baseline", "save", "results/baselined"]):
        done = without([], COMMAND, *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    (folder / "results/baselined").rename(folder / "trained")


def test_another_missing_module_stays_an_internal_error(tmp_path):
    code = "import ganbench.cli.main as m\ndef fail(*a): import not_there\nm._invoke = fail\nsys.exit(m.main(['plan']))"
    done = without(["x"], code, cwd=tmp_path)
    assert done.returncode == 5
    assert "No module named 'not_there'" in done.stderr


MONITOR = """
import torch
import ganbench

assert "torch_fidelity" not in sys.modules
generator, discriminator = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
players = [torch.optim.SGD(net.parameters(), lr=0.01) for net in (generator, discriminator)]
options = {"log_every": 5, "evaluate_every": 10, "samples": 50}
monitor = ganbench.Monitor(generator, discriminator, "my_run", metrics=["position", "fid"], **options)
for step in range(40):
    real, fake = torch.randn(16, 2), generator(torch.randn(16, 2))
    for optimizer, loss in zip(players, (-discriminator(fake).mean(), discriminator(fake.detach()).mean())):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    monitor.step(real=real, fake=fake.detach())
monitor.close()
results = ganbench.load("my_run")
assert len(results.runs) == 1 and results.history["fid"].notna().any(), results.history
"""


def test_a_monitor_and_the_tables_need_no_extra(tmp_path):
    done = without(BENCH, MONITOR, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = without(BENCH, COMMAND, "report", "my_run", "--markdown", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = without(BENCH, COMMAND, "compare", RUN, RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_check_of_a_folder_needs_no_extra(tmp_path):
    done = without(BENCH, COMMAND, "check", RUN, "--baseline", RUN.name, "--baselines", RUN.parent, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor_names_the_extras_that_are_missing(tmp_path):
    done = without(["ray", "sklearn"], COMMAND, "doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if "ganbench[bench]" in line]
    assert line.split()[:2] == ["note", "extras"]
    assert "ray, scikit-learn" in line and "jinja2" not in line


def test_import_ganbench_is_free_of_torch():
    code = HIDE + "import ganbench\nsys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    command = [sys.executable, "-c", code, ",".join(BENCH)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr

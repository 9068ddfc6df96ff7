"""What works on a platform without POSIX: a Monitor, `load`, `report` and `check` of a folder, `--executor local`."""

from __future__ import annotations

import pytest

from tests.helpers import ROOT, warm

RUN = ROOT / "results/baselines/collapse_cures"  # a run's folder: tables, manifest, suite

# What Windows lacks. Files are opened and renamed by the system beneath as ever, and torch keeps what it imported.
WINDOWS = """
import os, platform, signal, sys

import torch, pandas, pyarrow.parquet, scipy.special, sklearn, matplotlib.figure, filelock, platformdirs

for module in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[module] = None
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "uname", "getuid", "geteuid", "getloadavg", "sched_getaffinity",
             "fork", "killpg", "sysconf", "getpgid", "fchmod"):
    vars(os).pop(name, None)
for name in ("setitimer", "getitimer", "alarm", "ITIMER_REAL", "SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1",
             "pthread_kill"):
    vars(signal).pop(name, None)
os_open = os.open
def open_no_folder(path, flags, *rest, **named):
    if isinstance(path, (str, bytes, os.PathLike)) and os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return os_open(path, flags, *rest, **named)
os.open = open_no_folder
"""
COMMAND = WINDOWS + "from ganbench.cli.main import main\nsys.exit(main())"
# Several commands of one process, as starting it costs most: each argument is one.
COMMANDS = (
    WINDOWS
    + """
from ganbench.cli.main import main
for line in sys.argv[1:]:
    code = main(line.split())
    assert code == 0, (line, code)
"""
)
SUITE = """
datasets: [ring]
seeds: 2
steps: 40
evaluate: {every: 20, samples: 50}
resources: {timeout: 5m}
"""


def windows(code, *arguments, cwd):
    done = warm.run(code, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_monitor_and_its_tables(tmp_path):
    windows(
        WINDOWS
        + """
import ganbench
generator, discriminator = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(generator.parameters(), lr=0.01)
monitor = ganbench.Monitor(generator, discriminator, "my_run", log_every=5, evaluate_every=10, samples=50)
for _ in range(40):
    fake = generator(torch.randn(16, 2))
    optimizer.zero_grad()
    discriminator(fake).mean().backward()
    optimizer.step()
    monitor.step(real=torch.randn(16, 2), fake=fake.detach())
monitor.close()
assert len(ganbench.load("my_run").runs) == 1
"""
        + COMMANDS.removeprefix(WINDOWS),
        "report my_run",
        cwd=tmp_path,
    )
    assert (tmp_path / "report/my_run.html").stat().st_size > 10_000


def test_a_sweep_in_this_process(tmp_path):
    (tmp_path / "small.yaml").write_text(SUITE)
    lines = "run small.yaml --executor local", "baseline save results/small", "check small.yaml --executor local"
    assert "no regression" in windows(COMMANDS, *lines, cwd=tmp_path)


@pytest.mark.parametrize(
    "arguments", [["report", RUN], ["check", RUN, "--baseline", RUN.name, "--baselines", RUN.parent]]
)
def test_a_folder_is_reported_and_judged(tmp_path, arguments):
    windows(COMMAND, *arguments, cwd=tmp_path)


def test_doctor_says_what_the_platform_lacks(tmp_path):
    lines = windows(COMMAND, "doctor", cwd=tmp_path).splitlines()
    lacking = [line for line in lines if line.split()[1] == "platform"]
    assert len(lacking) == 3 and all(line.startswith("note") for line in lacking)
    assert any("resources.timeout" in line for line in lacking)

"""Standard output that is closed, full, read by nobody or old; suites that ask for what no machine has."""

import io
import json
import os
import re
import subprocess
import sys

import click
import pytest

from ganbench.cli.console import write_any_text
from ganbench.cli.main import main
from ganbench.core.errors import BROKEN_PIPE, INCOMPLETE, OK, USAGE

COMMANDS = [["list"], ["schema"], ["plan", "smoke"], ["--help"]]
SUITE = "datasets: [ring]\nlosses: [hinge]\nseeds: 1\nsteps: 10\n"


def run(arguments, redirected):
    shell = f'exec "{sys.executable}" -m ganbench {" ".join(arguments)} {redirected}'
    return subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_closed_output_is_one_that_nobody_reads(arguments):
    done = run(arguments, ">&-")
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a terminal of POSIX")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_closed_terminal_is_one_that_nobody_reads(arguments):
    master, slave = os.openpty()
    code = "import sys; from ganbench.cli.main import main; sys.stdin.read(); sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=slave, stderr=subprocess.PIPE, text=True
    )
    os.close(slave)
    os.close(master)
    assert process.communicate()[1] == "" and process.returncode == BROKEN_PIPE


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_output_is_one_line(arguments):
    done = run(arguments, ">/dev/full")
    assert done.returncode == INCOMPLETE
    assert done.stderr.count("\n") == 1 and "no space left on device" in done.stderr


@pytest.mark.parametrize(
    "axis",
    [
        "networks: [{mlp: {depth: 1000000000}}]",
        "networks: [{mlp: {width: 100000000}}]",
        "tricks: [{unrolled: {steps: 100000000000000000}}]",
        "tricks: [{minibatch_discrimination: {kernels: 1000000000}}]",
        "steps: 100000000000000",
    ],
)
def test_what_no_machine_can_do_is_refused_by_the_plan_with_an_estimate(tmp_path, capsys, axis):
    path = tmp_path / "absurd.yaml"
    text = SUITE.replace("steps: 10\n", "") if axis.startswith("steps") else SUITE
    path.write_text(f"{text}{axis}\n")
    assert main(["plan", str(path)]) == USAGE
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and any(
        word in said for word in ("this machine has", "years", "less than or equal")
    ), said


def test_a_deep_override_is_refused(capsys):
    assert main(["plan", "smoke", "--set", "a." * 2000 + "b=1"]) == USAGE
    assert "keys deep" in capsys.readouterr().err


def printed(monkeypatch, encoding, act):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert act() == OK
    return stream.buffer.getvalue()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15"])
@pytest.mark.parametrize("arguments", [["list", "losses"], ["explain", "hinge"], ["list", "--markdown"]], ids=" ".join)
def test_what_an_encoding_lacks_is_escaped(monkeypatch, encoding, arguments):
    whole = printed(monkeypatch, "utf-8", lambda: main(arguments)).decode()
    escaped = printed(monkeypatch, encoding, lambda: main(arguments)).decode(encoding)
    assert re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), escaped) == whole != escaped


def test_bytes_of_a_name_are_written_as_they_are_and_json_stays_json(monkeypatch, tmp_path):
    text = {"name": "→💥ü"}

    def say() -> int:
        write_any_text()
        click.echo(json.dumps(text, ensure_ascii=False))
        return OK

    assert json.loads(printed(monkeypatch, "cp1252", say).decode("cp1252")) == text
    name = os.path.join(os.fsencode(tmp_path), b"\xff.yaml")
    said = printed(monkeypatch, "utf-8", lambda: main(["init", os.fsdecode(name)]))
    assert os.path.exists(name) and name in said

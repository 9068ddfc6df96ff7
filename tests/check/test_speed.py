"""The gate of speed: its tolerance, its exit codes, and that a step that got slower is found."""

from __future__ import annotations

import pytest

from ganbench.check import speed as check_speed
from ganbench.check.speed import Speed, speed_of, tolerance
from ganbench.cli.main import main
from ganbench.core.results_files import json_bytes, read_json
from tests.helpers import ROOT


def test_noise_sets_the_tolerance():
    assert tolerance(Speed(3, 0, 9), Speed(3, 0, 9)) == check_speed.LEAST
    assert tolerance(Speed(3, 0.03, 9), Speed(3, 0.04, 9)) == pytest.approx(0.1618, abs=1e-3)  # e^(3 · 0.05) − 1
    found = speed_of([2.0, 2.0, 2.0, 2.0, 9.0])
    assert found.ratio == 2.0 and found.rounds == 5
    assert speed_of([1.0, 2.0, 3.0, 4.0, 5.0]).noise > speed_of([2.8, 2.9, 3.0, 3.1, 3.2]).noise


def test_exit_codes(tmp_path, monkeypatch, capsys):
    where = ["--baselines", str(tmp_path / "b")]

    def never(compiled):
        raise AssertionError("something was measured")

    monkeypatch.setattr(check_speed, "measure", never)
    assert main(["check", "--speed", *where]) == 3
    assert main(["check", *where]) == main(["check", "x.yaml", "--speed", *where]) == 2
    assert main(["check", "x.yaml", "--save", *where]) == 2
    monkeypatch.setattr(check_speed, "measure", lambda compiled: Speed(2.0 if compiled else 3.0, 0.01, 15))
    assert main(["check", "--speed", "--save", *where]) == 0
    assert main(["check", "--speed", *where]) == 0
    assert main(["check", "--speed", "--compiled", *where]) == 3  # it has a speed of its own
    assert main(["check", "--speed", "--compiled", "--save", *where]) == 0
    assert main(["check", "--speed", "--compiled", *where]) == 0
    for ratio, code, word in ((3.1, 0, "no slower"), (3.3, 1, "slower"), (2.0, 0, "faster")):
        capsys.readouterr()
        monkeypatch.setattr(check_speed, "measure", lambda compiled, ratio=ratio: Speed(ratio, 0.01, 15))
        assert main(["check", "--speed", *where]) == code
        assert capsys.readouterr().out.startswith(f"{word}: a step of 16 seeds")
    whole = read_json(tmp_path / "b" / "speed.json")
    machine, of_compiled = sorted(whole)
    assert of_compiled == f"{machine}-compiled" and whole[machine]["ratio"] == 3.0
    wrong = ("x", None, float("nan"), float("inf"), 0.0, -1.0, [3.0])
    names = ("ratio", "noise", "rounds")
    hostile = [json_bytes({machine: {**whole[machine], name: bad}}) for name in names for bad in wrong]
    hostile += [json_bytes({machine: {**whole[machine], "noise": bad}}) for bad in (1e300, 10**400)]
    flipped = json_bytes(whole).replace(b'"ratio": ', b'"ratio": 1')
    for content in (b"{", b"[]", b'{"a": {"ratio": "x"}}', flipped, *hostile):
        if content == json_bytes({machine: {**whole[machine], "noise": 0.0}}):
            continue  # two rounds may be equal
        (tmp_path / "b" / "speed.json").write_bytes(content)
        capsys.readouterr()
        assert main(["check", "--speed", *where]) == 3, content
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.alone
def test_a_step_that_does_its_work_twice_is_found():
    # Twice the work is a ratio of 2; noise would have to be over 20 % a median for the gate to miss it.
    old = check_speed.measure(rounds=7)
    engine = check_speed._engine(compiled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_speed, "_engine", lambda compiled: lambda: (engine(), engine()))
        now = check_speed.measure(rounds=7)
    assert now.ratio / old.ratio - 1 > tolerance(old, now)


def test_the_committed_speed_can_be_read():

    path = ROOT / "results/baselines/speed.json"
    found = read_json(path)
    assert found and all(one["ratio"] > 0 and 0 <= one["noise"] < 0.1 for one in found.values())

"""One throw of each kind is thrown by `make test`, and up to 500 of each by `make verify`."""

from __future__ import annotations

import os
import random
from collections import defaultdict

import pytest

from tests.faults.__main__ import every_throw
from tests.faults.throws import GOOD, SAME, Throw, found_by
from tests.helpers import warm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each throw is a fork")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The prepared folder, made by another process: what that sets in itself stays there."""
    folder = tmp_path_factory.mktemp("prepared")
    script = "import sys, pathlib; from tests.faults.prepared import prepare; prepare(pathlib.Path(sys.argv[1]))"
    warm.run(script, folder).check_returncode()
    return folder


MOST = 500  # of a kind: some have thousands, which take an hour


def sample(most: int) -> list[Throw]:
    """Return so many throws of each kind, or all, drawn with a fixed seed."""
    kinds: dict[str, list[Throw]] = defaultdict(list)
    for throw in every_throw():
        kinds[throw.kind].append(throw)
    drawn = random.Random("sample")
    return [one for throws in kinds.values() for one in drawn.sample(throws, min(most, len(throws)))]


@pytest.mark.parametrize("throw", [pytest.param(one, id=one.name) for one in sample(1)])
def test_one_of_each_kind(prepared, throw):
    assert found_by(throw, prepared) in GOOD


@pytest.mark.verify
def test_many_of_each_kind(prepared):
    bad = {}
    for throw in sample(MOST):
        if (found := found_by(throw, prepared)) not in GOOD:
            bad[throw.name] = found
    assert bad == {}


def test_a_throw_that_hangs_raises_or_dies_is_no_good_one(prepared, monkeypatch):
    monkeypatch.setattr("tests.faults.throws.SECONDS", 0.5)

    def hang() -> str:
        os.read(os.pipe()[0], 1)
        return SAME

    def die() -> str:
        os._exit(3)

    for act, word in ((hang, "hangs"), (die, "lost"), (lambda: 1 // 0, "traceback")):
        found = found_by(Throw("", "", "", act), prepared)  # type: ignore[arg-type]
        assert found.startswith(word) and found not in GOOD

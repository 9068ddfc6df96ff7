"""What a process that trains has to import, which is most of what a short trial costs."""

from __future__ import annotations

import pytest

from tests.helpers import warm

CODE = """
import sys
from pathlib import Path
from ganbench.core import registry
from ganbench.suite.plan import incompatibility
from ganbench.training.trainer import Trainer
from tests.helpers.trials import small_trial

def train(trial):
    Trainer(trial).advance(0.0)
    trainer = Trainer(trial)
    while trainer.step < 5:
        trainer.advance(0.0)
    trainer.save(Path(sys.argv[2]))
    trainer = Trainer(trial, checkpoint=Path(sys.argv[2]))
    trainer.advance(0.0)

if sys.argv[1] == "optimizer":
    trained = [train(small_trial(optimizer=(name, {}))) for name in registry.components("optimizer")]
else:
    trained = []
    for name in registry.components("trick"):
        update = "simultaneous" if "rule" in registry.build("trick", name).hooks else "alternating"
        trial = small_trial((name, {}), update=update)
        if incompatibility(trial) is None:
            trained.append(train(trial))
assert len(trained) >= int(sys.argv[3]), trained
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize(("what", "least"), [("optimizer", 3), ("trick", 30)])
def test_training_by_eager_steps_imports_no_compiler(tmp_path, what, least):
    """It takes a second, and torch imports it when its own optimisers and operators are first used."""
    done = warm.run(CODE, what, tmp_path / "c.pt", least)
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)

"""Callbacks that stop a run at a verdict: only at the named ones, only when they last."""

from dataclasses import dataclass

import pytest
import torch

import ganbench
from ganbench.analysis.verdicts import Verdict
from ganbench.assets.fidelity import import_torchvision
from ganbench.core.errors import UsageError
from ganbench.stopping import StopOnVerdict, lightning_callback


@dataclass
class Watched:
    """What stands for a monitor."""

    verdict: Verdict | None = None


def verdict(name):
    return Verdict(name, "seen", "rest") if name else None


def stopped_at(course, **options):
    """Return the step, from 1, at which a course of verdicts is stopped; None if it is not."""
    monitor = Watched()
    stop = StopOnVerdict(monitor, **options)
    for step, name in enumerate(course, 1):
        monitor.verdict = verdict(name)
        if stop():
            assert stop.reason.startswith(f"{name}: ") and stop.reason.endswith("remedy: rest")
            return step
    return None


def test_it_stops_once_a_verdict_has_lasted():
    assert stopped_at([None, "total collapse", "total collapse", "total collapse"], patience=3) == 4
    assert stopped_at(["diverged"], patience=1) == 1


def test_passing_alarms_and_others_end_nothing():
    assert stopped_at(["total collapse", None] * 50, patience=2) is None
    assert stopped_at(["oscillation"] * 50, patience=2) is None
    assert stopped_at(["oscillation"] * 50, patience=2, verdicts=["oscillation"]) == 2


@pytest.mark.parametrize("options", [{"verdicts": ["colapse"]}, {"verdicts": ["healthy"]}, {"patience": 0}])
def test_what_cannot_be_waited_for_is_refused(options):
    with pytest.raises(UsageError):
        StopOnVerdict(Watched(), **options)


def test_what_shows_no_verdict_is_refused():
    class Raises:
        def __getattr__(self, name):
            raise RuntimeError(name)

    for monitor in (object(), Raises()):
        with pytest.raises(UsageError, match="give a ganbench.Monitor"):
            StopOnVerdict(monitor)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="is no torch.nn.Module"):
            ganbench.Monitor(monitor, monitor)  # type: ignore[arg-type]


def test_lightning_stops_at_a_collapse(tmp_path):
    import_torchvision()  # which lightning imports
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        """Trains nothing to speak of; its monitor says that it has collapsed from step 5 on."""

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.monitor = Watched()
            self.steps = 0

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

        def training_step(self, batch, _):
            self.steps += 1
            if self.steps >= 5:
                self.monitor.verdict = verdict("total collapse")
            return self.layer(batch).sum()

    def fit(module, **options):
        trainer = lightning.Trainer(
            default_root_dir=tmp_path,
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[lightning_callback(**options)],
        )
        trainer.fit(module, torch.utils.data.DataLoader(torch.zeros(50, 1)))  # pyright: ignore[reportArgumentType] - a tensor is one
        return module.steps

    assert fit(Module(), patience=3) == 7
    assert fit(Module(), patience=100) == 50
    with pytest.raises(UsageError, match="Module has no attribute 'watcher'"):
        fit(Module(), monitor="watcher")

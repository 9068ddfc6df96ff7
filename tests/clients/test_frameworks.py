"""The monitor in loops of Lightning, Fabric, accelerate and FSDP2: three lines at most, and the same bits.

accelerate is no dependency of the tests: its loop runs where it is installed.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.optim import Adam

import ganbench
from ganbench.assets.fidelity import import_torchvision
from ganbench.tables.results import load
from tests.clients.small_networks import BATCH, LATENT, images, small_d, small_g
from tests.clients.test_loops import STEPS, Silent, bits, run
from tests.helpers import warm


def alternate(monitor, networks, optimizers, backward, real):
    """One step of the loop that all of them have."""
    (g, d), (opt_g, opt_d) = networks, optimizers
    fake = g(torch.randn(BATCH, LATENT))
    real_logits, fake_logits = d(real), d(fake.detach())
    d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    opt_d.zero_grad()
    backward(d_loss)
    opt_d.step()
    opt_g.zero_grad()
    backward(F.softplus(-d(fake)).mean())
    opt_g.step()
    monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)


def minibatch() -> torch.Tensor:
    return images().flatten(1)[:, :16]


def fabric(make, steps):
    """Networks and optimisers are wrapped, and backward is Fabric's."""
    fabric = pytest.importorskip("lightning.fabric").Fabric(accelerator="cpu", devices=1)
    g, d = small_g(), small_d()
    g, opt_g = fabric.setup(g, Adam(g.parameters(), 2e-4))
    d, opt_d = fabric.setup(d, Adam(d.parameters(), 2e-4))
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        alternate(monitor, (g, d), (opt_g, opt_d), fabric.backward, minibatch())
    return [g, d]


def accelerated(make, steps):
    """What `prepare` returns is watched."""
    accelerator = pytest.importorskip("accelerate").Accelerator(cpu=True)
    g, d = small_g(), small_d()
    g, d, opt_g, opt_d = accelerator.prepare(g, d, Adam(g.parameters(), 2e-4), Adam(d.parameters(), 2e-4))
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        alternate(monitor, (g, d), (opt_g, opt_d), accelerator.backward, minibatch())
    return [g, d]


def lightning_module(make, steps):
    """A module with manual optimisation; the trainer owns the loop."""
    lightning = pytest.importorskip("lightning")

    class GAN(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.g, self.d = small_g(), small_d()

        def configure_optimizers(self):
            return [Adam(self.g.parameters(), 2e-4), Adam(self.d.parameters(), 2e-4)]

        def on_fit_start(self):
            self.monitor = make(self.g, self.d, loss="ns")

        def training_step(self, real, _):
            alternate(self.monitor, (self.g, self.d), self.optimizers(), self.manual_backward, real)

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **quiet)
    module = GAN()
    real = images(BATCH * steps).flatten(1)[:, :16]
    trainer.fit(module, torch.utils.data.DataLoader(real, batch_size=BATCH))  # pyright: ignore[reportArgumentType] - a tensor is one
    return [module.g, module.d]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("loop", "package"),
    [(fabric, "lightning.fabric"), (accelerated, "accelerate"), (lightning_module, "lightning")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_three_lines_change_no_bit_and_no_gradient_is_missed(loop, package, tmp_path):
    import_torchvision()  # Lightning imports it
    pytest.importorskip(package)  # here, as an import may draw random numbers
    lines = [line for line in inspect.getsource(loop).splitlines() if "monitor" in line and '"""' not in line]
    assert 2 <= len(lines) <= 3
    alone = bits(run(loop, None)[0])
    networks, monitor, noted = run(loop, tmp_path)
    assert len(alone) == len(bits(networks)) and all(map(torch.equal, alone, bits(networks)))
    assert monitor is not None and monitor.steps == len(noted.steps) == STEPS
    history = load(monitor.folder).history.set_index("step")
    for step, norms in enumerate(noted.steps, 1):
        for player, by_hand in norms.items():
            assert history[f"grad_norm_{player}"].to_dict()[step] == pytest.approx(by_hand[-1], rel=1e-4)
    assert monitor.findings == ()


def shard(rank: int, folder: Path, watched: bool) -> None:
    """Train three steps with weights that are spread over two processes, and keep the whole ones."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import DTensor

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.manual_seed(0)
    g, d = small_g(), small_d()
    for network in (g, d):
        fully_shard(network, mesh=init_device_mesh("cpu", (2,)))
    opt_g, opt_d = Adam(g.parameters(), 2e-3), Adam(d.parameters(), 2e-3)
    monitor = ganbench.Monitor(g, d, folder / "run", loss="ns") if watched else Silent()
    for _ in range(3):
        alternate(monitor, (g, d), (opt_g, opt_d), torch.Tensor.backward, minibatch())
    whole = [p.full_tensor() if isinstance(p, DTensor) else p for n in (g, d) for p in n.parameters()]
    torch.save([p.detach() for p in whole], folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def sharded(folder: Path) -> list[str]:
    """Train in two processes, alone and then watched, and return what each of them said."""
    code = f"import sys\nfrom pathlib import Path\nfrom {__name__} import shard\n"
    code += "for name in ('alone', 'watched'):\n    shard(int(sys.argv[1]), Path(sys.argv[2], name), name == 'watched')"
    children = [warm.Child(code, rank, folder) for rank in range(2)]
    done = [child.wait(240) for child in children]
    assert [one.returncode for one in done] == [0, 0], done
    return [one.stderr for one in done]


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is built without distributed training")
def test_weights_that_are_spread_over_processes_train_alike_and_it_is_said(tmp_path):
    for name in ("alone", "watched"):
        (tmp_path / name).mkdir()
    said = sharded(tmp_path)[0]
    alone, watched = (torch.load(tmp_path / name / "0.pt") for name in ("alone", "watched"))
    assert len(alone) == len(watched) > 0 and all(map(torch.equal, alone, watched))
    assert "spread over processes (FSDP2)" in said and "nothing is watched" in said
    assert not (tmp_path / "watched" / "run").exists()

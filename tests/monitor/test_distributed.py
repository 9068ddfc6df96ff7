"""Two processes train together: one of them writes, and what it writes is the averaged gradient."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import ganbench
from tests.helpers import warm


def train(rank: int, folder: Path) -> None:
    """Train three steps on data of this process's own."""
    from torch.nn.parallel import DistributedDataParallel

    from tests.helpers.small_gan import Loop

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    loop = Loop(clip=0.01)
    torch.manual_seed(rank)
    # Two forward passes before a backward one would meet changed buffers.
    loop.call_g = g = DistributedDataParallel(loop.generator, broadcast_buffers=False)
    loop.call_d = d = DistributedDataParallel(loop.discriminator, broadcast_buffers=False)
    monitor = ganbench.Monitor(g, d, folder / "run", log_every=1, evaluate_every=2, samples=8, latents=torch.ones(8, 4))
    loop.monitor = monitor
    loop.run(3)
    monitor.close()
    (folder / f"{rank}.json").write_text(json.dumps(loop.truth))
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is built without distributed training")
def test_rank_0_writes_averaged_gradients(tmp_path):
    code = f"import sys\nfrom pathlib import Path\nfrom {__name__} import train\n"
    code += "train(int(sys.argv[1]), Path(sys.argv[2]))"
    children = [warm.Child(code, rank, tmp_path) for rank in range(2)]
    assert [child.wait(120).returncode for child in children] == [0, 0]
    truth, other = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    history = ganbench.load(tmp_path / "run").tables.history
    assert len(history) == 3 and not (tmp_path / "run-2").exists()
    for name in ("grad_norm_g", "grad_norm_d", "update_ratio_g", "update_ratio_d"):
        assert history[name].tolist() == pytest.approx([row[name] for row in truth], rel=1e-5)
        assert [row[name] for row in other] == pytest.approx([row[name] for row in truth], rel=1e-5)

"""The same monitor in torchgan's Trainer: `pip install torchgan==0.1.0; python examples/torchgan_trainer.py`.

torchgan's trainer keeps its step to itself, so a loss keeps the logits that it is given, and the monitor is called
where the trainer lets others in, as a visualiser.
"""

import argparse
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
from torchgan.losses import MinimaxDiscriminatorLoss, MinimaxGeneratorLoss
from torchgan.models import DCGANDiscriminator, DCGANGenerator
from torchgan.trainer import Trainer

import ganbench

LATENT, SIDE = 32, 32  # its DCGAN makes images of 16 pixels and more


class OpenLoss(MinimaxDiscriminatorLoss):
    """The usual loss, which keeps the logits."""

    def forward(self, dx, dgz):
        """Return the loss of the logits on real and generated samples."""
        self.real_logits, self.fake_logits = dx, dgz
        return super().forward(dx, dgz)


class Watch:
    """What torchgan calls a visualiser: called behind every iteration, and once more behind every epoch."""

    def __init__(self, monitor, trainer, writer=None):
        self.monitor, self.trainer = monitor, trainer

    def __call__(self, lock_console=False):
        """Hand an iteration to the monitor."""
        if lock_console:  # so behind an iteration
            loss = self.trainer.losses["OpenLoss"]
            self.monitor.step(real=self.trainer.real_inputs, real_logits=loss.real_logits, fake_logits=loss.fake_logits)


def train(folder="my_run", epochs=5, batch=64, images=1797, **options):
    """Train and return the monitor."""
    torch.manual_seed(0)
    small = torch.from_numpy(load_digits().images[:images]).float().unsqueeze(1) / 8 - 1
    real = torch.nn.functional.interpolate(small, size=SIDE, mode="bilinear")
    loader = DataLoader(TensorDataset(real, torch.zeros(len(real))), batch, shuffle=True, drop_last=True)
    adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
    shape = {"step_channels": 16}
    scratch = Path(tempfile.mkdtemp())
    trainer = Trainer(
        {
            "generator": {
                "name": DCGANGenerator,
                "args": {"encoding_dims": LATENT, "out_size": SIDE, "out_channels": 1, **shape},
                "optimizer": adam,
            },
            "discriminator": {
                "name": DCGANDiscriminator,
                "args": {"in_size": SIDE, "in_channels": 1, **shape},
                "optimizer": adam,
            },
        },
        [MinimaxGeneratorLoss(), OpenLoss()],
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        sample_size=16,
        epochs=epochs,
        checkpoints=str(scratch / "models" / "gan"),
        recon=str(scratch / "images"),
        log_dir=str(scratch / "logs"),
    )
    latents = torch.randn(200, LATENT, device=trainer.device)
    monitor = ganbench.Monitor(
        trainer.generator,
        trainer.discriminator,
        folder,
        loss="non_saturating",
        data=real[:400],
        latents=latents,
        **options,
    )
    trainer.logger.register(Watch, monitor, trainer)
    # Its own pictures ask torchvision for an argument that is gone since 0.15.
    trainer.logger.logger_end_epoch.clear()
    trainer(loader)
    monitor.close()
    return monitor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="my_run")
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"now: ganbench report {train(arguments.folder, arguments.epochs).folder}")

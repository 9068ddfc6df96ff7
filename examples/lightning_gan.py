"""The same monitor in a LightningModule: `pip install 'ganbench[lightning]'; python examples/lightning_gan.py`."""

import argparse

import lightning
import torch
import torch.nn.functional as F
from dcgan_digits import LATENT, networks
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import ganbench


class GAN(lightning.LightningModule):
    """Two players need manual optimisation; the monitor lives from the fit's beginning to its end."""

    def __init__(self, folder="my_run", **options):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = networks()
        self.folder, self.options = folder, options

    def configure_optimizers(self):
        """Return an optimiser a player."""
        adam = {"lr": 1e-3, "betas": (0.5, 0.999)}
        return [
            torch.optim.Adam(self.generator.parameters(), **adam),
            torch.optim.Adam(self.discriminator.parameters(), **adam),
        ]

    def on_fit_start(self):
        """Begin to watch; by now the networks are on their device."""
        latents = torch.randn(500, LATENT, device=self.device)
        self.monitor = ganbench.Monitor(
            self.generator,
            self.discriminator,
            self.folder,
            loss="non_saturating",
            data="digits",
            latents=latents,
            **self.options,
        )

    def on_fit_end(self):
        """Write what is left."""
        self.monitor.close()

    def training_step(self, batch, _):
        """Update both players."""
        opt_g, opt_d = self.optimizers()
        (real,) = batch
        fake = self.generator(torch.randn(len(real), LATENT, device=self.device))

        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake.detach())
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        opt_d.zero_grad()
        self.manual_backward(d_loss)
        self.clip_gradients(opt_d, gradient_clip_val=1.0)
        opt_d.step()

        self.toggle_optimizer(opt_g)
        g_loss = F.softplus(-self.discriminator(fake)).mean()
        opt_g.zero_grad()
        self.manual_backward(g_loss)
        opt_g.step()
        self.untoggle_optimizer(opt_g)

        self.monitor.step(
            real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss, g_loss=g_loss
        )


def train(folder="my_run", steps=2000, batch=64, **options):
    """Train and return the monitor."""
    lightning.seed_everything(0, verbose=False)
    images = torch.from_numpy(load_digits().images).float().unsqueeze(1) / 8 - 1
    loader = DataLoader(TensorDataset(images), batch, shuffle=True, drop_last=True)
    module = GAN(folder, **{"evaluate_every": max(1, steps // 60), **options})  # verdicts are steady from 60 looks on
    trainer = lightning.Trainer(
        max_steps=2 * steps,  # Lightning counts the steps of both optimisers
        max_epochs=-1,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader)
    return module.monitor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="my_run")
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    print(f"now: ganbench report {train(arguments.folder, arguments.steps).folder}")

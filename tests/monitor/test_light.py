"""A monitor, its tables and who reads them need neither Ray nor what only images, reports and the command line use."""

from __future__ import annotations

from tests.helpers import warm

HIDDEN = ("ray", "torch_fidelity", "sklearn", "matplotlib", "playwright", "click", "jinja2")
SCRIPT = f"""
import sys


class Without:
    # Finds every module but the hidden ones, which then seem not to be installed.

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in {HIDDEN} else self.finder.find_spec(name, path, target)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
for name in {HIDDEN}:
    try:
        __import__(name)
    except ImportError:
        continue
    raise AssertionError(name + " is not hidden")

import torch
from tests.helpers.small_gan import LATENT, Loop

import ganbench

torch.set_num_threads(1)
folder, options = sys.argv[1], {{"log_every": 10, "evaluate_every": 20, "samples": 50}}
loop = Loop(lambda g, d: ganbench.Monitor(g, d, folder + "/first", **options)).run(300)
loop.monitor.close()
options |= {{"data": "ring", "loss": "hinge", "latents": torch.ones(50, LATENT)}}
loop = Loop(lambda g, d: ganbench.Monitor(g, d, folder + "/ring", **options)).run(300)
loop.monitor.close()

generator = torch.nn.Sequential(torch.nn.Linear(LATENT, 64), torch.nn.Tanh(), torch.nn.Unflatten(1, (1, 8, 8)))
discriminator = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))
optimizer = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
with ganbench.Monitor(generator, discriminator, folder + "/images", evaluate_every=20, samples=50) as monitor:
    for _ in range(200):
        fake = generator(torch.randn(10, LATENT))
        discriminator(fake).mean().backward()
        optimizer.step()
        monitor.step(real=torch.rand(10, 1, 8, 8), fake=fake)

for name, steps, extractor in (("first", 300, "coordinates"), ("ring", 300, "coordinates"), ("images", 200, "pixels")):
    results = ganbench.load(f"{{folder}}/{{name}}")
    run = results.runs.iloc[0]
    assert (run["status"], run["steps"], run["extractor"]) == ("OK", steps, extractor), run
    assert results.tables.history["total_spread"].notna().sum() >= steps // 20 - 1
    assert len(results.layers) and len(results.samples) == 1
print(*sorted(set({HIDDEN}) & sys.modules.keys()), "end")
"""


def test_a_monitor_runs_without_the_packages_of_sweeps(tmp_path):
    done = warm.run(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "end\n"

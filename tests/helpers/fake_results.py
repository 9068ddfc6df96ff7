"""Results as the trainer leaves them, made up: healthy, collapsing, diverging and failing trials on four data sets."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ganbench.core.column import Column
from ganbench.tables import schema
from ganbench.tables.manifest import RunManifest
from ganbench.tables.results import Results
from tests.helpers.sealed import reseal

METRICS = (
    Column(
        "modes_captured",
        "modes with at least `share` of a fair share of samples",
        "modes",
        "higher",
        title="Modes captured",
        curve=True,
        leading=1,
    ),
    Column("modes_hit", "modes with at least one sample of high quality", "modes", "higher"),
    Column("hq_fraction", "share of samples of high quality", "1", "higher", title="High quality", leading=2),
    Column("mode_kl", "KL divergence of the histogram over nearest modes", "nat", "lower", title="Mode KL"),
    Column("spread_ratio", "spread of high-quality samples over that of real ones"),
    Column("fid", "Fréchet distance between features", "1", "lower", title="FID", scale="log", curve=True, leading=3),
)
DIAGNOSTICS = (
    Column("d_loss", "discriminator's loss"),
    Column("g_loss", "generator's loss"),
    Column(
        "grad_norm_g",
        "L2 norm of the generator's gradient, before clipping",
        title="Gradient, generator",
        scale="log",
        curve=True,
    ),
    Column(
        "grad_norm_d",
        "L2 norm of the discriminator's gradient, before clipping",
        title="Gradient, discriminator",
        scale="log",
        curve=True,
    ),
    Column("real_logit_mean", "mean of D(x) over the minibatch", title="Logits", scale="log", curve=True),
    Column("real_logit_std", "standard deviation of D(x)"),
    Column("fake_logit_mean", "mean of D(G(z)) over the minibatch", title="Logits", scale="log", curve=True),
    Column("fake_logit_std", "standard deviation of D(G(z))"),
    Column("d_accuracy_real", "share of real samples with D(x) > 0"),
    Column("d_accuracy_fake", "share of generated samples with D(G(z)) < 0"),
)
LAYER = Column("grad_norm", "L2 norm of the layer's gradient, before clipping")
LOSSES = ("non_saturating", "hinge", "wasserstein", "least_squares", "minimax", "relativistic_paired")
TRICKS = ("none", "r1", "spectral_norm", "one_sided_label_smoothing", "weight_clipping", "r1(gamma=0.1)+spectral_norm")
MODES = {"ring": 8, "grid(scaled=True)": 25, "digits": 10, "gaussian_1d": 3}


def fake_results(
    trials: int = 12,
    seeds: int = 8,
    datasets: tuple[str, ...] = ("ring",),
    labels: dict[str, str] | None = None,
    steps: int = 4000,
    suite: str = "made_up",
) -> Results:
    """Return made-up results; the last trial of each data set failed, the one before it diverged in most seeds."""
    runs, history, layers, samples = [], [], [], {}
    for dataset in datasets:
        for i in range(trials // len(datasets)):
            rng = np.random.default_rng(1000 * i + len(dataset))
            last = trials // len(datasets) - 1 - i
            kind = "failed" if last == 0 and i else "diverged" if last == 1 and i > 1 else "ok"
            names = {
                "dataset": dataset,
                "network": "mlp",
                "loss": LOSSES[i % len(LOSSES)],
                "tricks": TRICKS[i // len(LOSSES) % len(TRICKS)],
                "schedule": "default",
                "optimizer": "adam" if i < len(LOSSES) * len(TRICKS) else f"adam(lr={i}e-05)",
                **(labels or {}),
            }
            trial = hashlib.sha256(f"{names}{i}".encode()).hexdigest()[:12]
            frames = _trial(rng, trial, names, seeds, steps, kind, MODES.get(dataset, 8))
            runs.append(frames[0])
            if kind != "failed":
                history.append(frames[1])
                layers.append(frames[2])
                samples[trial] = _pictures(rng, dataset, seeds, steps, frames[0])
    columns = {c.name: c for table in schema.FIXED.values() for c in table}
    columns |= {c.name: c for c in (*METRICS, *DIAGNOSTICS, LAYER)}
    columns |= {
        f"{c.name}_floor": Column(f"{c.name}_floor", f"{c.name} of as many real samples", c.unit, c.direction)
        for c in METRICS
    }
    return Results(
        path=Path("results") / suite / "0a1b2c3d4e",
        runs=_typed("runs", pd.concat(runs, ignore_index=True)),
        history=_typed("history", pd.concat(history, ignore_index=True)),
        layers=_typed("layers", pd.concat(layers, ignore_index=True)),
        samples=samples,  # type: ignore[arg-type]
        columns=columns,
        suite=f"name: {suite}\ndatasets: [{', '.join(datasets)}]\n",
        manifest=RunManifest.model_validate(_manifest(suite, runs)),
    )


def save(results: Results, folder: Path) -> Path:
    """Write results as a run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in schema.TABLES:
        pq.write_table(schema.to_arrow(name, getattr(results, name), results.columns), folder / f"{name}.parquet")
    arrays: dict[str, Any] = {
        f"{trial}/{name}": array for trial, kept in results.samples.items() for name, array in kept.items()
    }
    np.savez_compressed(folder / "samples.npz", **arrays)
    (folder / "suite.yaml").write_text(results.suite, encoding="utf-8")
    reseal(folder, **results.manifest.model_dump(exclude_unset=True))
    return folder


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    fixed = {c.name: c.dtype for c in schema.FIXED[name]}
    types = {"float64": "float64", "int64": "Int64", "string": "string", "bool": "boolean"}
    leading = [c.name for c in schema.LEADING[name] if c.name in frame]  # in the order of the files
    frame = frame.filter([*leading, *(c for c in frame.columns if c not in leading)])
    return frame.astype({c: types[fixed.get(c, "float64")] for c in frame.columns})


def _trial(
    rng: np.random.Generator, trial: str, names: dict[str, str], seeds: int, steps: int, kind: str, modes: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    skill = rng.uniform(0.3, 1.1)
    rows, logs, layer_rows = [], [], []
    logged = np.unique([1, *range(50, steps + 1, 50), steps])
    for seed in range(seeds):
        run = f"{trial}-{seed}"
        diverged = kind == "diverged" and seed % 4 != 3
        end = int(steps * rng.uniform(0.2, 0.7)) if diverged else steps
        status = "FAILED" if kind == "failed" else "DIVERGED" if diverged else "OK"
        row = {
            "run": run, "trial": trial, **names, "seed": seed, "status": status,
            "diverged_at": end + 1 if diverged else None,
            "error": "ValueError: the batch is not divisible by 3" if kind == "failed" else None, "steps": steps,
        }  # fmt: skip
        level = np.clip(skill + rng.normal(0, 0.08), 0, 1)
        t = logged[logged <= end] / steps
        log = _history(rng, t, level, modes, diverged)
        evaluated = (logged[logged <= end] % 200 == 0) | (logged[logged <= end] == steps)
        for column in METRICS:
            log[column.name] = np.where(evaluated, log[column.name], np.nan)
        if kind != "failed":
            for column in METRICS:
                row[column.name] = np.nan if diverged else log[column.name][-1]
            row |= _floors(modes) | {
                "extractor": "coordinates", "n_real": 2000, "n_fake": 2000,
                "ms_per_step": rng.uniform(0.2, 0.9), "seconds": rng.uniform(2, 9),
                "known_modes": float(modes), "fewest_modes": float(modes),
            }  # fmt: skip
            logs.append(pd.DataFrame({"run": run, "trial": trial, "seed": seed, "step": logged[logged <= end], **log}))
            layer_rows += _layers({"run": run, "trial": trial, "seed": seed, "step": logged[logged <= end]}, log)
        rows.append(row)
    empty = pd.DataFrame()
    return (
        pd.DataFrame(rows),
        pd.concat(logs, ignore_index=True) if logs else empty,
        pd.concat(layer_rows, ignore_index=True) if layer_rows else empty,
    )


def _layers(identity: dict, log: dict) -> list[pd.DataFrame]:
    """Return the rows of three layers of each network, whose gradients are shares of the network's."""
    return [
        pd.DataFrame(
            {
                **identity,
                "network": network,
                "layer": f"linear{layer}",
                "grad_norm": log[f"grad_norm_{network.lower()}"] * (0.3 + 0.2 * layer),
            }
        )
        for network in "GD"
        for layer in range(3)
    ]


def _history(rng: np.random.Generator, t: np.ndarray, level: float, modes: int, diverged: bool) -> dict:
    n = len(t)
    noise = lambda s: rng.normal(0, s, n)  # noqa: E731
    rise = level * (1 - np.exp(-6 * t))
    grow = np.exp(9 * (t / t[-1]) ** 4) if diverged else 1.0
    captured = np.clip(np.round(modes * rise + noise(0.4)), 0, modes)
    return {
        "d_loss": 1.38 - 0.5 * rise + noise(0.05),
        "g_loss": 0.7 + rise + noise(0.1),
        "grad_norm_g": np.exp(np.log(0.6) + noise(0.35) - 2 * (1 - level)) * grow,
        "grad_norm_d": np.exp(np.log(0.4) + noise(0.35)) * grow,
        "real_logit_mean": (0.6 + noise(0.2)) * grow,
        "real_logit_std": 0.4 + 0.0 * t,
        "fake_logit_mean": (-0.7 + 0.4 * rise + noise(0.2)) * grow,
        "fake_logit_std": 0.4 + 0.0 * t,
        "d_accuracy_real": np.clip(0.8 - 0.2 * rise + noise(0.03), 0, 1),
        "d_accuracy_fake": np.clip(0.8 - 0.2 * rise + noise(0.03), 0, 1),
        "modes_captured": captured,
        "modes_hit": np.clip(captured + 1, 0, modes),
        "hq_fraction": np.clip(0.95 * rise + noise(0.02), 0, 1),
        "mode_kl": np.maximum(0.003, np.log(modes) * (1 - rise)),
        "spread_ratio": 1 + noise(0.1),
        "fid": 0.002 + (1 - rise) ** 2 * np.exp(noise(0.2)),
    }


def _floors(modes: int) -> dict[str, float]:
    return {
        "modes_captured_floor": float(modes), "modes_hit_floor": float(modes), "hq_fraction_floor": 0.989,
        "mode_kl_floor": 0.0018, "spread_ratio_floor": 1.01, "fid_floor": 0.0011,
    }  # fmt: skip


def _pictures(
    rng: np.random.Generator, dataset: str, seeds: int, steps: int, runs: pd.DataFrame
) -> dict[str, np.ndarray]:
    taken = np.linspace(steps // 8, steps, 6).astype(int)
    n = 16 if dataset == "digits" else 500
    if dataset == "digits":
        real = _digits(rng, n)
        fake = np.stack([np.stack([_blur(_digits(rng, n), 5 - k, rng) for _ in range(seeds)]) for k in range(6)])
        return {"steps": taken, "samples": fake, "real": real}
    modes = MODES.get(dataset, 8)
    real, fake = _points(rng, dataset, modes, modes, n, 0.03), []
    for k in range(6):
        held = [modes if np.isnan(m) else int(m) for m in runs["modes_captured"]]
        fake.append([_points(rng, dataset, modes, max(1, round(m * (k + 1) / 6)), n, 0.3 / (k + 1)) for m in held])
    samples = np.array(fake)
    for i, status in enumerate(runs["status"]):
        if status == "DIVERGED":
            samples[3:, i] = np.nan
    return {"steps": taken, "samples": samples.astype(np.float16), "real": real.astype(np.float16)}


def _points(rng: np.random.Generator, dataset: str, modes: int, held: int, n: int, sigma: float) -> np.ndarray:
    which = rng.integers(0, held, n)
    if dataset == "gaussian_1d":
        return (which - 1.0)[:, None] * 2 + rng.normal(0, sigma * 3, (n, 1))
    if dataset.startswith("grid"):
        centres = np.stack((which % 5 - 2.0, which // 5 - 2.0), axis=1) * 0.7
    else:
        angle = which * 2 * np.pi / modes
        centres = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    return centres + rng.normal(0, sigma, (n, 2))


def _digits(rng: np.random.Generator, n: int) -> np.ndarray:
    images = _scans()[rng.integers(0, 1700, n)] / 16 * 255
    return images.astype(np.uint8)[:, None]


@functools.cache
def _scans() -> np.ndarray:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)[0].reshape(-1, 8, 8)


def _blur(images: np.ndarray, much: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(images + rng.normal(0, 1 + 25 * much, images.shape), 0, 255).astype(np.uint8)


def _manifest(suite: str, runs: list[pd.DataFrame]) -> dict:
    failed = [{"trial": f["trial"][0], "status": "FAILED", "error": f["error"][0]} for f in runs if bool(f["error"][0])]
    return {
        "format": 1, "suite": suite, "suite_hash": "ab" * 32, "run": "0a1b2c3d4e",
        "environment": {
            "ganbench": "0.1.0", "python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.0", "pandas": "3.0.1",
            "scikit-learn": "1.9.0", "torch-fidelity": "0.4.0", "ray": "2.60.0",
            "git": {"commit": "9c7bf02aa11bb22cc33dd44ee55ff66aa77bb88c", "dirty": True},
            "system": "Linux x86_64", "cpu": "A Processor @ 2.4 GHz", "cores": 2, "gpu": [], "threads": 1,
        },
        "components": {"loss:hinge": 1, "trick:r1": 1, "extractor:coordinates": 1},
        "seeds": sorted({int(s) for f in runs for s in f["seed"]}),
        "counts": {
            "trials": len(runs), "runs": sum(map(len, runs)), "failed": len(failed), "skipped": 2, "excluded": 0
        },
        "skipped": [
            {"name": "ring · mlp · wasserstein · one_sided_label_smoothing · adam",
             "reason": "wasserstein has no targets to smooth"},
            {"name": "ring · mlp · hinge · one_sided_label_smoothing · adam",
             "reason": "hinge has no targets to smooth"},
        ],
        "failed": failed, "retries": {},
        "times": {"started": "2030-01-01T10:00:00+00:00", "finished": "2030-01-01T10:07:12+00:00", "seconds": 432.1},
    }  # fmt: skip

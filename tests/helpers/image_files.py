"""Writes small data sets in the formats of the real ones, as their authors publish them."""

from __future__ import annotations

import gzip
import hashlib
import pickle

import numpy as np
from PIL import Image

from tests.helpers.mnist_digits import idx

GREY, COLOUR = (6, 28, 28), (10, 32, 32, 3)


def random_bytes(shape, seed):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_mnist(folder, class_name, compressed=False):
    """Return the (train, test) images that were written; `compressed` as they are downloaded."""
    raw = folder if compressed else folder / class_name / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    written = []
    for seed, prefix in enumerate(("train", "t10k")):
        images = random_bytes((6 - seed, *GREY[1:]), seed)
        written.append(images)
        for name, array in (
            (f"{prefix}-images-idx3-ubyte", images),
            (f"{prefix}-labels-idx1-ubyte", images[:, 0, 0] % 10),
        ):
            if compressed:
                (raw / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (raw / name).write_bytes(idx(array))
    return written


def write_cifar10(folder, monkeypatch, cls):
    """Return the (train, test) images; `cls` then expects the MD5s of these files and not those of the real ones."""
    base = folder / "cifar-10-batches-py"
    base.mkdir(parents=True)
    lists, written = [], []
    for seed, names in enumerate(([f"data_batch_{i}" for i in range(1, 6)], ["test_batch"])):
        images = random_bytes((10, 3, 32, 32), seed)
        written.append(images)
        entries = []
        for name, part in zip(names, np.array_split(images, len(names)), strict=True):
            entry = {"data": part.reshape(len(part), -1), "labels": [0] * len(part)}
            (base / name).write_bytes(pickle.dumps(entry))
            entries.append([name, md5(base / name)])
        lists.append(entries)
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": ["thing"]}))
    monkeypatch.setattr(cls, "train_list", lists[0])
    monkeypatch.setattr(cls, "test_list", lists[1])
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": md5(base / "batches.meta")})
    return written


def write_stl10(folder, monkeypatch, cls):
    """Return the (train, test) images `[N, 3, 96, 96]`; the files have each channel column by column."""
    base = folder / "stl10_binary"
    base.mkdir(parents=True)
    written = []
    for seed, (prefix, list_name) in enumerate((("train", "train_list"), ("test", "test_list"))):
        images = random_bytes((4 + seed, 3, 96, 96), seed)
        written.append(images)
        (base / f"{prefix}_X.bin").write_bytes(images.transpose(0, 1, 3, 2).tobytes())
        (base / f"{prefix}_y.bin").write_bytes(bytes([1] * len(images)))
        names = [f"{prefix}_X.bin", f"{prefix}_y.bin"]
        monkeypatch.setattr(cls, list_name, [[name, md5(base / name)] for name in names])
    return written


def write_celeba(folder, monkeypatch, cls, count):
    """Return the colour of each face; every third is of the test split. Faces are of one colour, 178×218."""
    base = folder / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(count)]
    colours = random_bytes((count, 3), 7)
    for name, colour in zip(names, colours, strict=True):
        Image.new("RGB", (178, 218), tuple(map(int, colour))).save(base / "img_align_celeba" / name, quality=95)
    texts = {
        "list_eval_partition.txt": [f"{name} {2 if i % 3 == 2 else 0}" for i, name in enumerate(names)],
        "identity_CelebA.txt": [f"{name} 1" for name in names],
        "list_bbox_celeba.txt": [str(count), "image_id x_1 y_1 width height", *(f"{n}  1 2 3 4" for n in names)],
        "list_landmarks_align_celeba.txt": [str(count), "lefteye_x lefteye_y", *(f"{n}  1 2" for n in names)],
        "list_attr_celeba.txt": [str(count), "Smiling", *(f"{n}  1" for n in names)],
    }
    for name, lines in texts.items():
        (base / name).write_text("\n".join(lines) + "\n")
    files = [(i, md5(base / name) if name in texts else "", name) for i, _, name in cls.file_list]
    monkeypatch.setattr(cls, "file_list", files)
    return colours

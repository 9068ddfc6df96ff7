"""Sets that torchvision reads: its own code on small files in the real formats; absent ones say what to do."""

from __future__ import annotations

import functools
import http.server
import socket
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.assets.data_folder import FOLDER_VARIABLE, data_folder
from ganbench.cli.main import main
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.datasets import _download
from ganbench.datasets._bytes import ByteImages, resized
from ganbench.datasets._torchvision import TorchvisionImages, torchvision_class
from ganbench.datasets.celeba import CelebA
from ganbench.datasets.cifar10 import CIFAR10
from ganbench.datasets.fashion_mnist import FashionMNIST
from ganbench.datasets.image_folder import ImageFolder
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.stl10 import STL10
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.engine import Trainer, run_plan
from tests.helpers.image_files import md5, random_bytes, write_celeba, write_cifar10, write_mnist, write_stl10
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")
SETS = [cls for cls in registry.components("dataset").values() if issubclass(cls, TorchvisionImages)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test has its own data folder and cache, and the network is out of reach."""

    look_up = socket.getaddrinfo

    def only_here(host, *rest, **options):
        if host != "127.0.0.1":
            raise OSError(f"a test asked for {host}")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data"


def by_pillow(image, size):
    """Return an image `[C, H, W]` resized by Pillow, whose bilinear filter is antialiased."""
    channels = [np.array(Image.fromarray(c).resize((size, size), Image.Resampling.BILINEAR)) for c in image]
    return torch.from_numpy(np.stack(channels))


def same_bytes(data, train, held, size, slack=1):
    """Hold training and held-out bytes to what was written, resized by Pillow; both round, so they may differ by 1."""
    for found, written in ((data.rows, train), (data.held, held)):
        assert found.dtype == torch.uint8
        assert found.shape == (len(written), len(written[0]), size, size)
        for image, wanted in zip(found, written, strict=True):
            assert (image.int() - by_pillow(wanted, size).int()).abs().max() <= slack


@pytest.mark.parametrize("cls", [MNIST, FashionMNIST])
@pytest.mark.parametrize("size", [16, 32])
def test_mnist_and_fashion_mnist(folder, cls, size):
    train, test = write_mnist(folder, cls.__name__)
    dataset = cls(size=size)
    dataset.prepare()
    same_bytes(dataset.load(CPU), train[:, None], test[:, None], size)
    assert dataset.shape == (1, size, size)


def in_bytes(dataset) -> ByteImages:
    data = dataset.load(CPU)
    assert isinstance(data, ByteImages)
    return data


def test_cifar10(folder, monkeypatch):
    train, test = write_cifar10(folder, monkeypatch, torchvision_class("CIFAR10"))
    data = in_bytes(CIFAR10())
    assert torch.equal(data.rows, torch.from_numpy(train))
    assert torch.equal(data.held, torch.from_numpy(test))
    same_bytes(CIFAR10(size=16).load(CPU), train, test, 16)


def test_cifar10_reads_no_pickle_of_another_md5(folder, monkeypatch):
    write_cifar10(folder, monkeypatch, torchvision_class("CIFAR10"))
    (folder / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"cos\nsystem\n(S'exit 3'\ntR.")
    with pytest.raises(UsageError, match="cifar10.*corrupted"):
        CIFAR10().load(CPU)


def test_stl10(folder, monkeypatch):
    train, test = write_stl10(folder, monkeypatch, torchvision_class("STL10"))
    same_bytes(STL10(size=64).load(CPU), train, test, 64)


def test_celeba(folder, monkeypatch):
    colours = write_celeba(folder, monkeypatch, torchvision_class("CelebA"), 9)
    test = np.arange(9) % 3 == 2
    data = in_bytes(CelebA(size=16, images=4))
    for images, wanted in ((data.rows, colours[~test][:4]), (data.held, colours[test])):
        assert images.shape == (len(wanted), 3, 16, 16)
        spread = (images.int() - torch.from_numpy(wanted)[:, :, None, None].int()).abs()
        assert spread.max() <= 3  # JPEG keeps colours nearly


def write_folder(folder, counts):
    written = {}
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = random_bytes((20 + i, 24, 3), 100 * len(written) + i)
            Image.fromarray(pixels).save(folder / name / f"{i:03d}.png")
            written[name, i] = pixels
    return written


def test_image_folder_holds_out_every_fifth_of_a_class(folder):
    written = write_folder(folder / "mine", {"cats": 7, "dogs": 10})
    data = in_bytes(ImageFolder(folder="mine", size=8))
    kept = {key: by_pillow(square(pixels).transpose(2, 0, 1), 8) for key, pixels in written.items()}
    train = [image for (_, i), image in kept.items() if i % 5 != 4]
    held = [image for (_, i), image in kept.items() if i % 5 == 4]
    assert len(held) == 3
    for found, wanted in ((data.rows, train), (data.held, held)):
        assert (found.int() - torch.stack(wanted).int()).abs().max() <= 1


def square(pixels):
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def test_the_error_names_the_folder_of_the_images(folder):
    for where in ("nowhere", str(folder.parent / "elsewhere")):
        with pytest.raises(UsageError, match=f"cannot be read from .*{where.rpartition('/')[2]} \\("):
            ImageFolder(folder=where).prepare()


def test_an_absolute_image_folder(tmp_path):
    write_folder(tmp_path / "elsewhere", {"all": 5})
    assert len(in_bytes(ImageFolder(folder=str(tmp_path / "elsewhere"))).rows) == 4


def test_grey_files_become_colour(folder):
    (folder / "images/all").mkdir(parents=True)
    for i in range(5):
        Image.new("L", (9, 9), 40 * i).save(folder / f"images/all/{i}.png")
    data = in_bytes(ImageFolder(size=8))
    assert data.rows.flatten(1).tolist() == [[40 * i] * 192 for i in range(4)]


def test_too_few_images_to_hold_one_out(folder):
    write_folder(folder / "images", {"all": 4})
    with pytest.raises(UsageError, match="no class has 5 images"):
        ImageFolder().prepare()


@pytest.mark.parametrize("cls", SETS, ids=lambda cls: cls.name)
def test_an_absent_set_is_one_line_with_the_remedy(folder, cls):
    for call in (cls().prepare, lambda: cls().load(CPU)):
        with pytest.raises(UsageError) as caught:
            call()
        text = str(caught.value)
        assert "\n" not in text
        assert text.startswith(f"dataset {cls.name}: ")
        assert str(folder) in text
        remedy = "put images into" if cls is ImageFolder else f"ganbench data get {cls.name} "
        assert remedy in text
    assert not folder.exists()


def test_a_truncated_file_is_one_line(folder):
    write_mnist(folder, "MNIST")
    path = folder / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UsageError, match="dataset mnist: cannot be read") as caught:
        MNIST().prepare()
    assert "\n" not in str(caught.value)


@pytest.fixture
def mirror(tmp_path):
    """A web server on `mirror`: its port, and the paths that are asked for."""
    asked = []

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            asked.append(self.path)

    serve = functools.partial(Files, directory=str(tmp_path / "mirror"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


def test_a_message_of_several_lines_becomes_one(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("first\n  second")

    monkeypatch.setattr(MNIST, "open", broken)
    with pytest.raises(UsageError, match="first second"):
        MNIST().load(CPU)


def test_an_absent_set_is_found_before_any_trial_starts(tmp_path):
    suite = tmp_path / "absent.yaml"
    suite.write_text("datasets: [ring, mnist]\nlosses: [hinge]\nnetworks: [mlp]\nseeds: 1\nsteps: 2\n")
    with pytest.raises(UsageError, match="dataset mnist: "):
        run_plan(make_plan(read_suite(suite, [])), tmp_path / "results", executor="local")
    assert not list((tmp_path / "results").rglob("*.parquet"))


def test_without_known_modes_their_columns_are_empty_and_others_are_not(folder):
    write_folder(folder / "images", {"all": 10})
    trial = small_trial(
        dataset=("image_folder", {"size": 8}),
        network=("mlp", {}),
        steps=2,
        evaluate_every=2,
        samples=32,
    )
    trainer = Trainer(trial)
    trainer.advance(60)
    runs = trainer.tables().runs
    for name in ("modes_captured", "hq_fraction", "mode_kl", "modes_captured_floor"):
        assert bool(runs[name].isna().all())
    assert bool(runs["fid"].notna().all())
    assert set(runs["extractor"]) == {"pixels"}


def test_download_fetches_once_and_loading_never(folder, tmp_path, monkeypatch, mirror):
    """torchvision's own download, from this machine."""
    port, asked = mirror
    _, test = write_mnist(tmp_path / "mirror", "MNIST", compressed=True)
    cls = torchvision_class("MNIST")
    monkeypatch.setattr(cls, "mirrors", [f"http://127.0.0.1:{port}/"])
    monkeypatch.setattr(cls, "resources", [(name, md5(tmp_path / "mirror" / name)) for name, _ in cls.resources])
    with pytest.raises(UsageError, match="ganbench data get mnist"):
        MNIST().load(CPU)
    assert not asked
    assert main(["data", "get", "mnist"]) == 0
    assert set(asked) == {f"/{name}" for name, _ in cls.resources}
    asked.clear()
    assert main(["data", "get", "mnist"]) == 0
    assert torch.equal(MNIST(size=32).load(CPU).held, resized(torch.from_numpy(test)[:, None], 32))
    assert not asked


@pytest.mark.parametrize("names", [["ring"], ["image_folder"], ["mnist", "nothing"]])
def test_only_known_sets_are_downloaded(folder, names, capsys):
    assert main(["data", "get", *names]) == 2
    known = "celeba, cifar10, clip, dinov2, fashion_mnist, inception, mnist, stacked_mnist, stl10, vgg"
    assert known in capsys.readouterr().err
    assert not folder.exists()


def test_a_missing_set_is_listed_and_said_by_the_plan(folder, capsys):
    assert main(["data", "list"]) == 0
    said = capsys.readouterr().out
    assert "missing  ganbench data get mnist" in said and str(folder) in said
    assert main(["plan", "smoke", "--set", "datasets=[ring, mnist]"]) == 0
    assert "missing: dataset mnist: there is no folder" in capsys.readouterr().out


def test_a_failed_download_is_one_line(folder):
    with pytest.raises(GanbenchError, match="dataset mnist: cannot be downloaded") as caught:
        _download.download("mnist")
    assert "\n" not in str(caught.value)


def test_the_data_folder_without_the_variable(monkeypatch, tmp_path):
    import platformdirs

    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    assert data_folder() == tmp_path / "ganbench/data"

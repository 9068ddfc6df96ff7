"""torch-fidelity's extractors: where their weights are, how to get them, and how samples become features."""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import pickle
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ganbench.assets.fidelity import import_torchvision
from ganbench.core.errors import UsageError, reason
from ganbench.core.lazy import Tensor, torch
from ganbench.core.pixels import as_bytes
from ganbench.extractors import Extractor

if TYPE_CHECKING:
    from torch import nn

VARIABLE = "GANBENCH_WEIGHTS_{name}"  # set by `ganbench run --weights`, inherited by the processes that train
BATCH = 64


@dataclass(frozen=True)
class FidelityExtractor(Extractor):
    """A pretrained network of torch-fidelity, in evaluation, on bytes in three colours.

    Samples are rounded to the 256 values that real images have, generated and real ones alike, and resized by
    torch-fidelity as its own scores do; grey is repeated in the three colours.

    Attributes:
        module: name of the module in torch-fidelity. extractor: name of the class there.
        network: torch-fidelity's name of the network. layer: its name of the output that is used.
        cached: name of the file that torch-fidelity downloads into torch hub's folder.
        from_file: whether a run may name a file of weights instead.
    """

    module: ClassVar[str]
    extractor: ClassVar[str]
    network: ClassVar[str]
    layer: ClassVar[str]
    cached: ClassVar[str]
    from_file: ClassVar[bool] = True
    takes = (-1.0, 1.0)

    @abstractmethod
    def check(self, file: Path) -> None:
        """Check that a file named by the user holds weights and no code that runs when it is read; raise if not."""

    def prepare(self) -> None:
        """Check that the weights are there; nothing is downloaded.

        Raises:
            UsageError: they are missing, or those of another network.
        """
        self.weights_hash()
        self._loaded("cpu")

    def weights(self) -> tuple[Path, bool]:
        """Return the file of weights, and whether the user named it."""
        named = os.environ.get(VARIABLE.format(name=self.name.upper()))
        if named:
            return Path(named), True
        return Path(torch.hub.get_dir()) / "checkpoints" / self.cached, False

    def weights_hash(self) -> str:
        """Return the first 8 hexadecimal digits of the SHA-256 of the weights' file.

        Raises:
            UsageError: there is no such file.
        """
        path, _ = self.weights()
        try:
            status = path.stat()
            return _sha256(path, status.st_size, status.st_mtime_ns)[:8]
        except OSError as error:
            raise UsageError(
                f"extractor {self.name}: no weights at {path} ({error.strerror}); get them: "
                f"ganbench data get {self.name} (or name a file: ganbench run … --weights {self.name}=FILE)"
            ) from None

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, d]` features of images `[..., n, C, H, W]` in [-1, 1], C 1 or 3; NaN for non-finite ones."""
        images = samples.flatten(0, -4)
        network = self._loaded(str(samples.device))
        with torch.no_grad():
            features = torch.cat([network(as_bytes(x.expand(-1, 3, -1, -1)))[0] for x in images.split(BATCH)])
            features[~images.flatten(1).isfinite().all(1)] = torch.nan
        return features.reshape(*samples.shape[:-3], -1)

    def download(self) -> None:
        """Let torch-fidelity download the weights into torch hub's folder."""
        self._class()(self.network, [self.layer], verbose=True)

    def _loaded(self, device: str) -> nn.Module:
        return _network(self, self.weights_hash(), device)

    def _class(self) -> Callable[..., nn.Module]:
        import_torchvision()
        return getattr(importlib.import_module(f"torch_fidelity.{self.module}"), self.extractor)


class StateDict(FidelityExtractor):
    """An extractor whose weights are a dictionary of tensors."""

    def check(self, file: Path) -> None:
        """Read the file by the reader that builds tensors alone: what it accepts, any reader can read without harm."""
        torch.load(file, map_location="meta", weights_only=True)


@functools.lru_cache(maxsize=2)
def _network(extractor: FidelityExtractor, digest: str, device: str) -> nn.Module:
    """Return the network of one file of weights; the digest keeps changed weights apart."""
    path, named = extractor.weights()
    options = {"feature_extractor_weights_path": str(path)} if named else {}
    try:
        extractor.check(path)
        network = extractor._class()(extractor.network, [extractor.layer], verbose=False, **options)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, pickle.UnpicklingError) as error:
        raise UsageError(
            f"extractor {extractor.name}: {path} holds no weights of torch-fidelity's {extractor.network} "
            f"({reason(error)[:200]}); get them anew: ganbench data get {extractor.name}"
        ) from error
    return network.eval().to(device)


@functools.lru_cache(maxsize=8)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Return the hash of a file; size and time of change tell an edited file from the old one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

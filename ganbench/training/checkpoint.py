"""A checkpoint file: a trial under way, in tensors and plain values, with a checksum; and whether it fits the trial.

A trial goes on from a checkpoint only where its numbers will be those of an uninterrupted run. So a file that is
damaged, that another version of ganbench or torch wrote, or whose shapes and steps are not the trial's is refused as a
whole.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganbench.core.errors import UsageError
from ganbench.core.files import replaced, storing
from ganbench.core.results_files import BrokenFileError, make_folder, read_with_checksum, require_file, with_checksum
from ganbench.core.version import __version__

if TYPE_CHECKING:
    from ganbench.training.setup import PackedPlayer
    from ganbench.training.state import TrainingState

State = Mapping[str, Any]  # what torch.load returns: its values are checked before they are used
WRITER = {"format": 1, "ganbench": __version__, "torch": str(torch.__version__)}


class CheckpointError(UsageError):
    """A checkpoint cannot be gone on from."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: cannot be gone on from ({why}); remove the file to train the trial anew")
        self.why = why


def write(path: Path, state: State) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        StoreError: it cannot be written.
        MisplacedError: something that is no file has its name.
    """
    content = io.BytesIO()
    torch.save({**state, "writer": WRITER}, content)
    require_file(path)
    with storing(path.parent):
        make_folder(path.parent)
        with replaced(path) as file:
            file.write(with_checksum(content.getvalue()))


def read(path: Path, key: str, device: torch.device) -> State:
    """Return the state in a checkpoint of the trial with this key.

    Raises:
        CheckpointError: it is damaged, another trial's, or of another version.
    """
    with _refused(path):
        state = torch.load(io.BytesIO(read_with_checksum(path)), map_location=device, weights_only=True)
        _require(isinstance(state, dict), "it holds no state")
        _require(state.get("writer") == WRITER, f"{_writer(state)} wrote it, and this is {_words(WRITER)}")
        _require(state.get("key") == key, "it is another trial's")
        return state


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Turn whatever a broken state raises into a CheckpointError."""
    try:
        yield
    except BrokenFileError as error:
        raise CheckpointError(path, str(error)) from None
    except pickle.UnpicklingError:
        raise CheckpointError(path, "it holds other things than tensors and plain values") from None
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise CheckpointError(path, _one_line(error)) from None
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise CheckpointError(path, f"a value is missing or of another type: {_one_line(error)}") from None


def restore(trainer: TrainingState, path: Path, state: State) -> None:
    """Put a state that `read` returned into a trainer that has not begun.

    Raises:
        CheckpointError: a step, a shape or a value does not fit the trial; the trainer is of no use afterwards.
    """
    with _refused(path):
        _require_fits(trainer, state)
        for player in (trainer.d, trainer.g):
            _restore_player(player, state["players"][player.name])
        trainer.ema, trainer.earlier = state["ema"], state["earlier"]
        trainer.noise.load_state_dict(state["noise"])
        trainer.history.load_state_dict(state["history"])
        for network, layer, columns in state["layers"]:
            trainer.layer_history((network, layer)).load_state_dict(columns)
        trainer.snapshots = state["snapshots"]
        trainer.finite.restore(state["last_finite_step"], state["alive"])
        trainer.step = state["step"]
        trainer.train_seconds, trainer.total_seconds = state["seconds"]


def player_state(player: PackedPlayer) -> dict[str, object]:
    """Return what a checkpoint keeps of a player."""
    return {
        "flat": player.flat,
        "buffers": player.buffers,
        "memory": player.memory,
        "optimizer": player.optimizer.state_dict(),
    }


def _restore_player(player: PackedPlayer, state: State) -> None:
    with torch.no_grad():
        player.flat.copy_(state["flat"])
        for name, tensor in player.buffers.items():
            tensor.copy_(state["buffers"][name])
    player.memory = state["memory"]
    player.optimizer.load_state_dict(state["optimizer"])


def _require_fits(trainer: TrainingState, state: State) -> None:
    """Hold every shape, type and step of a state against those of the trial."""
    trial, step = trainer.trial, state["step"]
    lanes = len(trial.lanes)
    kinds = ["compiled" if compiled else "not compiled" for compiled in (state["compiled"], trainer.compiled)]
    _require(kinds[0] == kinds[1], f"its steps were {kinds[0]}, and here they are {kinds[1]}")
    _require(type(step) is int and 0 < step <= trial.steps, f"step {step!r} is none of the trial's {trial.steps}")
    for player in (trainer.d, trainer.g):
        _require_player(player, state["players"][player.name], lanes)
    _same("ema", state["ema"], trainer.ema)
    for name, gradient in state["earlier"].items():
        _same(f"the gradient of {name}", gradient, {"D": trainer.d, "G": trainer.g}[name].flat)
    _require_alive(trainer, state)
    for stream in state["noise"].values():
        _require(0 <= stream["position"] <= stream["steps"], "a place in the random numbers is outside its block")
    _require_columns(state["history"], len(trainer.history.row), lanes)
    for _, _, columns in state["layers"]:
        _require_columns(columns, len(trainer.log_steps), lanes)
    for at, samples in state["snapshots"].items():
        _require(at in trainer.evaluate_steps and at <= step, f"a snapshot of step {at!r}, which was not evaluated")
        _require(len(samples) == lanes, "a snapshot of other seeds")
    _require(all(math.isfinite(s) and s >= 0 for s in state["seconds"]), "its times are no times")


def _require_alive(trainer: TrainingState, state: State) -> None:
    alive, last, step = state["alive"], state["last_finite_step"], state["step"]
    _same("alive", alive, trainer.finite.alive)
    _same("last_finite_step", last, trainer.finite.last)
    _require(bool(((last >= 0) & (last <= step)).all()), "a seed's last finite step is none of those that were made")
    _require(bool((last[alive] == step).all()), "a seed that is alive has not made all steps")


def _require_player(player: PackedPlayer, state: State, seeds: int) -> None:
    _same(f"the weights of {player.name}", state["flat"], player.flat)
    _require(state["buffers"].keys() == player.buffers.keys(), f"{player.name} has other buffers")
    for name, tensor in player.buffers.items():
        _same(f"{player.name}'s {name}", state["buffers"][name], tensor)
    for name, tensor in state["memory"].items():
        _require(tensor.dim() > 0 and len(tensor) == seeds, f"{player.name}'s memory {name!r} is of other seeds")
    now, kept = player.optimizer.state_dict(), state["optimizer"]
    groups = [[{n: v for n, v in g.items() if n != "lr"} for g in one["param_groups"]] for one in (now, kept)]
    _require(groups[0] == groups[1], f"the optimiser of {player.name} has other settings")
    # One group of weights, or one for each setting.
    shapes = dict(enumerate(p.shape for group in player.optimizer.param_groups for p in group["params"]))
    for place, moments in kept["state"].items():
        for tensor in moments.values():
            fits = not isinstance(tensor, Tensor) or tensor.shape in (torch.Size(), shapes.get(place))
            _require(fits, f"the optimiser of {player.name} has moments of another shape")


def _require_columns(columns: Mapping[str, Tensor], rows: int, seeds: int) -> None:
    for name, column in columns.items():
        fits = tuple(column.shape) == (rows, seeds) and column.dtype == torch.float64
        _require(fits, f"the column {name!r} is of another shape")


def _same(name: str, given: Tensor | None, expected: Tensor | None) -> None:
    """Require a tensor of the expected shape and type, or None where None is expected."""
    if given is None or expected is None:
        _require(given is expected, f"{name} is missing, or should not be there")
        return
    _require(given.shape == expected.shape and given.dtype == expected.dtype, f"{name}: another shape or type")


def _require(fits: bool, why: str) -> None:
    if not fits:
        raise BrokenFileError(why)


def _writer(state: State) -> str:
    writer = state.get("writer")
    return _words(writer) if isinstance(writer, dict) else "an older version"


def _words(writer: Mapping[str, object]) -> str:
    return " ".join(f"{name} {value}" for name, value in writer.items())[:80]


def _one_line(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:120]

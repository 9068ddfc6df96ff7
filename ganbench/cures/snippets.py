"""Remedies as plain PyTorch for anybody's own loop; each is a file in `snippets/`.

A snippet has parts, each under a comment that says where in the loop it goes. `snippets/loop.txt` is a plain loop with
these places, so that a snippet can be run as it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Set
from importlib import resources
from string import Template

from ganbench.core.trial import Trial
from ganbench.cures.star import Arm

RATES = ("slower_discriminator", "slower_generator", "slower", "faster", "faster_discriminator", "no_momentum")
FILES = {  # of remedies that are others in another place
    "stronger_r1": "r1",
    "gradient_penalty_for_clipping": "gradient_penalty",
    "spectral_norm_for_clipping": "spectral_norm",
}
TORCH = {"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
_PLACE = re.compile(r"^( *)#: (.+)\n((?:.*\n)*?)\1#:\n", re.MULTILINE)


def snippet(arm: Arm) -> str:
    """Return the lines that make a plain loop do what a remedy does, empty where there are none for it."""
    if arm.name in RATES:
        return _rates(arm.trial)
    text = _file(FILES.get(arm.name, arm.name))
    tricks = [trick for trick in arm.trial.tricks if trick.name in arm.name]
    values = {name: _short(value) for trick in tricks for name, value in trick.parameters.items()}
    return Template(text).substitute({**values, "ema": _short(arm.trial.ema)})


def loop_with(text: str) -> str:
    """Return the plain loop with a snippet's parts in their places; the loop itself for an empty one.

    Raises:
        ValueError: a line belongs to no part.
    """
    loop = _file("loop")
    parts = _parts(text, {match.group(2) for match in _PLACE.finditer(loop)})

    def placed(match: re.Match[str]) -> str:
        indent, place, usual = match.groups()
        given = parts.get(place)
        return usual if given is None else "".join(f"{indent}{line}\n" if line else "\n" for line in given)

    return _PLACE.sub(placed, loop)


def _parts(text: str, places: Set[str]) -> dict[str, list[str]]:
    """Return place → the lines of a snippet that go there."""
    parts: dict[str, list[str]] = {}
    place = ""
    for line in text.splitlines():
        if line.removeprefix("# ") in places:
            place = line.removeprefix("# ")
            parts[place] = []
        elif place:
            parts[place].append(line)
        else:
            raise ValueError(f"{line!r} comes before the first place in the loop ({', '.join(sorted(places))})")
    return parts


def _rates(trial: Trial) -> str:
    optimizer = trial.optimizer.build()
    if optimizer.name not in TORCH:
        return ""
    names = {"betas", "alpha", "eps", "momentum"} & trial.optimizer.parameters.keys()
    options = {name: trial.optimizer.parameters[name] for name in sorted(names)}
    if options.get("momentum", 0) < 0:
        return ""  # torch refuses it as an argument
    text = "".join(f", {name}={_short(value)}" for name, value in options.items())
    values = {
        "optimizer": TORCH[optimizer.name],
        "d_lr": _short(optimizer.rate("D")),
        "g_lr": _short(optimizer.rate("G")),
        "options": text,
        "hold": _short(optimizer.lr_hold),
        "final": _short(optimizer.lr_final),
    }
    return Template(_file("rates" if optimizer.lr_final == 1 else "falling_rates")).substitute(values)


def _file(name: str) -> str:
    """Return a snippet's text, empty where there is none of that name."""
    file = resources.files("ganbench.cures").joinpath(f"snippets/{name}.txt")
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _short(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_short, value))})"
    return repr(value)

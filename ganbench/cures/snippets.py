"""Remedies as plain PyTorch for anybody's own loop; each is a file in `snippets/`.

A snippet has parts, each under a comment that says where in the loop it goes. `snippets/loop.txt` is a plain loop with
these places, so that a snippet can be run as it is printed.
"""

from __future__ import annotations

import re
from importlib import resources
from string import Template

from ganbench.core.trial import Trial
from ganbench.cures.star import Arm

RATES = ("slower_discriminator", "slower_generator", "slower", "faster", "faster_discriminator", "no_momentum")
TORCH = {"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
_PLACE = re.compile(r"^( *)#: (.+)\n((?:.*\n)*?)\1#:\n", re.MULTILINE)


def snippet(arm: Arm) -> str:
    """Return the lines that make a plain loop do what a remedy does, empty where there are none for it."""
    if arm.name in RATES:
        return _rates(arm.trial)
    file = resources.files("ganbench.cures").joinpath(f"snippets/{arm.name}.txt")
    if not file.is_file():
        return ""
    values = {name: _short(value) for trick in arm.trial.tricks for name, value in trick.parameters.items()}
    own = {
        name: _short(value)
        for trick in arm.trial.tricks
        if trick.name in arm.name
        for name, value in trick.parameters.items()
    }
    return Template(file.read_text(encoding="utf-8")).substitute({**values, **own, "ema": _short(arm.trial.ema)})


def loop_with(text: str) -> str:
    """Return the plain loop with a snippet's parts in their places; the loop itself for an empty one.

    Raises:
        ValueError: a part has no place in the loop.
    """
    parts = _parts(text)

    def placed(match: re.Match[str]) -> str:
        indent, place, usual = match.groups()
        given = parts.pop(place, None)
        return usual if given is None else "".join(f"{indent}{line}\n" if line else "\n" for line in given)

    loop = resources.files("ganbench.cures").joinpath("snippets/loop.txt").read_text(encoding="utf-8")
    filled = _PLACE.sub(placed, loop)
    if parts:
        raise ValueError(f"the loop has no place {', '.join(parts)!r}")
    return filled


def _parts(text: str) -> dict[str, list[str]]:
    """Return place → the lines of a snippet that go there."""
    loop = resources.files("ganbench.cures").joinpath("snippets/loop.txt").read_text(encoding="utf-8")
    places = {match.group(2) for match in _PLACE.finditer(loop)}
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.removeprefix("# ") in places:
            lines = parts.setdefault(line.removeprefix("# "), [])
        else:
            lines.append(line)
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
    name = "rates" if optimizer.lr_final == 1 else "falling_rates"
    file = resources.files("ganbench.cures").joinpath(f"snippets/{name}.txt")
    return Template(file.read_text(encoding="utf-8")).substitute(values)


def _short(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_short, value))})"
    return repr(value)

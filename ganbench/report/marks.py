"""Marks of verdicts: a colour per family and a shape per verdict, so that neither has to be seen to tell them apart."""

from __future__ import annotations

from ganbench.analysis.verdict_rules import VERDICTS

# One colour per family: fourteen colours nobody could tell apart; the shapes and the words say which it was.
FAMILY = {verdict: meaning.family for verdict, meaning in VERDICTS.items()}
FAMILIES = {family: [v for v, of in FAMILY.items() if of == family] for family in dict.fromkeys(FAMILY.values())}

_UP, _DOWN = "m0-4.6 4.4 7.8h-8.8z", "m0 4.6 4.4-7.8h-8.8z"
_SQUARE, _DIAMOND = "m-3.5-3.5h7v7h-7z", "m0-4.8 4.8 4.8-4.8 4.8-4.8-4.8z"
# Around 0, 0 within 5 units, relative, with holes by the even-odd rule: filled where a failure is whole.
SHAPES = {
    "healthy": "m-3.8 0a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0-7.6 0z",
    "partial collapse": _UP + "m0 3 1.9 3.4h-3.8z",
    "total collapse": _UP,
    "mode hopping": "m-4.8-4 4.8 4-4.8 4zm9.6 0v8l-4.8-4z",
    "oscillation": _DIAMOND,
    "no signal": _DIAMOND + "m0 2.6 2.2 2.2-2.2 2.2-2.2-2.2z",
    "discriminator overfit": "m0-4.8 4.8 4.8h-9.6z",
    "discriminator wins": "m0 4.8 4.8-4.8h-9.6z",
    "vanishing gradient": _DOWN,
    "exploding gradient": _DOWN + "m0-3 1.9-3.4h-3.8z",
    "diverged": "m-4.3-2.9 1.4-1.4 2.9 2.9 2.9-2.9 1.4 1.4-2.9 2.9 2.9 2.9-1.4 1.4-2.9-2.9-2.9 2.9-1.4-1.4 2.9-2.9z",
    "failed": "m-1-4.4h2v3.4h3.4v2h-3.4v3.4h-2v-3.4h-3.4v-2h3.4z",
    "under-trained": _SQUARE,
    "low quality": _SQUARE + "m1.7 1.7h3.6v3.6h-3.6z",
    "unclear": "m-4.4-1.2h8.8v2.4h-8.8z",
}


def family_of(verdict: str) -> str:
    """Return the family whose colour a verdict has."""
    return FAMILY.get(verdict, "open")


def shape(verdict: str, x: float = 0, y: float = 0) -> str:
    """Return the path of a verdict's mark around a place."""
    return f"M{x:g} {y:g}{SHAPES.get(verdict, SHAPES['unclear'])}"

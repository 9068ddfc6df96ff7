"""Numbers and labels as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

NONE = "–"


def number(value: float, digits: int = 3) -> str:
    """Return three digits: 7.50, 10.25, 0.0123, 1.2e−5, 12,300; a dash where there is no value."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.{max(digits - 2, 0)}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    # Tens keep the decimals of ones, so that a column of counts lines up.
    magnitude = math.floor(math.log10(size))
    decimals = max(0, digits - 1 - (0 if magnitude == 1 else magnitude))
    return f"{value:,.{decimals}f}".replace("-", "−")


def mean(value: float) -> str:
    """Return an average count as one says it: 4.6, but 8 for a whole number and 798 for a large one."""
    if value >= 100 or abs(value - round(value)) < 1e-9:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 0.1 else f"{value:.1f}"


def count(n: int, one: str, many: str = "") -> str:
    """Return "1 run", "8 runs"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def words(name: str) -> str:
    """Return a component's label in words: `least_squares` is "least squares", `non_saturating` "non-saturating"."""
    return name.replace("non_", "non-").replace("_", " ")


def all_of(n: int, many: str) -> str:
    """Return "all 8 modes", "both modes", "the only mode"."""
    return f"the only {many.removesuffix('s')}" if n == 1 else f"both {many}" if n == 2 else f"all {n} {many}"

"""How figures look: sizes, fonts, colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core import arguments
from ganbench.core.errors import UsageError
from ganbench.core.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

# Okabe and Ito's eight, the yellow last: it is hard to see on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#f0e442")
DASHES = ("-", "--", ":", "-.")  # the ninth curve has the first colour again, dashed
INCH = 25.4  # mm


@dataclass(frozen=True)
class Style:
    """What of a figure's look can be chosen.

    Attributes:
        width, height: of one panel, in mm. A column of a two-column paper is about 85 mm wide.
        size: of the text, in points.
        font: its family, such as `serif`, or the name of an installed font.
    """

    width: float = 85.0
    height: float = 60.0
    size: float = 8.0
    font: str = "sans-serif"

    def __post_init__(self) -> None:
        """Refuse what nothing can be drawn in.

        Raises:
            UsageError: a size is no number in its range, or the font no name.
        """
        for name, most in (("width", 1000), ("height", 1000), ("size", 72)):
            arguments.number(f"Style: {name}", getattr(self, name), 0, most)
        if not arguments.text("Style: font", self.font).strip():
            raise UsageError("Style: font is empty; give a family such as 'serif', or an installed font's name")


SETTINGS: dict[RcKeyType, object] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "ganbench",  # equal tables give equal files
    "pdf.fonttype": 42,  # text stays text
}


@contextmanager
def drawn(style: Style) -> Iterator[None]:
    """Draw in this style; matplotlib's settings are as before afterwards.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    require("matplotlib")
    import matplotlib as mpl

    fonts: dict[RcKeyType, object] = {
        "font.size": style.size,
        "font.family": style.font,
        "axes.titlesize": style.size,
        "legend.fontsize": 0.9 * style.size,
    }
    with mpl.rc_context(SETTINGS | fonts):
        yield


def panels(rows: int, columns: int, style: Style) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its axes, row by row; it belongs to no window and needs no closing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * style.width / INCH, rows * style.height / INCH), layout="constrained")
    return figure, [list(row) for row in figure.subplots(rows, columns, squeeze=False)]


def colour(i: int) -> tuple[str, str]:
    """Return colour and dashes of the i-th curve."""
    return COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]

"""One style for every figure, used while it is drawn; nobody's own settings change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import style as mpl_style

from regviz.plot.palette import GROUND, INK, MUTED, RULE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TITLE_SIZE = 12.0
TEXT_SIZE = 9.0
SMALL_SIZE = 8.0

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.facecolor": GROUND,
    "axes.formatter.use_mathtext": False,
    "axes.grid": False,
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT_SIZE,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE_SIZE,
    "axes.titleweight": "bold",
    "axes.xmargin": 0.0,
    "axes.ymargin": 0.0,
    "figure.dpi": 72.0,
    "figure.facecolor": GROUND,
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT_SIZE,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "hatch.color": MUTED,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": TEXT_SIZE,
    "patch.linewidth": 0.8,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "regviz",
    "text.color": INK,
    # A name may hold dollars: it is a name, no formula.
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.color": RULE,
    "ytick.labelcolor": INK,
    "ytick.labelsize": TEXT_SIZE,
}


def style() -> AbstractContextManager[None]:
    """The style of all figures, while a ``with`` block lasts.

    Examples
    --------
    >>> import matplotlib
    >>> before = dict(matplotlib.rcParams)
    >>> with style():
    ...     inside = matplotlib.rcParams["text.parse_math"]
    >>> inside, dict(matplotlib.rcParams) == before
    (False, True)
    """
    return mpl_style.context(_STYLE, after_reset=True)

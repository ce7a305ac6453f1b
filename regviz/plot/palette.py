"""The colours: one meaning, one colour, in every figure.

Categories are Okabe and Ito's, which people with any colour vision tell apart (Okabe and Ito, "Color
Universal Design", 2008); without their black, which is text, and their yellow, too faint on white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INK = "#1f2328"
MUTED = "#5b646d"
RULE = "#d3d9df"
GROUND = "#ffffff"

STATES = {
    "tagged": "#0072b2",
    "referenced": "#1b8a8f",
    "untagged": "#e69f00",
    "unreferenced": "#d55e00",
    "recent": "#7b5ea7",
    "absent": "#8c959f",
}
"""What keeps bytes: of blobs and of manifests alike. What is absent is hatched as well."""
UNKNOWN = "#6e7781"
"""What the source was not read completely enough to tell."""
EXCLUSIVE = "#0b5c94"
SHARED = "#a9cfe8"

REPOSITORIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SEVERAL = "#57606a"
"""What more than one repository has."""
OTHERS = "#afb8c1"
"""Repositories beyond the first six."""

SCALE = ("#fcf1bb", "#e5d890", "#bbae7a", "#8e8978", "#6c6e72", "#4c556c", "#213b6e", "#00224e")
"""From little to much: cividis in eight steps, its yellow paled, for there may be many that share little. A dark page
takes cividis the other way round, so that little is close to its ground as well."""
ON_SCALE = ("#1f2329", "#fefefe")
"""Text on the first four of these steps, and on the last four."""
ON_SHARED = "#1e2329"
"""Text on `SHARED`: where a dark page leaves that as it is, as JupyterLab does, its text stays dark too."""
ON_BRIGHT, ON_DARK = "#14181c", "#fafbfc"
"""Text on marks that a dark page leaves as they are."""
APPEARED, WENT = "#4d8a1f", "#b0307c"
"""What only the newer registry has, and only the older."""
CERTAIN, SUSPECTED = "#8a6914", "#dfc585"
"""Bytes lost to layers made again: where the content is known to be the same, and where it seems so."""


def repository_colours(bytes_of: Mapping[str, int]) -> dict[str, str]:
    """A colour for each repository: the largest have their own, the same in every figure; the others are grey.

    Parameters
    ----------
    bytes_of : mapping of str to int
        Bytes of the distinct layers of each.

    Examples
    --------
    >>> colours = repository_colours({"web": 90, "api": 70, "a": 1, "b": 1, "c": 1, "d": 1, "tail": 0})
    >>> colours["web"], colours["tail"] == OTHERS
    ('#0072b2', True)
    """
    names = sorted(bytes_of, key=lambda name: (-bytes_of[name], name))
    return dict(zip(names, [*REPOSITORIES, *[OTHERS] * len(names)], strict=False))


_NAMES = ("blue", "vermilion", "green", "purple", "orange", "sky")
CSS = {
    INK: "currentColor",
    GROUND: f"var(--rv-paper,{GROUND})",
    **{colour: f"var(--rv-{name},{colour})" for name, colour in zip(_NAMES, REPOSITORIES, strict=True)},
    EXCLUSIVE: f"var(--rv-exclusive,{EXCLUSIVE})",
    SHARED: f"var(--rv-shared,{SHARED})",
    ON_SHARED: f"var(--rv-onshared,{ON_SHARED})",
    SEVERAL: f"var(--rv-several,{SEVERAL})",
    OTHERS: f"var(--rv-others,{OTHERS})",
    **{STATES[state]: f"var(--rv-{state},{STATES[state]})" for state in ("referenced", "recent", "absent")},
    APPEARED: f"var(--rv-appeared,{APPEARED})",
    WENT: f"var(--rv-went,{WENT})",
    CERTAIN: f"var(--rv-certain,{CERTAIN})",
    SUSPECTED: f"var(--rv-suspected,{SUSPECTED})",
    UNKNOWN: f"var(--rv-unknown,{UNKNOWN})",
    **{colour: f"var(--rv-scale-{step},{colour})" for step, colour in enumerate(SCALE, 1)},
    **{colour: f"var(--rv-on-{part},{colour})" for part, colour in zip(("little", "much"), ON_SCALE, strict=True)},
}
"""What stands for a colour in a page: text takes the page's, marks may be told apart by a dark page."""
CSS_OPACITY = {MUTED: 0.74, RULE: 0.2}
"""Shades of text: the page's colour, thinned."""

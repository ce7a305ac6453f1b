"""How many layers images have, and how many images (tags, repositories) have each layer: distributions of counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from regviz.plot.labels import percent
from regviz.plot.upright import Bar, Upright, draw
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

Users = Literal["images", "tags", "repositories"]

_CLASSES = 40
_WIDTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000)
_HUB_LAYERS = (
    "For comparison: on Docker Hub in 2019 half of the images had fewer than 8 layers, 90 % fewer than 18 "
    "(Zhao et al.)."
)
_HUB_USERS = "For comparison: on Docker Hub in 2019 about 90 % of the layers were in one image alone (Zhao et al.)."
_WORDS = ("images that tags reach", "that no tag reaches")
_ONE = {"images": "image", "tags": "tag", "repositories": "repository"}


def describe_layer_counts(table: pd.DataFrame) -> Upright:
    """The bars, pins and sentences that :func:`layer_counts` draws for an answer of `regviz.analysis`."""
    known = table[table["layers"].notna()]
    counts = sorted(int(count) for count in known["layers"])
    unknown = len(table) - len(known)
    gone = f"Left out: {count_noun(unknown, 'image')} that cannot be read far enough." if unknown else ""
    if not counts:
        title = "There is no image" if not unknown else "Of no image it is known how many layers it has"
        return Upright(title, gone, f"{title}. {gone}".strip(), 0, (), (), ())
    if counts[0] == counts[-1]:  # one bar would say no more than the title
        title = _layers_title(counts)
        return Upright(title, gone, f"{title}. {gone}".strip(), 0, (), (), ())
    width = next((width for width in _WIDTHS if (counts[-1] - counts[0]) // width < _CLASSES), _WIDTHS[-1])
    classes, first = _counted(known, "layers", lambda count: -(-count // width))
    bars, ticks = [], []
    for number, (tagged, others) in enumerate(classes):
        high = (first + number) * width
        said = f"{high:,}" if width == 1 or not high else f"{high - width + 1:,}–{high:,}"
        bars.append(Bar(tagged, others, "1 layer" if said == "1" else f"{said} layers"))
        ticks.append((first + number + 0.5, said))
    middle, most = _quantiles(counts)
    pins = (
        (-(-middle // width) + 0.5, f"half of the images have at most {count_noun(middle, 'layer')}"),
        (-(-most // width) + 0.5, f"90 % have at most {most:,}"),
    )
    explanation = " ".join(part for part in (f"Images by the number of their layers. {_HUB_LAYERS}", gone) if part)
    description = f"{explanation} {'; '.join(words for _, words in pins)}."
    title = _layers_title(counts)
    return Upright(title, explanation, description, first, tuple(bars), tuple(ticks), pins, _WORDS)


def _layers_title(counts: list[int]) -> str:
    count, middle, largest = len(counts), _quantiles(counts)[0], counts[-1]
    if count == 1:
        return f"One image of {count_noun(largest, 'layer')}"
    if counts[0] == largest:
        return f"All {count:,} images have {count_noun(largest, 'layer')}"
    return f"Half of the {count:,} images have at most {count_noun(middle, 'layer')}; the deepest has {largest:,}"


def layer_counts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The distribution of the number of layers of images.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.layer_counts` gives it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts classes: of one number of layers each or, where images differ much, of several.

    References
    ----------
    .. [1] Zhao et al., "Large-Scale Analysis of the Docker Hub Dataset", IEEE CLUSTER 2019.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import layer_counts as answer
    >>> table = answer(rv.read())
    >>> int(sum(bar.get_height() for bar in layer_counts(table).patches)) == len(table)
    True
    """
    return draw(describe_layer_counts(table), ax)


def describe_layer_references(table: pd.DataFrame, *, of: Users = "images") -> Upright:
    """The bars, pins and sentences that :func:`layer_references` draws for an answer of `regviz.analysis`."""
    counts = sorted(int(count) for count in table[of])
    if not counts:
        title = "There is no layer"
        return Upright(title, "", title, 0, (), (), ())
    one = _ONE[of]
    if counts[0] == counts[-1]:  # one bar would say no more than the title
        title = _users_title(counts, one, of)
        return Upright(title, "", title, 0, (), (), ())
    classes, first = _counted(table, of, lambda count: count.bit_length() - 1)
    bars, ticks = [], []
    for number, (tagged, others) in enumerate(classes):
        power = first + number
        low, high = (1 << power, (2 << power) - 1) if power >= 0 else (0, 0)
        said = f"{low:,}" if low == high else f"{low:,}–{high:,}"
        bars.append(Bar(tagged, others, f"in {count_noun(low, one, of) if low == high else f'{said} {of}'}"))
        ticks.append((power + 0.5, said))
    middle, most = _quantiles(counts)
    pins = (
        (middle.bit_length() - 0.5, f"half of the layer blobs are in at most {count_noun(middle, one, of)}"),
        (most.bit_length() - 0.5, f"90 % in at most {most:,}"),
    )
    alone = table[(table[of] == 1) & table["present"]]
    held, total = (int(rows["blob_bytes"].sum()) for rows in (alone, table[table["present"]]))
    parts = [f"Blobs of layers by the {of} that have them; each class is twice as wide as the one before."]
    if total:
        parts.append(f"Those of one {one} alone have {percent(held, total)} of the {format_bytes(total)}.")
    parts += [_HUB_USERS] * (of == "images")
    explanation = " ".join(parts)
    description = f"{explanation} {'; '.join(words for _, words in pins)}."
    return Upright(_users_title(counts, one, of), explanation, description, first, tuple(bars), tuple(ticks), pins)


def _users_title(counts: list[int], one: str, many: str) -> str:
    count, alone, most = len(counts), counts.count(1), counts[-1]
    if count == 1:
        return f"One layer blob, in {count_noun(most, one, many)}"
    if most <= 1:
        return f"None of {count:,} layer blobs is in more than one {one}"
    if not alone:
        return f"No layer blob is in one {one} alone; the most used of {count:,} is in {most:,}"
    some = "One" if alone == 1 else percent(alone, count).capitalize()
    are = "is" if alone == 1 else "are"
    return f"{some} of {count:,} layer blobs {are} in one {one} alone; the most used is in {most:,}"


def layer_references(table: pd.DataFrame, *, of: Users = "images", ax: Axes | None = None) -> Axes:
    """The distribution of reference counts: in how many images (tags, repositories) each layer is.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.layer_sizes` gives it.
    of : {"images", "tags", "repositories"}
        What is counted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; left out, on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Its x axis counts powers of two: from 3 to 4 lie the layers of 8 to 15 images.

    References
    ----------
    .. [1] Zhao et al., "Large-Scale Analysis of the Docker Hub Dataset", IEEE CLUSTER 2019.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis import layer_sizes as answer
    >>> table = answer(rv.read())
    >>> int(sum(bar.get_height() for bar in layer_references(table).patches)) == len(table)
    True
    """
    return draw(describe_layer_references(table, of=of), ax)


def _counted(table: pd.DataFrame, column: str, class_of: Callable[[int], int]) -> tuple[list[tuple[int, int]], int]:
    """How many of each class tags reach, and how many none does; and the first class."""
    classes = [class_of(int(count)) for count in table[column]]
    counts = Counter(zip(classes, (table["tags"] > 0).tolist(), strict=True))
    first = min(classes)
    return [(counts[each, True], counts[each, False]) for each in range(first, max(classes) + 1)], first


def _quantiles(counts: list[int]) -> tuple[int, int]:
    """What half of them, and nine of ten, do not exceed; they are sorted."""
    return counts[(len(counts) - 1) // 2], counts[-(-9 * len(counts) // 10) - 1]

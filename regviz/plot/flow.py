"""Tags, the images they name and the layers those stand on, as three columns: where everything lies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regviz.plot import map_words as words
from regviz.plot.canvas import Text
from regviz.plot.contents import Chosen, Contents, choose, contents_of, repository_bytes
from regviz.plot.labels import drawable, fit, fit_all, text_width
from regviz.plot.palette import MUTED, SEVERAL, STATES, repository_colours
from regviz.plot.steps import map_marks
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun, format_bytes, short_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from regviz.plot.marks import Mark

MOST = 26
BAR = 9.0
SLOT = 14.5
_HEIGHT = 380.0
_LEFT, _RIGHT = 205.0, 175.0
_BENDS = 70.0
_STRUCK = 4.5
"""Points: a line that is thinner would strike out the label on it."""
_THIN = 0.8


@dataclass(frozen=True, slots=True)
class Box:
    """A tag, an image or a layer.

    Attributes
    ----------
    key : str
        ``repository:tag``, an image's digest, a layer's blob; empty for all layers that have no box of their
        own.
    bytes : int
        Of its layers.
    x, y, height : float
        Its upper left corner, in points from that of the picture.
    colour, label : str
    """

    key: str
    bytes: int
    x: float
    y: float
    height: float
    colour: str
    label: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What leads from a box to one of the next column.

    Attributes
    ----------
    left, right : Box
    x, y, height : float
        Where it leaves; right of the label of what is too thin to have a label on it.
    to_y, to_height : float
        Where it arrives.
    bend : float
        Up to where it goes straight, for a label to lie on it.
    """

    left: Box
    right: Box
    x: float
    y: float
    height: float
    to_y: float
    to_height: float
    bend: float


@dataclass(frozen=True, slots=True)
class TagMap:
    """What :func:`regviz.plot.tag_map` draws.

    Attributes
    ----------
    title, explanation, description : str
    width, height : float
        Points.
    tags, images, layers : tuple of Box
        The columns, from the top.
    ribbons : tuple of Ribbon
    texts : tuple of Text
    marks : mapping of str to tuple of Mark
        What stands for each ribbon, tag, image and layer.
    """

    title: str
    explanation: str
    description: str
    width: float
    height: float
    tags: tuple[Box, ...] = ()
    images: tuple[Box, ...] = ()
    layers: tuple[Box, ...] = ()
    ribbons: tuple[Ribbon, ...] = ()
    texts: tuple[Text, ...] = ()
    marks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)


def describe_tag_map(table: pd.DataFrame, *, width: float = 720.0, height: float = _HEIGHT, most: int = MOST) -> TagMap:
    """Where everything lies in the picture that :func:`regviz.plot.tag_map` draws.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`regviz.analysis.tag_images` gives it.
    width, height : float
        Points; about `height` for the fullest column, if its boxes are not many.
    most : int
        Boxes in a column.
    """
    contents = contents_of(table)
    if not contents.tags:
        return TagMap(words.title(contents), "", words.title(contents), width, 0.0)
    colours = repository_colours(repository_bytes(table))
    return _Layout(contents, choose(contents, most), colours, width, height).tag_map()


class _Layout:
    def __init__(
        self, contents: Contents, chosen: Chosen, colours: dict[str, str], width: float, height: float
    ) -> None:
        self.contents, self.chosen, self.width = contents, chosen, width
        self.colours = colours
        self.small_bytes = sum(contents.layers[layer] for layer in chosen.small)
        fullest = max(
            sum(contents.tag_bytes[tag] for tag in chosen.tags),
            sum(contents.image_bytes[image] for image in chosen.images),
            sum(contents.layers[layer] for layer in chosen.layers) + self.small_bytes,
        )
        boxes = max(len(chosen.tags), len(chosen.images), len(chosen.layers))
        self.unit = min(height, max(3 * SLOT, boxes * SLOT)) / fullest if fullest else 0.0

    def tag_map(self) -> TagMap:
        """The whole picture."""
        names = [drawable(":".join(tag)) for tag in self.chosen.tags]
        names = fit_all(names, min(_LEFT, self.width / 3), TEXT_SIZE)
        first = max(text_width(name, TEXT_SIZE) for name in names) + 5
        last = self.width - self._right()
        middle = first + (last - first) * 0.3
        columns = self._levelled([self._tags(first, names), self._images(middle), self._layers(last)])
        tags, images, layers = columns
        texts = [Text(box.x - 5, box.y + box.height / 2, box.label, anchor="right") for box in tags]
        room = last - middle - BAR - 8 - _BENDS
        named = [fit(box.label, room, SMALL_SIZE) for box in images]
        at = middle + BAR + 4
        texts += [Text(at, box.y + box.height / 2, name, SMALL_SIZE) for box, name in zip(images, named, strict=True)]
        bend = at + 4 + max((text_width(name, SMALL_SIZE) for name in named), default=0.0)
        texts += self._layer_texts(layers)
        explanation = words.explanation(self.contents, self.chosen)
        ribbons = self._ribbons(tags, images, layers, bend)
        return TagMap(
            words.title(self.contents),
            explanation,
            f"Three columns joined by ribbons: {words.description(self.contents, self.chosen)} {explanation}",
            self.width,
            max(_bottom(column) for column in columns),
            tuple(tags),
            tuple(images),
            tuple(layers),
            tuple(ribbons),
            tuple(texts),
            map_marks(self.contents, self.chosen, (tags, images, layers), ribbons),
        )

    def _right(self) -> float:
        """How wide the layers and what is said of them are."""
        sizes, names = self._widths()
        return min(_RIGHT, self.width / 3, BAR + 4 + sizes + 5 + names)

    def _widths(self) -> tuple[float, float]:
        """How wide the sizes of the layers are, and their names."""
        said = [self._said(key) for key in self._keys()]
        sizes, names = (max((text_width(each[part], SMALL_SIZE) for each in said), default=0.0) for part in (0, 1))
        return sizes, names

    def _layer_texts(self, layers: Sequence[Box]) -> list[Text]:
        """Sizes and names below each other; on one line each where there is no room for that."""
        sizes, names = self._widths()
        made = []
        for box in layers:
            left, y = box.x + BAR + 4, box.y + box.height / 2
            size, name = self._said(box.key)
            if left + sizes + 5 + names <= self.width + 0.01:
                made.append(Text(left + sizes, y, size, SMALL_SIZE, MUTED, "right"))
                made.append(Text(left + sizes + 5, y, name, SMALL_SIZE, MUTED))
            else:
                made.append(Text(left, y, fit(box.label, self.width - left, SMALL_SIZE), SMALL_SIZE, MUTED))
        return made

    def _tags(self, x: float, names: Sequence[str]) -> list[Box]:
        return self._stacked(
            x,
            [
                (":".join(tag), self.contents.tag_bytes[tag], self.colours[tag[0]], name)
                for tag, name in zip(self.chosen.tags, names, strict=True)
            ],
        )

    def _images(self, x: float) -> list[Box]:
        platforms = self.contents.platforms
        several = len({platforms[image] for image in self.chosen.images}) > 1
        return self._stacked(
            x,
            [
                (image, self.contents.image_bytes[image], self._colour(image), drawable(label))
                for image in self.chosen.images
                for label in [f"{short_digest(image)} {platforms[image] if several else ''}".strip()]
            ],
        )

    def _keys(self) -> list[str]:
        """The layers that have a box; the empty key is that of all others."""
        return [*self.chosen.layers, *[""] * bool(self.chosen.small)]

    def _said(self, key: str) -> tuple[str, str]:
        """The size of a layer, and what it is called."""
        if not key:
            return format_bytes(self.small_bytes), count_noun(len(self.chosen.small), "smaller blob")
        size = "absent" if key in self.contents.absent else format_bytes(self.contents.layers[key])
        return size, drawable(short_digest(key))

    def _layers(self, x: float) -> list[Box]:
        members = []
        for key in self._keys():
            size = self.contents.layers[key] if key else self.small_bytes
            members.append((key, size, self._colour(key) if key else SEVERAL, " ".join(self._said(key))))
        return self._stacked(x, members)

    def _colour(self, key: str) -> str:
        if key in self.contents.absent:
            return STATES["absent"]
        owners = self.contents.owners[key]
        return self.colours.get(next(iter(owners)), SEVERAL) if len(owners) == 1 else SEVERAL

    def _stacked(self, x: float, members: Sequence[tuple[str, int, str, str]]) -> list[Box]:
        """Boxes below each other, each with room for a line of text."""
        boxes, y = [], 0.0
        for key, size, colour, label in members:
            height = max(_THIN, size * self.unit)
            slot = max(SLOT, height + 3)
            boxes.append(Box(key, size, x, y + (slot - height) / 2, height, colour, label))
            y += slot
        return boxes

    @staticmethod
    def _levelled(columns: Sequence[Sequence[Box]]) -> list[list[Box]]:
        """Columns moved down so that most bytes go straight, none beyond the tallest."""
        height = max(_bottom(column) for column in columns)
        middle = _centre(max(columns, key=_bottom))
        made = []
        for column in columns:
            down = min(max(0.0, middle - _centre(column)), height - _bottom(column))
            made.append([replace(box, y=box.y + down) for box in column])
        return made

    def _ribbons(self, tags: Sequence[Box], images: Sequence[Box], layers: Sequence[Box], bend: float) -> list[Ribbon]:
        found: list[Ribbon] = []
        of_image, of_layer = {box.key: box for box in images}, {box.key: box for box in layers}
        for box, tag in zip(tags, self.chosen.tags, strict=True):
            targets = [of_image[image] for image in self.contents.tags[tag] if image in of_image]
            found += _leaving(box, [(target, target.height) for target in sorted(targets, key=lambda to: to.y)], 0.0)
        for box in images:
            sizes: dict[str, int] = {}
            for layer in self.contents.images[box.key]:
                key = layer if layer in of_layer else ""
                sizes[key] = sizes.get(key, 0) + self.contents.layers[layer]
            to = sorted(sizes, key=lambda key: of_layer[key].y)
            found += _leaving(box, [(of_layer[key], sizes[key] * self.unit) for key in to], bend)
        return _beside_each_other(found)


def _leaving(box: Box, targets: Sequence[tuple[Box, float]], bend: float) -> list[Ribbon]:
    """Ribbons that leave a box below each other; images of one tag may share layers, then they leave narrower."""
    whole = sum(height for _, height in targets)
    narrower = min(1.0, box.height / whole) if whole else 1.0
    found, y, edge = [], box.y, box.x + BAR
    start = bend if bend > edge and box.height < _STRUCK else edge
    for target, height in targets:
        leaves = max(_THIN, height * narrower)
        found.append(Ribbon(box, target, start, y, leaves, target.y, target.height, max(bend, edge)))
        y += height * narrower
    return found


def _beside_each_other(ribbons: Sequence[Ribbon]) -> list[Ribbon]:
    """Ribbons to the box of all other layers arrive below each other: it is no one blob, of which each has all."""
    whole = sum(ribbon.height for ribbon in ribbons if not ribbon.right.key)
    found, done = [], 0.0
    for ribbon in ribbons:
        if ribbon.right.key:
            found.append(ribbon)
            continue
        share = ribbon.right.height / whole
        found.append(replace(ribbon, to_y=ribbon.right.y + done * share, to_height=ribbon.height * share))
        done += ribbon.height
    return found


def _centre(column: Sequence[Box]) -> float:
    """The middle of a column, each box as heavy as it is high."""
    weight = sum(box.height for box in column)
    return sum((box.y + box.height / 2) * box.height for box in column) / weight if weight else 0.0


def _bottom(column: Sequence[Box]) -> float:
    """The lower edge of a column, with the room around its last box."""
    return max((box.y + (max(SLOT, box.height + 3) + box.height) / 2 for box in column), default=0.0)

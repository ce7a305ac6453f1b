"""What tags, images and layers hold, made ready for the tag map: whose the bytes are, what is shown, in what order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    Tag = tuple[str, str]

_SWEEPS = 10


@dataclass(slots=True)
class Contents:
    """An answer of :func:`regviz.analysis.tag_images` as dictionaries.

    Attributes
    ----------
    tags : dict of tag to list of str
        The images of each ``(repository, tag)``.
    images : dict of str to list of str
        The layers of each image, once each, by their blobs.
    layers : dict of str to int
        Bytes of each layer; 0 where it is not there.
    platforms : dict of str to str
        Of each image; empty where it has none.
    absent : set of str
        Layers that are not there.
    owners : dict of str to set of str
        The repositories of each image and layer.
    tag_bytes, image_bytes : dict to int
        Bytes of the distinct layers.
    """

    tags: dict[Tag, list[str]] = field(default_factory=dict)
    images: dict[str, list[str]] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    platforms: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    owners: dict[str, set[str]] = field(default_factory=dict)
    tag_bytes: dict[Tag, int] = field(default_factory=dict)
    image_bytes: dict[str, int] = field(default_factory=dict)


def contents_of(table: pd.DataFrame) -> Contents:
    """Read an answer."""
    import pandas as pd

    found = Contents()
    names = ("repository", "tag", "image", "blob")
    codes = pd.DataFrame({name: pd.factorize(table[name])[0] for name in names}, index=table.index)
    more: Mapping[tuple[str, ...], tuple[str, ...]] = {("image",): ("platform",), ("blob",): ("blob_bytes", "present")}

    def rows(*keys: str) -> Iterator[tuple[Any, ...]]:
        """The first row of each combination of keys; without what has no blob, where blobs are asked for."""
        first = ~codes.duplicated(list(keys)) & ((codes["blob"] >= 0) | ("blob" not in keys))
        chosen = table.loc[first]
        return zip(*(chosen[name].astype(object).tolist() for name in (*keys, *more.get(keys, ()))), strict=True)

    for repository, tag, image in rows("repository", "tag", "image"):
        found.tags.setdefault((repository, tag), []).append(image)
        found.owners.setdefault(image, set()).add(repository)
    for image, platform in rows("image"):
        found.platforms[image] = platform if isinstance(platform, str) else ""
        found.images[image] = []
    for image, blob in rows("image", "blob"):
        found.images[image].append(blob)
    for repository, blob in rows("repository", "blob"):
        found.owners.setdefault(blob, set()).add(repository)
    for blob, size, present in rows("blob"):
        is_here = present is not pd.NA and bool(present)
        found.layers[blob] = int(size) if is_here and size is not pd.NA else 0
        found.absent |= set() if is_here else {blob}
    found.image_bytes = {image: sum(map(found.layers.__getitem__, layers)) for image, layers in found.images.items()}
    for tag, images in found.tags.items():
        reached = (
            {layer for image in images for layer in found.images[image]} if images[1:] else found.images[images[0]]
        )
        found.tag_bytes[tag] = sum(map(found.layers.__getitem__, reached))
    return found


def repository_bytes(table: pd.DataFrame) -> dict[str, int]:
    """Bytes of the distinct layers that the tags of each repository reach.

    Of several blobs of a layer the one counts whose bytes the layer graph has, so that a repository has the same
    rank, and so the same colour, in both figures.
    """
    import pandas as pd

    rows = table[table["layer"].notna() & table["blob_bytes"].notna()]
    codes = pd.DataFrame({name: pd.factorize(rows[name])[0] for name in ("repository", "layer", "blob")}, rows.index)
    pairs = rows[~codes.duplicated(["layer", "blob"])]
    pairs = pairs.assign(absent=~pairs["present"].fillna(False)).sort_values(["absent", "blob"])
    length = pairs.drop_duplicates("layer").set_index("layer")["blob_bytes"]
    owned = rows.loc[~codes.duplicated(["repository", "layer"]), ["repository", "layer"]]
    summed = length.loc[owned["layer"]].groupby(owned["repository"].to_numpy()).sum()
    return dict.fromkeys(table["repository"].tolist(), 0) | {str(name): int(size) for name, size in summed.items()}


@dataclass(slots=True)
class Chosen:
    """What is shown, in order from the top; `small` are the layers that share one box."""

    tags: list[Tag]
    images: list[str]
    layers: list[str]
    small: list[str]


def choose(contents: Contents, most: int) -> Chosen:
    """What to show, at most so many of each kind, in an order in which little crosses.

    Of the tags the largest of each repository come first, then the second largest of each, and so on; of
    images the largest; of layers those that have most bytes times the images that use them.
    """
    turn: dict[str, int] = {}
    ranked = []
    for tag in sorted(contents.tags, key=lambda tag: (-contents.tag_bytes[tag], tag)):
        turn[tag[0]] = turn.get(tag[0], 0) + 1
        ranked.append((turn[tag[0]], -contents.tag_bytes[tag], tag))
    tags = sorted(tag for _, _, tag in sorted(ranked)[:most])
    named = {image for tag in tags for image in contents.tags[tag]}
    images = sorted(named, key=lambda image: (-contents.image_bytes[image], image))[:most]
    uses: dict[str, int] = {}
    for image in images:
        for layer in contents.images[image]:
            uses[layer] = uses.get(layer, 0) + 1
    layers = sorted(uses, key=lambda layer: (-contents.layers[layer] * uses[layer], layer))
    return _untangled(contents, Chosen(tags, images, layers[:most], layers[most:]))


def _untangled(contents: Contents, chosen: Chosen) -> Chosen:
    """Put every box at the mean place of those it is joined to, from the left and from the right in turn.

    The tags of a repository stay together. Of all orders that come up, the one with the shortest way for all
    bytes.
    """
    links = [
        (image, layer, contents.layers[layer] + 1)
        for image in chosen.images
        for layer in contents.images[image]
        if layer in set(chosen.layers)
    ]
    names = [(tag[0], image, contents.image_bytes[image] + 1) for tag in chosen.tags for image in contents.tags[tag]]
    backwards = [(layer, image, size) for image, layer, size in links]
    to_repositories = [(image, name, size) for name, image, size in names]
    repositories = list(dict.fromkeys(name for name, _ in chosen.tags))
    images, layers = chosen.images, chosen.layers
    orders = []
    for _ in range(_SWEEPS):
        images = _by_mean(images, repositories, names)
        layers = _by_mean(layers, images, links)
        way = _way(repositories, images, names) + _way(images, layers, links)
        orders.append((way, repositories, images, layers))
        images = _by_mean(images, layers, backwards)
        repositories = _by_mean(repositories, images, to_repositories)
    _, repositories, images, layers = min(orders, key=lambda order: order[0])
    place = {name: at for at, name in enumerate([*repositories, *images])}
    order = {
        tag: min((place[image] for image in contents.tags[tag] if image in place), default=0) for tag in chosen.tags
    }
    tags = sorted(chosen.tags, key=lambda tag: (place[tag[0]], order[tag], tag))
    return Chosen(tags, images, layers, chosen.small)


def _by_mean(keys: Sequence[str], others: Sequence[str], links: Sequence[tuple[str, str, int]]) -> list[str]:
    """Keys by the mean place, weighted with bytes, of the others that links lead from; without any, where they are."""
    place = {other: at / len(others) for at, other in enumerate(others)}
    moments, weights = dict.fromkeys(keys, 0.0), dict.fromkeys(keys, 0)
    for other, key, size in links:
        if key in moments and other in place:
            moments[key] += place[other] * size
            weights[key] += size
    stay = {key: at / len(keys) for at, key in enumerate(keys)}
    return sorted(keys, key=lambda key: moments[key] / weights[key] if weights[key] else stay[key])


def _way(left: Sequence[str], right: Sequence[str], links: Sequence[tuple[str, str, int]]) -> float:
    """How far all bytes go up or down on their way from one column to the next."""
    start = {key: at / len(left) for at, key in enumerate(left)}
    end = {key: at / len(right) for at, key in enumerate(right)}
    return sum(abs(start[a] - end[b]) * size for a, b, size in links if a in start and b in end)

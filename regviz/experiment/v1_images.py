"""Images as ``docker save`` archives have them, or an engine: what a v1 client uploads of each.

An archive of before 1.10 holds v1 images as they are. Of any later one the v1 images are made from the configuration
(:mod:`regviz.world.v1_today`), so that the same image has the same ids whichever engine saved it.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regviz.errors import NotRecognisedError, RegvizError
from regviz.experiment.v1_layers import Layer
from regviz.facts import Facts
from regviz.layouts.common import Options
from regviz.layouts.docker.archive import Archive, expected
from regviz.layouts.docker.files import Files
from regviz.layouts.docker.names import familiar, split_reference
from regviz.layouts.docker.old_files import read_saved
from regviz.live.docker_engine import SCHEME
from regviz.live.engine import connect, engine_host, explained
from regviz.manifests.json import load_object, mapping, text
from regviz.pool import V1_ID, V1_LAYER, is_digest, is_v1_id
from regviz.storage import OPENERS, kind_of
from regviz.storage.streams import Stream
from regviz.storage.tar import PlainFile, Tar
from regviz.text import clean
from regviz.world.v1_today import V1Step, v1_steps
from regviz.world.v1_upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PIECE = 1 << 20
_DEEPEST = 2  # blobs/sha256/<hex>
_MOST_LAYERS = 1000  # docker itself stops at 127 (layer/layer_store.go, maxLayerDepth)


class Named(NamedTuple):
    """An image of an archive, by a name that it has there."""

    repository: str
    tag: str
    image: str


@dataclass(frozen=True)
class Images:
    """The images of an archive.

    Attributes
    ----------
    steps : mapping of str to list of (V1Step, Layer)
        What an image is made of, base first, by the v1 id of its top.
    names : list of Named
        Empty where images were saved by their ids.
    """

    steps: Mapping[str, list[tuple[V1Step, Layer]]]
    names: list[Named]

    def uploads(self, image: str) -> list[Upload]:
        """What is uploaded of an image, base first; its layers are read once, to see that they are what they should be.

        Raises
        ------
        DamagedArchiveError
            A layer is not.
        """
        for _, layer in self.steps[image]:
            layer.check()
        return [
            Upload(step.id, step.parent, step.json, layer.sent, None if layer.is_empty else layer.members)
            for step, layer in self.steps[image]
        ]


@contextmanager
def images_of(image: str) -> Iterator[Images]:
    """The images of an archive, or of an engine: ``docker-daemon:NAME``; they can be read within the context.

    Raises
    ------
    RegvizError
        There is no such archive or image, or what it holds does not fit together.
    """
    with tempfile.TemporaryDirectory(prefix="regviz-") as place:
        path = _plain(image, Path(place) / "image.tar")
        with closing(_Plain(path)) as file:
            yield _read(file, image)


class _Plain(PlainFile):
    def close(self) -> None:
        """Close it now, as Windows removes no file that is open."""
        self.__del__()
        del self._descriptor


def _plain(image: str, place: Path) -> str:
    """An uncompressed archive on this disk: the one that was given, else a copy in a place of its own."""
    if image.startswith(SCHEME):
        _save_from_engine(image.removeprefix(SCHEME), place)
        return str(place)
    path = Path(image)
    if path.is_dir():
        raise NotRecognisedError(f"{image} is a folder: give the archive that docker save wrote (tar packs it again)")
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(512))
    except FileNotFoundError as error:
        raise RegvizError(f"nothing lies at {image}: give an archive of docker save, or {SCHEME}NAME") from error
    if kind == "tar":
        return image
    if kind not in OPENERS:
        raise NotRecognisedError(f"{image} is no archive of docker save, which is a tar, plain or compressed")
    stream = Stream(image, OPENERS[kind])
    at = 0
    with place.open("wb") as copy:
        while piece := stream.read_at(at, _PIECE):
            at += copy.write(piece)
    return str(place)


def _save_from_engine(name: str, place: Path) -> None:
    """Have the engine save an image, by all names that belong to what was asked for."""
    import docker

    if not name:
        raise RegvizError(f"which image? Write {SCHEME}NAME[:TAG]; docker images lists those there are")
    host = engine_host()
    with explained(host), closing(connect()) as client:
        try:
            image = client.images.get(name)
        except docker.errors.ImageNotFound as error:
            raise RegvizError(f"the Docker Engine at {host} has no image {name}: docker images lists those") from error
        with place.open("wb") as file:
            named = next((tag for tag in (name, f"{name}:latest") if tag in image.tags), bool(image.tags))
            for piece in image.save(named=named):
                file.write(piece)


def _read(file: PlainFile, image: str) -> Images:
    files = Files(Tar(file), b"", _no_tick, lambda path: path.count(b"/") <= _DEEPEST, expected)
    archive = Archive(files, Facts(), Options())
    found = _today(file, files, archive) if archive.list_images() else _old(file, files)
    if not found.steps:
        raise NotRecognisedError(
            f"{image} has no image that docker save wrote: neither a manifest.json that lists one, nor repositories; "
            "an OCI layout becomes such an archive by docker load and docker save"
        )
    return found


def _no_tick(count: int) -> None:
    del count


def _today(file: PlainFile, files: Files, archive: Archive) -> Images:
    made: dict[str, list[tuple[V1Step, Layer]]] = {}
    names: list[Named] = []
    layers = _Layers(file, files)
    for image in archive.images.values():
        shown = clean(image.names[0] if image.names else image.id)
        content = files.content(image.config)
        config = load_object(content) if content is not None else None
        if content is None or config is None:
            raise RegvizError(f"{shown}: its configuration is missing, too large or no JSON")
        if hashlib.sha256(content).hexdigest() != image.id.removeprefix("sha256:"):
            raise RegvizError(f"{shown}: its configuration has another digest than its name says")
        diff_ids = mapping(config.get("rootfs")).get("diff_ids")
        if not isinstance(diff_ids, list) or not all(isinstance(one, str) and is_digest(one) for one in diff_ids):
            raise RegvizError(f"{shown}: its configuration does not list its layers, so it is no image of docker's")
        if not 0 < len(diff_ids) == len(image.layers) <= _MOST_LAYERS:
            raise RegvizError(
                f"{shown}: the archive lists {len(image.layers)} layers, its configuration {len(diff_ids)}; there must "
                f"be as many, at least one and at most {_MOST_LAYERS}"
            )
        steps = v1_steps(config, diff_ids)
        places = zip(image.layers, diff_ids, strict=True)
        made[steps[-1].id] = list(zip(steps, (layers.at(*place) for place in places), strict=True))
        names += [Named(familiar(name), tag, steps[-1].id) for name, tag in map(split_reference, image.names)]
    return Images(made, names)


def _old(file: PlainFile, files: Files) -> Images:
    images, said = read_saved(files, Facts(V1_ID, V1_LAYER), Options())
    documents = {name: load_object(image.document or b"") for name, image in images.items()}
    parents = {text((document or {}).get("parent")) for document in documents.values()}
    names = [
        Named(familiar(clean(repository)), clean(tag), text(target))
        for repository, tags in said.items()
        for tag, target in mapping(tags).items()
    ]
    tops = dict.fromkeys([name.image for name in names]) or dict.fromkeys(sorted(images.keys() - parents))
    made = {}
    layers = _Layers(file, files)
    for top in tops:
        chain: list[str] = []
        above = top
        while above:
            document = documents.get(above)
            is_there = document is not None and document.get("id") == above and is_v1_id(above)
            if document is None or not is_there or above in chain or len(chain) >= _MOST_LAYERS:
                raise RegvizError(
                    f"the image {clean(top)[:64]} stands on {clean(above)[:64]}, whose json is missing, says another "
                    f"id, or leads back to it: an image has at most {_MOST_LAYERS} steps, each in the archive"
                )
            chain.append(above)
            above = text(document.get("parent"))
        chain.reverse()
        made[top] = [
            (V1Step(name, parent, images[name].document or b""), layers.at(f"{name}/layer.tar".encode(), ""))
            for parent, name in zip(["", *chain], chain, strict=False)
        ]
    return Images(made, names)


class _Layers:
    """The layers of an archive, each once."""

    def __init__(self, file: PlainFile, files: Files) -> None:
        self._file, self._files = file, files
        self._met: dict[tuple[bytes, str], Layer] = {}

    def at(self, path: bytes, diff_id: str) -> Layer:
        """The layer that lies at a path, or that a link there leads to."""
        target = self._files.resolve(path)
        locator = self._files[target].locator if target else -1
        shown = self._files.shown(path)
        if not isinstance(locator, int) or locator < 0:
            raise RegvizError(f"the layer {shown} is not in the archive, or cannot be read: save the image again")
        layer = Layer(self._file, locator, self._files[target].size, shown, diff_id)
        return self._met.setdefault((target, diff_id), layer)

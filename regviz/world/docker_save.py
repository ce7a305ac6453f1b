"""What ``docker save`` writes of the images that a world's tags name in the end, by engines of two ages.

Notes
-----
0.9: moby v0.9.0, server.go, ImageExport and exportImage. 20.10: moby v20.10.24, image/tarexport/save.go. An engine for
linux/amd64 holds of an index that platform's image, and neither artifacts nor images with layers that are to be had
elsewhere.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.world.describe import Image, Index
from regviz.world.documents import image_config
from regviz.world.encode import EMPTY_TAR, chain_ids, digest, go_json, go_time
from regviz.world.filetree import FileTree
from regviz.world.v1_json import DOCKER_0_9, v1_images

if TYPE_CHECKING:
    from regviz.world.describe import Content
    from regviz.world.events import World

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ZERO_CONTAINER: dict[str, Any] = {
    **dict.fromkeys(("Hostname", "Domainname", "User"), ""),
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"), False),
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}


def saved(world: World, engine: str) -> FileTree:
    """The archive's content, not packed yet.

    Parameters
    ----------
    world : World
        After all its events.
    engine : {"20.10", "0.9"}
        0.9 saves the images that the world's v1 registry names, 20.10 those of its Distribution registry.

    Raises
    ------
    RegvizError
        There is no such engine.

    Examples
    --------
    >>> from regviz.world import small_world
    >>> [name for name in saved(small_world(), "20.10") if "/" not in name][-2:]
    ['manifest.json', 'repositories']
    """
    tree = FileTree()
    if engine == "0.9":
        _save_old(tree, _named(world, "v1"))
    elif engine == "20.10":
        _save(tree, _named(world, "distribution"))
    else:
        message = f"no engine {engine!r} can be imitated; there are 0.9 and 20.10"
        raise RegvizError(message)
    return tree


def _named(world: World, layout: str) -> dict[tuple[str, str], Image]:
    """Images by repository and tag, as an engine that pulled all of them knows them."""
    found = {}
    for repository, tags in sorted(world.tags(layout).items()):
        for tag, content in sorted(tags.items()):
            image = _image(content)
            if image is not None:
                found[repository.removeprefix("library/"), tag] = image
    return found


def _image(content: Content) -> Image | None:
    if isinstance(content, Index):
        images = [child.content for child in content.children if isinstance(child.content, Image)]
        return next((image for image in images if (image.os, image.architecture) == ("linux", "amd64")), None)
    if isinstance(content, Image) and not any(layer.urls for layer in content.layers):
        return content
    return None


def _save(tree: FileTree, named: dict[tuple[str, str], Image]) -> None:
    entries: dict[str, dict[str, Any]] = {}
    names: dict[str, dict[str, str]] = {}
    place_of: dict[str, str] = {}
    for (repository, tag), image in named.items():
        config = image_config(image)
        entry = entries.get(digest(config))
        if entry is None:
            layers = _save_layers(tree, image, config, place_of)
            path = f"{_hex(digest(config))}.json"
            tree.write(path, config, image.created)
            entry = entries[digest(config)] = {"Config": path, "RepoTags": [], "Layers": layers}
        entry["RepoTags"].append(f"{repository}:{tag}")
        names.setdefault(repository, {})[tag] = entry["Layers"][-1].partition("/")[0]
    tree.write("manifest.json", go_json([*entries.values()]), _EPOCH)
    tree.write("repositories", go_json(names), _EPOCH)


def _save_layers(tree: FileTree, image: Image, config: bytes, place_of: dict[str, str]) -> list[str]:
    """Write an image's layers, each under an id made of its place on the stack; one that lies there is linked to."""
    layers = image.filesystem_layers
    chains = chain_ids(layer.diff_id for layer in layers)
    paths, parent = [], ""
    for number, (layer, chain) in enumerate(zip(layers, chains, strict=True)):
        is_top = number == len(layers) - 1
        name = _hex(digest(b"\n".join((parent.encode(), chain.encode(), config if is_top else b""))))
        path = f"{name}/layer.tar"
        paths.append(path)
        if name not in tree:
            tree.write(f"{name}/VERSION", b"1.0", image.created)
            tree.write(f"{name}/json", _layer_json(name, parent, image if is_top else None), image.created)
            if layer.diff_id in place_of:
                tree.link(path, f"../{place_of[layer.diff_id]}", image.created)
            else:
                tree.write(path, layer.tar, image.created)
                place_of[layer.diff_id] = path
        parent = name
    return paths


def _layer_json(name: str, parent: str, image: Image | None) -> bytes:
    """What engines before 1.10 read of a layer; only the top one says what the image is."""
    said: dict[str, Any] = {"id": name, **({"parent": parent} if parent else {})}
    said["created"] = go_time(image.created if image else _EPOCH)
    said["container_config"] = _ZERO_CONTAINER
    if image is None:
        return go_json(said | {"os": "linux"})
    author = {"author": image.author} if image.author else {}
    config = {**_ZERO_CONTAINER, **image.config}
    return go_json({**said, **author, "config": config, "architecture": image.architecture, "os": image.os})


def _save_old(tree: FileTree, named: dict[tuple[str, str], Image]) -> None:
    names: dict[str, dict[str, str]] = {}
    for (repository, tag), image in named.items():
        chain = v1_images(image, DOCKER_0_9)
        for step in chain:
            if step.id not in tree:
                created = step.layer.created
                tree.write(f"{step.id}/VERSION", b"1.0", created)
                tree.write(f"{step.id}/json", step.json, created)
                tree.write(f"{step.id}/layer.tar", EMPTY_TAR if step.layer.empty else step.layer.tar, created)
        names.setdefault(repository, {})[tag] = chain[-1].id
    tree.write("repositories", go_json(names), _EPOCH)


def _hex(name: str) -> str:
    return name.removeprefix("sha256:")

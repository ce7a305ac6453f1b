"""The experiment's images in one archive, so that a room of thirty needs no internet and meets no limit of pulls."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from regviz.errors import RegvizError
from regviz.experiment.ready import IMAGES, attached, has_image, host_of, platform_of
from regviz.experiment.trouble import complaint
from regviz.layouts.common import no_progress
from regviz.layouts.docker.names import familiar, split_reference
from regviz.manifests.json import mapping, objects, text
from regviz.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docker import DockerClient

    from regviz.layouts.common import Progress

_CHUNK = 1 << 20
_LONGEST_LIST = 16 << 20


def save(
    target: str | os.PathLike[str],
    *,
    engine: str | DockerClient | None = None,
    images: Sequence[str] = IMAGES,
    progress: Progress = no_progress,
) -> Path:
    """Save the images that the experiment is made of as one archive of ``docker save``; what is not here is pulled.

    Parameters
    ----------
    target : path
        The archive; one that is there is replaced when the new one is whole.
    engine : str or DockerClient, optional
        As for :func:`regviz.experiment.ready.ready`.
    images : sequence of str
        Their names.
    progress : Progress

    Returns
    -------
    pathlib.Path

    Raises
    ------
    RegvizError
        The engine does not answer, an image cannot be pulled, or the archive cannot be written.

    Examples
    --------
    >>> save("images.tar", images=["registry:2", "busybox"])  # doctest: +SKIP
    PosixPath('images.tar')
    """
    place = Path(target)
    names = [with_tag(name) for name in images]
    with attached(engine) as client:
        for name in names:
            if not has_image(client, name):
                _pull(client, name, progress)
        _write(client, names, place, progress)
    return place


def load(
    archive: str | os.PathLike[str], *, engine: str | DockerClient | None = None, images: Sequence[str] = IMAGES
) -> tuple[str, ...]:
    """Give an engine those images of such an archive that it lacks.

    Parameters
    ----------
    archive : path
    engine : str or DockerClient, optional
        As for :func:`regviz.experiment.ready.ready`.
    images : sequence of str
        The names that are needed.

    Returns
    -------
    tuple of str
        Those that came; empty where the engine had all.

    Raises
    ------
    RegvizError
        The archive cannot be read, has not what is needed, or has it for another platform.

    Examples
    --------
    >>> load("images.tar")  # doctest: +SKIP
    ('registry:2', 'busybox:latest')
    """
    with attached(engine) as client:
        missing = tuple(name for name in map(with_tag, images) if not has_image(client, name))
        if not missing:
            return ()
        _refuse_what_does_not_fit(archive, missing, platform_of(client))
        with tempfile.TemporaryFile() as file:
            _write_only(missing, archive, file)
            for said in client.api.load_image(file):
                if "error" in said:
                    raise complaint(said["error"], host_of(client))
        return missing


def with_tag(name: str) -> str:
    """An image's name as engines list it.

    Examples
    --------
    >>> with_tag("busybox"), with_tag("docker.io/library/registry:2"), with_tag("localhost:5000/nodejs")
    ('busybox:latest', 'registry:2', 'localhost:5000/nodejs:latest')
    """
    if "@" in name:
        return name
    repository, tag = split_reference(name)
    return f"{familiar(repository)}:{tag or 'latest'}"


def platforms(archive: str | os.PathLike[str]) -> dict[str, set[str]]:
    """The platforms of each name in an archive of ``docker save``.

    Raises
    ------
    RegvizError
        It cannot be read.
    """
    reg = read(os.fspath(archive))
    images = reg.images.set_index("manifest")[["os", "architecture"]]
    children = reg.manifest_references[["manifest", "child"]].groupby("manifest", observed=True)["child"].agg(list)
    found: dict[str, set[str]] = {}
    for repository, tag, manifest in reg.tags[["repository", "tag", "manifest"]].itertuples(index=False):
        below = children[manifest] if manifest in children.index else []
        own = images[images.index.isin([manifest, *below])].dropna()
        found[with_tag(f"{repository}:{tag}")] = {f"{row.os}/{row.architecture}" for row in own.itertuples(index=False)}
    return found


def _refuse_what_does_not_fit(archive: str | os.PathLike[str], needed: Sequence[str], platform: str) -> None:
    there = platforms(archive)
    if absent := [name for name in needed if name not in there]:
        raise RegvizError(
            f"{os.fspath(archive)} has no {' and no '.join(absent)}, which the engine lacks: make it with `regviz "
            "experiment bundle`, with the same --registry-image and --base"
        )
    for name in needed:
        if there[name] and platform not in there[name]:
            raise RegvizError(
                f"{name} in {os.fspath(archive)} is for {' and '.join(sorted(there[name]))}, and this engine runs "
                f"{platform}: make an archive on a machine of that kind with `regviz experiment bundle`"
            )


def _pull(client: DockerClient, name: str, progress: Progress) -> None:
    with progress(f"pulling {name}", None):
        for said in client.api.pull(name, stream=True, decode=True):
            if "error" in said:
                raise complaint(said["error"], host_of(client))


def _write_only(names: Sequence[str], archive: str | os.PathLike[str], target: IO[bytes]) -> None:
    """Write what an archive has of some names: what else is in it might take the name of a person's own image."""
    try:
        with tarfile.open(archive) as source, tarfile.open(fileobj=target, mode="w") as chosen:
            for member in source:
                content: IO[bytes] | None = source.extractfile(member) if member.isreg() else None
                if content is not None and member.name in _LISTS and member.size <= _LONGEST_LIST:
                    data = json.dumps(_LISTS[member.name](json.loads(content.read()), set(names))).encode()
                    member.size, content = len(data), io.BytesIO(data)
                chosen.addfile(member, content)
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise RegvizError(
            f"{os.fspath(archive)} cannot be read as an archive of images ({error}): make it anew"
        ) from error
    target.seek(0)


def _of_manifest(entries: Any, names: set[str]) -> list[dict[str, Any]]:
    """Of ``manifest.json``, which every archive since Docker 1.10 has."""
    kept = [(each, [tag for tag in each.get("RepoTags") or () if with_tag(tag) in names]) for each in objects(entries)]
    return [each | {"RepoTags": tags} for each, tags in kept if tags]


def _of_index(index: Any, names: set[str]) -> dict[str, Any]:
    """Of ``index.json``, which archives since Docker 25 have too."""
    kept = []
    for each in objects(mapping(index).get("manifests")):
        named = text(mapping(each.get("annotations")).get("io.containerd.image.name"))
        kept += [each] if with_tag(named) in names else []
    return mapping(index) | {"manifests": kept}


def _of_repositories(repositories: Any, names: set[str]) -> dict[str, dict[str, Any]]:
    """Of ``repositories``, the list of before 1.10, which is still written."""
    kept = {}
    for name, tags in mapping(repositories).items():
        if found := {tag: one for tag, one in mapping(tags).items() if with_tag(f"{name}:{tag}") in names}:
            kept[name] = found
    return kept


_LISTS: Final[dict[str, Callable[[Any, set[str]], Any]]] = {
    "manifest.json": _of_manifest,
    "index.json": _of_index,
    "repositories": _of_repositories,
}
"""The files of an archive that say which images it has."""


def _write(client: DockerClient, names: Sequence[str], place: Path, progress: Progress) -> None:
    api = client.api
    url = f"{api.base_url}/v{api.api_version}/images/get"
    try:
        handle, unfinished = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        raise RegvizError(f"{place} cannot be written: {error.strerror}; give another place") from error
    try:
        with (
            os.fdopen(handle, "wb") as file,
            progress("bytes", None) as tick,
            api.get(url, params={"names": list(names)}, stream=True, timeout=None) as answer,
        ):
            api._raise_for_status(answer)  # noqa: SLF001  its own way from an answer to an error of docker's
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                tick(len(chunk))
        os.chmod(unfinished, 0o644)  # noqa: PTH101
        os.replace(unfinished, place)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)  # noqa: PTH108
        raise

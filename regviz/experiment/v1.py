"""A push as it was until 2017: by the v1 protocol to a v1 server, or as such a server would have stored it.

No engine since 17.12 speaks that protocol. Order of the requests: docker-registry 0.9.1, docker_registry/index.py and
images.py; moby v1.3.3, graph/push.go.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regviz.errors import RegvizError
from regviz.experiment.v1_folder import V1Folder
from regviz.experiment.v1_images import images_of
from regviz.layouts.distribution.grammar import LONGEST_NAME, NAME, TAG
from regviz.live.v1_session import NO_CONTENT, V1Session
from regviz.text import clean
from regviz.world.v1 import V1Writer, age_of
from regviz.world.v1_json import user_agent
from regviz.world.v1_upload import announced, payload_sum, tarsum

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from regviz.experiment.v1_images import Images
    from regviz.world.v1 import Age
    from regviz.world.v1_upload import Upload

    Say = Callable[[str], None]

_URL = re.compile(r"https?://", re.IGNORECASE)
_MOST_SHOWN = 10


class _Push(NamedTuple):
    """What goes into one repository."""

    repository: str
    tags: dict[str, str]


def v1_push(
    image: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    repository: str | None = None,
    tags: Sequence[str] | None = None,
    server: str = "0.9.1",
    say: Say | None = None,
) -> pd.DataFrame:
    """Push an image of today as docker did in 2014: to a v1 server, or into the storage that it would leave.

    Parameters
    ----------
    image : str or path
        An archive of ``docker save``, by any engine or of podman, skopeo, kaniko or crane; or an image of the engine,
        ``docker-daemon:NAME``.
    target : str or path
        The URL of a v1 registry, ``http(s)://[USER:PASSWORD@]HOST[:PORT]``. Or a folder: one that is empty or not there
        yet becomes a v1 storage, and a v1 storage grows.
    repository : str, optional
        What to call it. Without it everything keeps the name it has, without its host, which is stored nowhere; of an
        archive of several repositories it chooses that one.
    tags : sequence of str, optional
        The tags to push; an image alone in its archive may be given others than it has there. Without it all that there
        are, or ``latest``.
    server : {"0.9.1", "0.6.6", "0.6.5"}
        As which the folder looks, and as the docker of which time the client behaves; 0.6.6 is the article's.
    say : callable, optional
        Is called with a line of text for each request, or for each file that is written.

    Returns
    -------
    DataFrame
        A v1 image a row, base first: `repository`, `image`, `parent`, `sent` (False: it was there), `layer_bytes` (as
        they are sent; NA where nothing was).

    Raises
    ------
    RegvizError
        The archive, the name or the target is not as it should be; or the server refuses, or does not answer. What has
        arrived by then is not sent again.

    Notes
    -----
    An image from before Docker 1.10 has a v1 image for each line of its Dockerfile. Later ones keep only what changed
    files: each layer is a v1 image, its id and JSON those that docker 1.10 to 28 made for old clients
    (:mod:`regviz.world.v1_today`). Everything goes to the host of the URL, also where an index names others
    (``X-Docker-Endpoints``).

    Examples
    --------
    >>> import tempfile
    >>> from regviz.world import small_world, storage_tree
    >>> place = tempfile.mkdtemp()
    >>> archive = storage_tree(small_world(), "docker-save", server="0.9").archive()
    >>> _ = Path(place, "saved.tar").write_bytes(archive)
    >>> pushed = v1_push(f"{place}/saved.tar", f"{place}/registry", repository="nodejs", tags=["latest"])
    >>> names = [path.name for path in Path(place, "registry", "repositories", "library", "nodejs").iterdir()]
    >>> len(pushed), sorted(names)
    (16, ['_index_images', 'json', 'tag_latest', 'taglatest_json'])
    """
    age = age_of(server)
    with images_of(str(image)) as images:
        pushes = _chosen(images, repository, tags)
        if _URL.match(str(target)):
            with V1Session(str(target), user_agent(age.engine), say) as session:
                done = [(push, *_send(session, push, images, age)) for push in pushes]
        else:
            folder = V1Folder(target, say)
            _refuse_source(str(image), Path(target))
            writer = V1Writer(folder, server)
            done = [(push, *_write(writer, push, images)) for push in pushes]
    return _table(done)


def _refuse_source(image: str, folder: Path) -> None:
    if Path(image).is_file() and folder.resolve() in Path(image).resolve().parents:
        raise RegvizError(f"{image} lies in {folder}, where the storage is to be: name another folder")


def _chosen(images: Images, repository: str | None, tags: Sequence[str] | None) -> list[_Push]:
    """What is pushed where, the names checked."""
    if isinstance(tags, str):
        raise RegvizError(f"tags is a list of names: write tags=[{tags!r}]")
    only = next(iter(images.steps)) if len(images.steps) == 1 else ""
    pushes = []
    for name, named in _repositories(images, repository, only).items():
        if tags and only:
            chosen = dict.fromkeys(tags, only)
        else:
            missing = [tag for tag in tags or () if tag not in named]
            if missing:
                raise RegvizError(f"{clean(name)} has no tag {clean(missing[0])} in the archive: it has {_list(named)}")
            chosen = {tag: named[tag] for tag in tags or named}
        pushes.append(_checked(name, chosen))
    return pushes


def _repositories(images: Images, repository: str | None, only: str) -> dict[str, dict[str, str]]:
    """The archive's repositories that are pushed, as they will be called, and what their tags name."""
    there: dict[str, dict[str, str]] = {}
    for name in images.names:
        if name.image not in images.steps:
            raise RegvizError(f"{clean(name.repository)}:{clean(name.tag)} names an image that is not in the archive")
        there.setdefault(_without_host(name.repository), {})[name.tag or "latest"] = name.image
    if repository is None:
        if not there:
            raise RegvizError("the images of the archive have no names: say repository= (--repository)")
        return there
    wanted = _without_host(repository)
    if wanted in there or len(there) == 1:
        return {wanted: there.get(wanted) or next(iter(there.values()))}
    if there:
        raise RegvizError(f"the archive has no repository {clean(repository)}: it has {_list(there)}")
    if not only:
        raise RegvizError(f"the archive has {len(images.steps)} images without names: save the one to push by itself")
    return {wanted: {"latest": only}}


def _checked(repository: str, tags: dict[str, str]) -> _Push:
    if not NAME.fullmatch(repository) or len(repository) > LONGEST_NAME:
        raise RegvizError(f"{clean(repository)[:LONGEST_NAME]!r} is no name of a repository (lower case, digits, ._-/)")
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise RegvizError(f"{clean(tag)[:LONGEST_NAME]!r} is no tag (letters, digits, ._-, at most 128)")
    return _Push(repository, tags)


def _without_host(repository: str) -> str:
    """A repository's name as a registry knows it.

    Examples
    --------
    >>> _without_host("localhost:5000/nodejs"), _without_host("team/app"), _without_host("docker.io/library/redis")
    ('nodejs', 'team/app', 'library/redis')
    """
    host, slash, rest = repository.partition("/")
    is_host = slash and ("." in host or ":" in host or host == "localhost")
    return rest if is_host else repository


def _list(names: Iterable[str]) -> str:
    shown = [clean(name) for name in sorted(names)]
    more = len(shown) - _MOST_SHOWN
    return ", ".join(shown[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _uploads(push: _Push, images: Images) -> list[Upload]:
    """All images of a push, each once and after its parent."""
    found = {upload.id: upload for top in dict.fromkeys(push.tags.values()) for upload in images.uploads(top)}
    return list(found.values())


def _write(writer: V1Writer, push: _Push, images: Images) -> tuple[list[Upload], dict[str, int]]:
    uploads = _uploads(push, images)
    return uploads, writer.receive(push.repository, push.tags, uploads, dt.datetime.now(dt.UTC))


def _send(session: V1Session, push: _Push, images: Images, age: Age) -> tuple[list[Upload], dict[str, int]]:
    uploads = _uploads(push, images)
    session.log_in(push.repository)
    rows = announced([upload.id for upload in uploads], push.tags)
    session.put_json(f"repositories/{push.repository}/", rows, asks_for_token=True)
    sent = {}
    for upload in uploads:
        if not session.has(upload.id):
            sent[upload.id] = _send_image(session, upload, age)
    for tag, image in push.tags.items():
        session.put_json(f"repositories/{push.repository}/tags/{tag}", image)
    session.put_json(f"repositories/{push.repository}/images", [], expect=NO_CONTENT)
    return uploads, sent


def _send_image(session: V1Session, upload: Upload, age: Age) -> int:
    """Three requests: until the third, the checksum, the image is in progress."""
    path = f"images/{upload.id}"
    session.put(f"{path}/json", upload.json, {"Content-Type": "application/json"})
    total = payload_sum(upload.json)
    pieces = [age.empty_layer] if upload.members is None else upload.sent()
    session.put(f"{path}/layer", total.passed(pieces), {"Content-Type": "application/octet-stream"})
    sums = {"X-Docker-Checksum-Payload": total.text}
    if not age.lists:
        sums["X-Docker-Checksum"] = tarsum(upload.json, upload.members() if upload.members is not None else ())
    session.put(f"{path}/checksum", b"", sums)
    return total.size


def _table(done: Sequence[tuple[_Push, Sequence[Upload], Mapping[str, int]]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(push.repository, upload, sent.get(upload.id)) for push, uploads, sent in done for upload in uploads]
    return pd.DataFrame(
        {
            "repository": pd.array([name for name, _, _ in rows], "str"),
            "image": pd.array([upload.id for _, upload, _ in rows], "str"),
            "parent": pd.array([upload.parent or None for _, upload, _ in rows], "str"),
            "sent": pd.array([size is not None for _, _, size in rows], "boolean"),
            "layer_bytes": pd.array([size for _, _, size in rows], "Int64"),
        }
    )

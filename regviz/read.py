"""read(): from a source to a Registry."""

from __future__ import annotations

import datetime as dt
import gc
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from regviz import live, share
from regviz.errors import AccessDeniedError, NotKnowableError, NotRecognisedError, ProblemError, RegvizError
from regviz.layouts.common import LINKS, Options, no_progress
from regviz.layouts.recognise import recognise
from regviz.live import containers, docker_engine
from regviz.live.options import Live, split_options
from regviz.source import Source
from regviz.storage import open_storage
from regviz.storage.base import StorageProblem, has_contents, is_searchable
from regviz.storage.objects import is_object_address, is_objects, open_objects
from regviz.text import decode_name, escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regviz.layouts.common import Links, Progress
    from regviz.layouts.recognise import Found
    from regviz.live.options import LiveOptions, WireOptions
    from regviz.registry import Registry
    from regviz.storage.base import Storage

SOURCE_VARIABLE = "REGVIZ_SOURCE"
VALUES_VARIABLE = "REGVIZ_SHOW_VALUES"
"""Set where a notebook is run for someone who asked for `show_values`."""
STANDARD_INPUT = "-"
_OF_LIVE = ("repositories", "cache", "allow_pull_marks")
_READERS = {
    "distribution": "distribution.reader:read",
    "v1": "v1:read",
    "oci": "oci.reader:read",
    "oci-layouts": "oci.reader:read_many_layouts",
    "zot": "oci.reader:read_many_layouts",
    "skopeo-dir": "skopeo_dir:read",
    "docker-archive": "docker.reader:read_archive",
    "docker-daemon": "docker.reader:read_daemon",
}
"""Modules of :mod:`regviz.layouts` and their functions; each is loaded where there is something for it."""
LISTABLE = ("distribution", "v1", "oci", "oci-layouts", "zot")
"""Layouts of which names alone tell something."""


def read(  # noqa: PLR0913  # each is one thing that a person may want of a reading
    source: str | os.PathLike[str] | containers.Opened | None = None,
    *,
    strict: bool = False,
    links: Links = "stat",
    times: bool | None = None,
    measure: bool = False,
    verify: bool = False,
    partial: bool = False,
    show_values: bool = False,
    progress: Progress = no_progress,
    storage_options: Mapping[str, Any] | None = None,
    **over_wire: Unpack[WireOptions],
) -> Registry:
    """Read a registry.

    Nothing is written to the source, nothing is extracted, no link is followed. What is wrong inside it becomes rows
    of ``problems``.

    Parameters
    ----------
    source : path or Opened, optional
        A registry's storage folder, an OCI image layout, a Docker Engine's own folder, an archive of one of them (tar,
        tar.gz, tar.zst, zip; its URL does too), an archive of ``docker save``, a listing of a storage's files (``find
        -printf``, ``aws s3 ls --recursive`` and others), a capture (a folder, an archive of it, or the folder's URL),
        the URL of a live registry (``https://registry.example.org``), or ``docker-daemon:``, the engine that Docker's
        own programs would use; or what that engine has: ``docker-container://NAME[:/PATH]``, a container's storage,
        found by its configuration, and ``docker-volume://NAME[:/PATH]``. Any storage may also lie in object storage
        (``s3://bucket/prefix``, ``gs://…``, ``az://…``, or what else fsspec reads). ``-``: an archive or a listing on
        standard input. In a folder, bucket or archive what is read may lie a few directories down. Left out: the
        environment variable ``REGVIZ_SOURCE``, else the world that ships with regviz.
    strict : bool
        Raise what else becomes rows of ``problems`` (errors and warnings).
    links : {"stat", "check", "open"}
        How far to look into Distribution's links. ``stat``: revision links must be there, layer links are taken by
        their directories' names, links of other algorithms are read. ``check``: layer links must be there too, and are
        read if they are not 71 bytes long. ``open``: all are read.
    times : bool, optional
        Whether file times tell when things were pushed. Left out, they do unless they all lie together.
    measure : bool
        Fill the table ``storage``: every file of the source is looked at.
    verify : bool
        Hash every manifest and configuration that is read; ``blobs.verified`` tells, and one that does not have the
        digest it lies under is a problem. Layers are not read.
    partial : bool
        Go on with what was read where an archive breaks off.
    show_values : bool
        Show what looks like a secret in instructions, comments, authors and labels. Left out, tables have ``***`` in
        its place, and so has all that is made of them.
    progress : Progress
        Shows how far reading came; see `regviz.layouts.common.Progress`.
    storage_options : mapping, optional
        What fsspec's implementation for object storage takes: ``{"anon": True}`` for what is public, ``endpoint_url``,
        ``profile``, …. Credentials are taken from where its clients look for them, and kept nowhere.
    **over_wire
        How to read what answers over HTTP, mostly a live registry: ``repositories`` (names or globs; all, where left
        out), ``connections`` (16), ``rate`` (requests a second), ``insecure`` (plain HTTP beyond this machine),
        ``cache`` (a folder, or False), ``allow_pull_marks``; see :class:`regviz.live.options.Live`. How to read
        containers and volumes: ``yes`` (more than 2 GB through the engine), ``helper`` (a container may be made for a
        volume that none uses), ``helper_image`` (of which image); see :class:`regviz.live.options.Access`.

    Returns
    -------
    Registry

    Raises
    ------
    RegvizError
        The source is not there, may not be read, holds no registry, or breaks off; or there is no such `links`.
    ExceptionGroup
        Of :class:`regviz.errors.ProblemError`, with ``strict``.

    Examples
    --------
    >>> import regviz as rv
    >>> reg = rv.read()
    >>> sorted(reg.repositories["repository"])[:2]
    ['charts/web', 'library/base']
    """
    began = dt.datetime.now(dt.UTC)
    opened = source if isinstance(source, containers.Opened) else None
    path = source_path(source)
    access, over_http = split_options(over_wire)
    if (access.helper or access.helper_image) and not path.startswith(containers.VOLUME):
        raise RegvizError(f"helper is for {containers.VOLUME}NAME, and {path} is none")
    if storage_options and not is_object_address(path):
        raise RegvizError(f"storage_options (--anonymous, --endpoint-url) are for object storage, and {path} is none")
    unfit = [name for name in over_http if not live.is_address(path) or (live.is_archive(path) and name in _OF_LIVE)]
    if unfit:
        raise RegvizError(f"{unfit[0]} is for a live registry, and {path.partition('?')[0]} is none")
    if links not in LINKS:
        raise RegvizError(f"links is {links!r}: give one of {', '.join(LINKS)}")
    options = Options(links=links, times=times, measure=measure, verify=verify, progress=progress)
    with _without_collection():
        if opened or containers.is_container(path):
            opened = opened or containers.open_source(path, access=access, partial=partial, progress=progress)
            opened.storage.uri = opened.place
            registry = _read_storage(opened.storage, opened.place, options, began, opened.why)
        elif docker_engine.is_engine(path):
            registry = docker_engine.read(path, options)
        elif live.is_address(path) and not live.is_archive(path):
            registry = live.read(path, options, Live(**over_http))
        elif path == STANDARD_INPUT:
            with _spooled() as place:
                registry = _read_storage(open_source(place, partial=partial), Path(place).name, options, began)
        else:
            storage = open_source(path, partial=partial, storage_options=storage_options, over_http=over_http)
            registry = _read_storage(storage, storage.uri, options, began)
    if show_values or os.environ.get(VALUES_VARIABLE):
        registry = registry.with_values()
    if os.environ.get("REGVIZ_CHECK"):
        registry.check()
    if strict:
        _raise_problems(registry)
    return registry


def source_path(source: str | os.PathLike[str] | containers.Opened | None) -> str:
    """What a person called the source; where they did not, what is read then.

    Examples
    --------
    >>> source_path("registry.tar")
    'registry.tar'
    """
    if isinstance(source, containers.Opened):
        return source.uri
    return os.fspath(source if source is not None else os.environ.get(SOURCE_VARIABLE) or share.shipped_world())


@contextmanager
def _without_collection() -> Iterator[None]:
    """Parsed documents have no cycles; looking for some would take a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _spooled() -> Iterator[str]:
    """What comes on standard input, as a file: a source is gone through more than once."""
    with tempfile.TemporaryDirectory(prefix="regviz-") as folder:
        place = Path(folder) / "standard input"
        with place.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield str(place)


def open_source(
    path: str,
    *,
    partial: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    over_http: LiveOptions | None = None,
) -> Storage:
    """The storage that a path or a URL means: a folder, an archive here or on a web server, object storage.

    That of a folder within a storage's root is the root's.

    Raises
    ------
    RegvizError
        As :func:`read`.
    """
    if live.is_archive(path):
        return live.open_archive(path, Live(**(over_http or {})), partial=partial)
    if is_object_address(path):
        return open_objects(path, storage_options)
    storage = open_storage(_outermost(path), partial=partial)
    storage.uri = path
    return storage


def recognised(path: str, storage: Storage) -> list[Found]:
    """The registries in a storage: at least one.

    Raises
    ------
    RegvizError
        It may not be read, or holds no registry.
    """
    found = recognise(storage)
    if not found:
        _raise_unreadable(path, storage)
        raise NotRecognisedError(_not_recognised(path, storage))
    return found


def _read_storage(storage: Storage, path: str, options: Options, began: dt.datetime, how: str = "") -> Registry:
    """Read what lies in a storage; `how` says how it was come by."""
    found = recognised(path, storage)
    first, *others = found
    if first.layout == "capture":
        return _read_capture(path, storage, [each.root for each in found])
    if not has_contents(storage):
        _refuse_of_a_listing(path, first, options)
    if first.instead:
        message = f"{path} holds no registry that can be read: {first.why}. Instead, {first.instead}"
        raise NotRecognisedError(message)
    for other in others:
        storage.problems[StorageProblem("several-registries", other.root, f"{other.layout}: {other.why}")] = None
    if is_objects(storage):
        storage.narrow(first.root)
    why = f"{first.why}; {how}" if how else first.why
    source = Source(uri=path, layouts=(first.layout,), why=why, root=decode_name(first.root), read_at=began)
    module, _, function = _READERS[first.layout].partition(":")
    registry: Registry = getattr(import_module(f"regviz.layouts.{module}"), function)(
        storage, first.root, source, options
    )
    return registry


def _read_capture(path: str, storage: Storage, roots: list[bytes]) -> Registry:
    if len(roots) > 1:
        named = ", ".join(escape_terminal(decode_name(root)) or "." for root in roots[:5])
        raise NotRecognisedError(f"{path} holds {len(roots)} captures ({named}): give the path of one")
    from regviz import capture  # loaded where there is one

    return capture.load(capture.StoredFiles(storage, roots[0]))


def _refuse_of_a_listing(path: str, found: Found, options: Options) -> None:
    """What names alone cannot tell."""
    if found.layout not in LISTABLE and not found.instead:
        raise NotKnowableError(
            f"{path} is a listing of what regviz calls {found.layout} ({found.why}), whose file names tell next to "
            "nothing: give the archive or folder itself"
        )
    if options.links != "stat" or options.verify:
        asked = "verify" if options.verify else f"links={options.links!r}"
        raise NotKnowableError(f"{path} is a listing, in which nothing can be looked into: leave {asked} out")


def _outermost(path: str) -> str:
    """A folder that is ``docker/registry/v2`` itself, or on the way to it, is read from above: marks lie there."""
    try:
        parts = Path(os.path.realpath(path)).parts
    except ValueError:  # no path can have a NUL
        return path
    for tail in (("docker", "registry", "v2"), ("docker", "registry"), ("docker",)):
        above = os.path.join(*parts[: -len(tail)], "")  # noqa: PTH118  # what may not be looked into is no folder here
        if parts[-len(tail) :] == tail and os.access(above, os.R_OK | os.X_OK):
            for name in ("blobs", "repositories"):
                if os.path.isdir(os.path.join(above, "docker", "registry", "v2", name)):  # noqa: PTH112, PTH118
                    return above
    return path


def _raise_unreadable(path: str, storage: Storage) -> None:
    """Where no registry was found, it may lie in what could not be looked into."""
    unreadable = [problem for problem in storage.problems if problem.rule == "unreadable"]
    if unreadable:
        first, more = unreadable[0], f" and {len(unreadable) - 1:,} more places" if len(unreadable) > 1 else ""
        message = (
            f"no registry was found in {path}, of which {escape_terminal(decode_name(first.path))}{more} could not be "
            f"read ({first.detail}); run as one who may, for example with sudo"
        )
        raise AccessDeniedError(message)


def _not_recognised(path: str, storage: Storage) -> str:
    if is_searchable(storage):
        inside = "" if containers.is_container(path) else _around(path)
        if inside:
            return f"{path} lies within the registry storage at {inside}: read that"
        listing = storage.children(b"")
        names = sorted(listing.directories + listing.files + listing.links)
        if not names:
            return (
                f"{path} is an empty folder" if storage.walkable else f"no object lies below {path}: look at its name"
            )
        seen = ", ".join(escape_terminal(decode_name(name)) for name in names[:5]) + (", …" if len(names) > 5 else "")
        return (
            f"no registry was found in {path} (it holds {seen}): looked for docker/registry/v2 (Distribution), "
            "images/ and repositories/ (v1), oci-layout and index.json (OCI), manifest.json (docker save), "
            "image/<driver> and graph/ (a Docker Engine), a few directories down"
        )
    nothing = "no member of the archive" if has_contents(storage) else "nothing in this listing"
    return (
        f"no registry was found in {path}: {nothing} lies below docker/registry/v2 (Distribution), in "
        "images/ and repositories/ (v1), beside oci-layout and index.json (OCI) or manifest.json (docker save), or in "
        "image/<driver> or graph/ (a Docker Engine)"
    )


def _around(path: str) -> str:
    """The registry storage that a folder lies within."""
    here = Path(os.path.abspath(path))  # noqa: PTH100
    for parent in here.parents:
        if (parent / "blobs").is_dir() and (parent / "repositories").is_dir():
            return str(parent)
        if (parent / "images").is_dir() and (parent / "repositories").is_dir():
            return str(parent)
    return ""


def _raise_problems(registry: Registry) -> None:
    problems = registry.problems
    bad = problems[problems["severity"].isin(["error", "warning"])]
    if len(bad):
        where = ["repository", "manifest", "blob", "path", "detail"]
        errors = [
            ProblemError(
                row["rule"], f"{row['rule']}: " + ", ".join(f"{k} {row[k]}" for k in where if isinstance(row[k], str))
            )
            for row in bad.to_dict("records")
        ]
        message = f"{registry.source.uri} has {len(errors)} problems"
        raise ExceptionGroup(message, errors)

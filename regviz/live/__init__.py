"""What answers over a wire: registries read over HTTP, into the same tables as their storage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from regviz.layouts.common import Options
    from regviz.live.options import Live
    from regviz.registry import Registry
    from regviz.storage.base import Storage

__all__ = ["detect", "is_address", "is_archive", "open_archive", "read"]

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip")
_SCHEME = re.compile(r"(https?|docker)://", re.IGNORECASE)


def is_address(source: str) -> bool:
    """Whether a source is the URL of something that answers over HTTP.

    Examples
    --------
    >>> is_address("https://registry.example.org"), is_address("/var/lib/registry"), is_address("docker://host/a")
    (True, False, True)
    """
    return _SCHEME.match(source) is not None


def is_capture_address(source: str) -> bool:
    """Whether a URL is that of a capture's folder.

    Examples
    --------
    >>> is_capture_address("https://host/prod.regviz/"), is_capture_address("https://host/prod.regviz.tar")
    (True, False)
    """
    return is_address(source) and source.partition("?")[0].rstrip("/").lower().endswith(".regviz")


def read(source: str, options: Options, live: Live) -> Registry:
    """Read the registry at a URL (``/v2/`` first, then ``/v1/``), or the capture where it ends in ``.regviz``."""
    if is_capture_address(source):
        from regviz.live.capture_folder import read_capture

        return read_capture(source, live)
    from regviz.live.connect import read_registry  # it loads what speaks HTTP

    return read_registry(source, options, live)


def detect(source: str, *, insecure: bool = False) -> tuple[str, str, str]:
    """What answers at a URL: its layout, its root, and why; nothing is read."""
    if is_capture_address(source):
        from regviz.live.capture_folder import detect_capture

        return detect_capture(source, insecure=insecure)
    from regviz.live.connect import detect_registry

    return detect_registry(source, insecure=insecure)


def is_archive(source: str) -> bool:
    """Whether a source is the URL of an archive, by its name.

    Examples
    --------
    >>> is_archive("https://h.example/dump.tar.zst?signature=1"), is_archive("https://h.example/team")
    (True, False)
    """
    try:
        url = urlsplit(source)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and url.path.lower().endswith(_ARCHIVES)


def open_archive(source: str, live: Live, *, partial: bool = False) -> Storage:
    """The storage in an archive at a URL."""
    from regviz.live.archive import open_remote_archive

    return open_remote_archive(source, live, partial=partial)

"""A Dockerfile's instructions as layers, worded the way a builder of the time words them."""

from __future__ import annotations

import datetime as dt
import hashlib
import posixpath
from typing import TYPE_CHECKING, Any

from regviz.world.contents import noise
from regviz.world.describe import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.world.describe import File


class Build:
    """The layers of one build, each some seconds after the one before.

    Parameters
    ----------
    start : datetime
        In UTC.
    buildkit : bool
        Word the history as BuildKit does, not as docker did in 2014.

    Attributes
    ----------
    layers : list of Layer

    Examples
    --------
    >>> build = Build(dt.datetime(2014, 3, 27, tzinfo=dt.UTC))
    >>> build.run("apt-get update", {"var/lib/apt/lists/main": b"..."})
    >>> build.set("CMD [bash]", Cmd=["bash"])
    >>> [layer.created_by for layer in build.layers]
    ['/bin/sh -c apt-get update', '/bin/sh -c #(nop) CMD [bash]']
    """

    def __init__(self, start: dt.datetime, *, buildkit: bool = False) -> None:
        self._now = start
        self._buildkit = buildkit
        self.layers: list[Layer] = []

    def run(self, command: str, files: Mapping[str, bytes | File] | None = None) -> None:
        """RUN: a command, and the files it changed, if any."""
        self._append(f"RUN /bin/sh -c {command} # buildkit" if self._buildkit else f"/bin/sh -c {command}", files)

    def set(self, instruction: str, author: str = "", **config: Any) -> None:
        """ENV, CMD, EXPOSE …: an instruction that changes the configuration alone."""
        self._append(instruction if self._buildkit else f"/bin/sh -c #(nop) {instruction}", None, config, author)

    def copy(self, path: str, content: bytes) -> None:
        """ADD or COPY of one file."""
        if self._buildkit:
            created_by = f"COPY {posixpath.basename(path)} /{path} # buildkit"
        else:
            created_by = f"/bin/sh -c #(nop) ADD file:{hashlib.sha256(content).hexdigest()} in /{path}"
        self._append(created_by, {path: content})

    def _append(
        self,
        created_by: str,
        files: Mapping[str, bytes | File] | None,
        config: Mapping[str, Any] | None = None,
        author: str = "",
    ) -> None:
        spread = noise(f"{created_by} {len(self.layers)}", 4)
        microseconds = int.from_bytes(spread[1:], "big") % 1_000_000
        self._now += dt.timedelta(seconds=1 + spread[0] % 40, microseconds=microseconds)
        comment = "buildkit.dockerfile.v0" if self._buildkit else ""
        self.layers.append(Layer(created_by, self._now, files, config or {}, author, comment))

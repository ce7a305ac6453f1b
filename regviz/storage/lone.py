"""Indexes of tags that hold one digest, told by link counts: most tags are pushed once, and need no listing."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from regviz import native

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONE = 3  # links of a directory that holds one directory: its name, its ".", the other's ".."


def alone_in_index(parent: int | None, head: bytes, tags: Sequence[tuple[bytes, bytes]]) -> list[bool]:
    """For names and hex digits whether ``<name>/index`` holds ``sha256/<hex>/link`` and no other directory.

    Parameters
    ----------
    parent : int or None
        A descriptor of the directory of tags.
    head : bytes
        What stands before names where there is no descriptor.
    tags : sequence of (bytes, bytes)
        Without digits the answer is no.

    Examples
    --------
    >>> alone_in_index(None, b"/nowhere/", [(b"latest", b"0aff"), (b"1.0", b"")])
    [False, False]
    """
    if parent is not None and (found := native.lone(parent, tags)) is not None:
        return found
    lone = [False] * len(tags)
    look, is_directory = os.lstat, stat.S_ISDIR
    for at, (name, encoded) in enumerate(tags):
        if not encoded:
            continue
        try:
            # each call shows of one more part of the path that it is no symbolic link
            path = head + name + b"/index"
            facts = look(path, dir_fd=parent)
            if facts.st_nlink != _LONE or not is_directory(facts.st_mode):
                continue
            path += b"/sha256"
            facts = look(path, dir_fd=parent)
            if facts.st_nlink != _LONE or not is_directory(facts.st_mode):
                continue
            path += b"/" + encoded
            if is_directory(look(path, dir_fd=parent).st_mode):
                lone[at] = stat.S_ISREG(look(path + b"/link", dir_fd=parent).st_mode)
        except OSError:  # whatever it is, the listing that follows meets it again
            pass
    return lone

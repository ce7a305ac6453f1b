"""Three files of each of many directories: one is read, one measured, one should not be there.

What lies in one directory is looked at in one go, while the kernel has that directory at hand: to go through all
directories once for each file takes a fifth longer.
"""

from __future__ import annotations

import os
import stat
from array import array
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from regviz import native
from regviz.storage.base import MANIFEST_LIMIT, Members, Stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.storage.base import Files, Walkable

_WHOLE = 8192  # bytes: a document that fills them is read again as a whole; CPython allocates what it is asked for
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_KIND = 0o170000  # the bits of a mode that tell a regular file from what is none
_FACTS = ("st_mode", "st_size", "st_mtime_ns", "st_blocks", "st_ino")
_NO_FACTS = (0, -1, 0, 0, 0)


def read_members(
    storage: Walkable, parent: int | None, directory: bytes, names: Sequence[bytes], files: Files
) -> Members:
    """Look at three files of each ``directory/name``.

    What is as it should be is read here; about the rest `storage` is asked again, and says what is wrong with it.
    `parent` is a descriptor of `directory`, or None where the system has no such thing.
    """
    nothing = np.zeros((4, len(names)), np.int64)
    members, odd = Members([None] * len(names), Stats(*nothing), nothing[0] > 0), [*range(len(names))]
    if parent is not None:
        with suppress(OverflowError):  # a time after 2262, an inode of 64 bits: looked at with more care
            members, odd = _ordinary(parent, names, files)
    if odd:
        asked = [names[number] for number in odd]
        for column, values in zip(members.facts, storage.stat_many(directory, asked, files.measured), strict=True):
            column[odd] = values
        members.marked[odd] = storage.stat_many(directory, asked, files.mark).sizes >= 0
        paths = [b"%s/%s%s" % (directory, name, files.document) for name in asked]
        for number, content in storage.read_many(paths, [0] * len(paths), MANIFEST_LIMIT):
            members.documents[odd[number]] = content
    return members


def _ordinary(parent: int, names: Sequence[bytes], files: Files) -> tuple[Members, list[int]]:
    """What directories hold that are as they should be; the numbers of the others."""
    if (found := native.members(parent, names, files, _WHOLE)) is not None:
        contents, looked, marked = found
        is_odd = marked | (looked.modes & _KIND != stat.S_IFREG)
        is_odd[[at for at, content in enumerate(contents) if content is None]] = True
        return Members(contents, Stats(*looked[1:]), np.zeros(len(names), np.bool_)), np.flatnonzero(is_odd).tolist()
    document, measured, mark = files
    documents: list[bytes] = []
    facts: list[int] = []
    odd: list[int] = []
    open_file, read, close, look, is_there, pick = os.open, os.read, os.close, os.stat, os.access, attrgetter(*_FACTS)
    for name in names:
        try:
            descriptor = open_file(name + document, _READ, dir_fd=parent)
            try:
                content = read(descriptor, _WHOLE)
            finally:
                close(descriptor)
            facts += pick(look(name + measured, dir_fd=parent, follow_symlinks=False))
        except OSError:
            content = b""
            facts += _NO_FACTS
        documents.append(content)
        if is_there(name + mark, os.F_OK, dir_fd=parent, follow_symlinks=False):
            odd.append(len(documents) - 1)
    odd += [number for number, length in enumerate(map(len, documents)) if length in (0, _WHOLE)]
    modes, sizes, times, blocks, inodes = np.array(array("q", facts)).reshape(-1, len(_FACTS)).T
    odd += np.flatnonzero((modes & _KIND) != stat.S_IFREG).tolist()
    stats = Stats(sizes, times // 1000, blocks * 512, inodes)
    return Members([*documents], stats, np.zeros(len(names), np.bool_)), sorted({*odd})

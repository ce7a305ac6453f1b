"""What is wrong with a storage's files, said once each."""

from __future__ import annotations

import errno
import stat

from regviz.storage.base import StorageProblem


class Complaints:
    """Keeps what could not be taken for what it should be.

    Attributes
    ----------
    problems : dict
        In the order they were met.
    complete : bool
        Everything could be read so far.
    """

    def __init__(self) -> None:
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True

    def say(self, rule: str, path: bytes, detail: str) -> None:
        """Add a problem."""
        self.problems[StorageProblem(rule, path, detail)] = None

    def no_file(self, path: bytes, mode: int) -> None:
        """Say what lies where a file should."""
        if stat.S_ISLNK(mode):
            self.say("symbolic-link", path, "not followed")
        elif not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            self.say("special-file", path, "not followed")

    def refused(self, path: bytes, error: OSError) -> None:
        """Say why a path could not be opened, where that is worth saying."""
        if error.errno == errno.ELOOP:
            self.no_file(path, stat.S_IFLNK)
        elif error.errno == errno.ENXIO:
            self.no_file(path, stat.S_IFSOCK)
        elif error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
            self.unreadable(path, error)

    def unreadable(self, path: bytes, error: OSError) -> None:
        """Say that something is missing of what was read."""
        self.complete = False
        self.say("unreadable", path, error.strerror or type(error).__name__)

"""The exceptions a person can meet.

::

    RegvizError                    what a person must fix; its message says what was tried and what to do
    ├── SourceNotFoundError        nothing lies at the given path
    ├── AccessDeniedError          something lies there, and may not be read
    ├── NotRecognisedError         it can be read, and no registry layout was found in it
    ├── DamagedArchiveError        an archive ends too early or its compression is broken
    ├── DamagedCaptureError        a capture whose files do not fit its manifest
    ├── TargetExistsError          something is in the way of what should be written
    ├── UnreachableError           a server does not answer, or not any more
    └── NotKnowableError           this source cannot know the answer; another could

    ContractError                  a table that breaks the contract of ``regviz.schema``: a bug of a reader
    ProblemError                   one row of ``problems``, as ``strict=True`` raises it, in one ExceptionGroup

What is merely wrong *inside* a registry never raises: it becomes a row of ``problems``.
"""

from __future__ import annotations


class RegvizError(Exception):
    """Something a person must fix; the message says what was tried and what to do."""


class SourceNotFoundError(RegvizError):
    """Nothing lies at the given path."""


class AccessDeniedError(RegvizError):
    """The source is there, and this user may not read it."""


class NotRecognisedError(RegvizError):
    """The source can be read, and holds no registry layout that regviz knows."""


class DamagedArchiveError(RegvizError):
    """An archive that ends too early, or whose compression is broken."""


class DamagedCaptureError(RegvizError):
    """A capture whose files are missing, changed or of an unknown format version."""


class TargetExistsError(RegvizError):
    """Something is in the way of what should be written."""


class UnreachableError(RegvizError):
    """A server that does not answer, or not any more."""


class NotKnowableError(RegvizError):
    """The source cannot know the answer; the message names a kind of source that could.

    Attributes
    ----------
    reason : str
        What it is in the source that leaves this answer out, and others with it; empty where it is this one's alone.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ContractError(Exception):
    """Tables that break the contract of :mod:`regviz.schema`; the message lists every finding."""


class ProblemError(Exception):
    """One row of ``problems``, as ``rv.read(…, strict=True)`` raises it.

    Attributes
    ----------
    rule : str
        Identifier of the rule in :data:`regviz.problems.RULES`.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule

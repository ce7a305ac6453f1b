"""A Registry saved as Parquet: one folder, one file a table, and a manifest that says what it is.

::

    prod.regviz/
      capture.json            format, version, source, times, rows and SHA-256 of each file
      tags.parquet            …one a table, as regviz.schema defines them

Every reader of Parquet reads the tables: digests and names are dictionary-encoded texts, times are UTC microseconds.
No layer content is in a capture, and no credential; what looks like a secret in instructions and labels is ``***``.
A capture is read from wherever its files lie (:mod:`regviz.capture.files`): a folder, an archive of it, a URL.
"""

from __future__ import annotations

from regviz.capture.files import NAME, Files, StoredFiles
from regviz.capture.manifest import read_manifest
from regviz.capture.reading import load
from regviz.capture.writing import is_capture, save

__all__ = ["NAME", "Files", "StoredFiles", "is_capture", "load", "read_manifest", "save"]

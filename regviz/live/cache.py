"""What a registry answered, kept by digest: a reading that was stopped goes on, and the next one asks only what is new.

One SQLite file a registry. A document is hashed again whenever it is taken out, so nothing that lies there is trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.storage.base import MANIFEST_LIMIT

if TYPE_CHECKING:
    from regviz.live.address import Address

HASHES = ("sha256", "sha384", "sha512")
_COMMIT_SECONDS = 1.0
_COMMIT_DOCUMENTS = 500
_PATIENCE_SECONDS = 5


def has_digest(data: bytes, digest: str) -> bool:
    """Whether a document has a digest, of an algorithm that is known here.

    Examples
    --------
    >>> has_digest(b"", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    True
    """
    algorithm, _, encoded = digest.partition(":")
    return algorithm in HASHES and hashlib.new(algorithm, data).hexdigest() == encoded


class Cache:
    """Documents of one registry; one that was switched off holds nothing.

    Used from one thread. Whatever is wrong with the file, reading goes on without it.

    Parameters
    ----------
    folder : path, True or False
        Where caches lie; True for this user's usual place, False for none.
    address : Address
    """

    def __init__(self, folder: str | os.PathLike[str] | bool, address: Address) -> None:  # noqa: FBT001
        self._database: sqlite3.Connection | None = None
        self._fresh, self._committed = 0, time.monotonic()
        if folder is False:
            return
        place = _usual_folder() if folder is True else Path(folder)
        name = re.sub(r"[^A-Za-z0-9.-]", "_", address.authority + address.prefix)
        mark = hashlib.sha256(address.uri.encode()).hexdigest()[:8]
        file = place / f"{name[:100]}-{mark}.sqlite"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # whatever the umask: manifests may be private
            self._database = _opened(file)
        except OSError as error:
            if folder is not True:
                raise RegvizError(
                    f"the cache {place} cannot be used ({error.strerror}): give another folder, or cache=False"
                ) from error

    @property
    def has_some(self) -> bool:
        """Whether anything of this registry is known."""
        if self._database is None:
            return False
        with contextlib.suppress(sqlite3.Error):
            return self._database.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is not None
        return False

    def get(self, digest: str) -> bytes | None:
        """The document of a digest; None where it is not there, or is not what it should be."""
        if self._database is None:
            return None
        try:
            found = self._database.execute("SELECT packed FROM documents WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error:
            return None
        data = _unpacked(found[0]) if found is not None else None
        return data if data is not None and has_digest(data, digest) else None

    def put(self, digest: str, data: bytes) -> None:
        """Keep a document."""
        if self._database is None or digest.partition(":")[0] not in HASHES:
            return
        import zstandard

        packed = zstandard.ZstdCompressor(level=1).compress(data)
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (digest, packed))
            self._fresh += 1
        if self._fresh >= _COMMIT_DOCUMENTS or time.monotonic() - self._committed > _COMMIT_SECONDS:
            self._commit()

    def close(self) -> None:
        """Keep what was put last."""
        if self._database is not None:
            self._commit()
            self._database.close()
            self._database = None

    def _commit(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.commit()
        self._fresh, self._committed = 0, time.monotonic()


def _opened(file: Path) -> sqlite3.Connection | None:
    """The database; one that is damaged is made anew."""
    for attempt in range(2):
        database = sqlite3.connect(file, timeout=_PATIENCE_SECONDS)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS documents (digest TEXT PRIMARY KEY, packed BLOB) WITHOUT ROWID"
            )
            database.execute("SELECT digest, packed FROM documents LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # someone else has it for long, or it is a table of another shape
            database.close()
            return None
        except sqlite3.DatabaseError:
            database.close()
            if attempt == 0:
                for suffix in ("", "-wal", "-shm"):
                    file.with_name(file.name + suffix).unlink(missing_ok=True)
        else:
            return database
    return None


def _unpacked(packed: object) -> bytes | None:
    import zstandard

    if not isinstance(packed, bytes):
        return None
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= MANIFEST_LIMIT:
            return None
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MANIFEST_LIMIT)
    except zstandard.ZstdError:
        return None


def _usual_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("regviz", appauthor=False)) / "registries"

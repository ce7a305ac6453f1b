"""From a Registry to a folder of Parquet, whole or not at all."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.capture.columns import arrow_table
from regviz.capture.files import NAME
from regviz.capture.manifest import FORMAT, READ_SINCE, VERSION
from regviz.errors import TargetExistsError
from regviz.schema import TABLES

if TYPE_CHECKING:
    from regviz.registry import Registry


def is_capture(path: str) -> bool:
    """Whether a folder is a capture: it has a ``capture.json``."""
    return os.path.isfile(os.path.join(path, NAME))  # noqa: PTH113, PTH118  # paths may be undecodable


def save(registry: Registry, path: str | os.PathLike[str]) -> None:
    """Write a capture.

    It is written aside and moved into place at the end, so that a capture is there whole or not at all; one of the
    same name is replaced.

    Parameters
    ----------
    registry : Registry
    path : path
        The folder to make, by custom ``NAME.regviz``. What looks like a secret is masked in it, unless the registry was
        read with ``show_values=True``.

    Raises
    ------
    TargetExistsError
        Something that is no capture lies there.

    Examples
    --------
    >>> import tempfile, regviz as rv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rv.read().save(folder + "/world.regviz")
    ...     len(rv.read(folder + "/world.regviz").tags) == len(rv.read().tags)
    True
    """
    target = Path(path)
    if target.exists() and not is_capture(str(target)):
        message = f"{target} is there already, and is no capture: give another name"
        raise TargetExistsError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write_files(registry, aside, dt.datetime.now(dt.UTC))
        aside.chmod(0o755)
        _swap_in(aside, target)
    except OSError as error:
        if error.errno and not error.filename:  # Arrow does not say which file
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from error
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_files(registry: Registry, folder: Path, captured_at: dt.datetime) -> None:
    """Write the files of a capture into an empty folder."""
    import pyarrow.parquet as pq  # loaded when asked for

    files = {}
    for name in TABLES:
        file = folder / f"{name}.parquet"
        table = arrow_table(registry, name)
        pq.write_table(table, file, compression="zstd")
        files[file.name] = {"rows": table.num_rows, "sha256": _sha256(file)}
    complete = registry.columns("repositories")["complete"]
    source = asdict(registry.source) | {"read_at": registry.source.read_at.isoformat()}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "regviz": READ_SINCE,
        "captured_at": captured_at.isoformat(timespec="seconds"),
        "source": source,
        "repositories": len(complete),
        "repositories_complete": int((complete == 1).sum()),
        "files": files,
    }
    (folder / NAME).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _swap_in(aside: Path, target: Path) -> None:
    if not target.exists():
        aside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    replaced = old / target.name
    try:
        target.rename(replaced)
        aside.rename(target)
    finally:
        if not target.exists():  # what came between may be an interrupt too
            replaced.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

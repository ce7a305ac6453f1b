"""A Registry saved as Parquet: one folder, one file a table, and a manifest that says what it is.

::

    prod.regviz/
      capture.json            format, version, source, times, rows and SHA-256 of each file
      tags.parquet            …one a table, as regviz.schema defines them

Every reader of Parquet reads the tables: digests and names are dictionary-encoded texts, times are UTC microseconds.
No layer content is in a capture, and no credential.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.errors import ContractError, DamagedCaptureError, TargetExistsError
from regviz.pool import SHA256, V1_ID, V1_LAYER, KeyPool
from regviz.registry import Registry
from regviz.schema import DTYPES, NA, TABLES, compact
from regviz.source import Source
from regviz.texts import NamePool, TextPool

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from regviz.schema import Column, Columns

FORMAT, VERSION = "regviz-capture", 1
_MANIFEST = "capture.json"
_LARGEST_MANIFEST = 1 << 20
_TYPES = {"str": str, "bool": bool, "tuple[str, ...]": list, "dt.datetime": str}
"""How JSON holds what `Source` holds."""


def is_capture(path: str) -> bool:
    """Whether a folder is a capture: it has a ``capture.json``."""
    return os.path.isfile(os.path.join(path, _MANIFEST))  # noqa: PTH113, PTH118  # paths may be undecodable


def save(registry: Registry, path: str | os.PathLike[str]) -> None:
    """Write a capture.

    It is written aside and moved into place at the end, so that a capture is there whole or not at all; one of the
    same name is replaced.

    Parameters
    ----------
    registry : Registry
    path : path
        The folder to make, by custom ``NAME.regviz``.

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
    import pyarrow.parquet as pq  # loaded when asked for

    target = Path(path)
    if target.exists() and not is_capture(str(target)):
        message = f"{target} is there already, and is no capture: give another name"
        raise TargetExistsError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        files = {}
        for name in TABLES:
            file = aside / f"{name}.parquet"
            table = arrow_table(registry, name)
            pq.write_table(table, file, compression="zstd")
            files[file.name] = {"rows": table.num_rows, "sha256": _sha256(file)}
        complete = registry.columns("repositories")["complete"]
        source = asdict(registry.source) | {"read_at": registry.source.read_at.isoformat()}
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "captured_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "source": source,
            "repositories": len(complete),
            "repositories_complete": int((complete == 1).sum()),
            "files": files,
        }
        (aside / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        aside.chmod(0o755)
        _swap_in(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def load(path: str) -> Registry:
    """Read a capture; what :func:`regviz.read` does with one.

    Raises
    ------
    DamagedCaptureError
        A file is missing, changed or of another version; the message says which, and what to do.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(path)
    manifest = _manifest(folder)
    pool, names, texts = KeyPool(), NamePool(), TextPool()
    tables: dict[str, Columns] = {}
    for name, contract in TABLES.items():
        file = folder / f"{name}.parquet"
        said = manifest["files"].get(file.name)
        if not file.is_file():
            raise _damaged(folder, f"{file.name} is missing")
        if not isinstance(said, dict) or _sha256(file) != said.get("sha256"):
            raise _damaged(folder, f"{file.name} is not as it was written: its SHA-256 differs")
        try:
            table = pq.read_table(file)
            columns = {c.name: table.column(c.name).combine_chunks() for c in contract.columns}
            tables[name] = {c.name: _array(columns[c.name], c, pool, names, texts) for c in contract.columns}
        except (pa.ArrowException, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise _damaged(folder, f"{file.name} cannot be read ({error})") from error
    new_key = np.append(pool.freeze(), np.int32(-1))
    sorted_names, new_name = names.freeze()
    for name, contract in TABLES.items():
        for column in contract.columns:
            values = tables[name][column.name]
            if column.kind in ("digest", "name"):
                values = (new_key if column.kind == "digest" else new_name)[values]
            values = compact(values, DTYPES[column.kind])
            values.flags.writeable = False
            tables[name][column.name] = values
    registry = Registry(tables, keys=pool, names=sorted_names, texts=texts, source=_source(manifest, folder))
    try:
        registry.check()  # somebody may have written these files by other means
    except ContractError as error:
        raise _damaged(folder, " ".join(str(error).split())) from error
    return registry


def row_counts(path: str | os.PathLike[str]) -> dict[str, int]:
    """How many rows each table of a capture has, as the capture itself says.

    Raises
    ------
    DamagedCaptureError
        It does not say so, or is of another format version.
    """
    folder = Path(path)
    files = _manifest(folder)["files"]
    try:
        return {name: int(files[f"{name}.parquet"]["rows"]) for name in TABLES}
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{_MANIFEST} does not say how many rows there are ({error})") from error


def arrow_table(registry: Registry, name: str) -> pa.Table:
    """A table of a Registry as Arrow: what a capture, and ``regviz table --format parquet``, write."""
    import pyarrow as pa

    columns = registry.columns(name)
    return pa.table({c.name: _arrow(registry, columns[c.name], c) for c in TABLES[name].columns})


def _arrow(registry: Registry, values: NDArray[Any], column: Column) -> pa.Array:
    import pyarrow as pa

    if column.kind in ("digest", "name", "text"):
        used = np.unique(values)
        used = used[used >= 0]
        said = registry.code_texts(column.kind, used)
        indices = pa.array(np.searchsorted(used, values).astype(np.int32), mask=values < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(said, pa.string()))
    if column.kind == "flag":
        return pa.array(values == 1, mask=values < 0)
    missing = values == NA[column.kind]
    kind = pa.timestamp("us", "UTC") if column.kind == "time" else pa.int64()
    return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing).cast(kind)


def _array(values: pa.Array, column: Column, pool: KeyPool, names: NamePool, texts: TextPool) -> NDArray[Any]:
    """A column in the inside types, its codes those of pools that still grow."""
    import pyarrow.compute as pc

    if column.kind in ("digest", "name", "text"):
        encoded = values if hasattr(values, "dictionary") else pc.dictionary_encode(values)
        said = encoded.dictionary.to_pylist()
        if column.kind == "digest":
            codes = _intern(pool, said)
        else:
            codes = (names if column.kind == "name" else texts).codes(said, keep_empty=True)
        indices = np.asarray(pc.fill_null(encoded.indices, len(said)).cast("int64"))
        spread: NDArray[np.int32] = np.append(codes, np.int32(-1))[indices]
        return spread
    if column.kind == "flag":
        return np.asarray(pc.fill_null(values.cast("int8"), -1))
    return np.asarray(pc.fill_null(values.cast("int64"), NA[column.kind]))


def _intern(pool: KeyPool, texts: list[str]) -> NDArray[np.int32]:
    first = texts[0] if texts else ""
    prefix = next((p for p in (SHA256, V1_LAYER) if first.startswith(p.decode())), V1_ID)
    return pool.intern(texts, prefix)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        with (folder / _MANIFEST).open("rb") as file:
            manifest = json.loads(file.read(_LARGEST_MANIFEST))
        version, known = manifest["version"], manifest["format"] == FORMAT and isinstance(manifest["files"], dict)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(folder, f"{_MANIFEST} cannot be read ({error})") from error
    if not known:
        raise _damaged(folder, f"{_MANIFEST} is not regviz's")
    if version != VERSION:
        message = (
            f"{folder} is a capture of format version {version}, and this regviz reads version {VERSION}: "
            "read it with the regviz that made it, or capture the source again"
        )
        raise DamagedCaptureError(message)
    return manifest  # type: ignore[no-any-return]


def _source(manifest: dict[str, Any], folder: Path) -> Source:
    try:
        said = manifest["source"]
        known = {field.name: said[field.name] for field in fields(Source) if field.name in said}
        kinds = {field.name: _TYPES[str(field.type)] for field in fields(Source)}
        wrong = [name for name, value in known.items() if not isinstance(value, kinds[name])]
        if not wrong and all(isinstance(layout, str) for layout in known["layouts"]):
            known["layouts"] = tuple(known["layouts"])
            known["read_at"] = dt.datetime.fromisoformat(known["read_at"])
            return Source(**known)
        why = f"{', '.join(wrong) or 'layouts'} of another type"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = str(error)
    raise _damaged(folder, f"{_MANIFEST} does not say what was captured ({why})")


def _damaged(folder: Path, what: str) -> DamagedCaptureError:
    return DamagedCaptureError(f"the capture {folder} is damaged: {what}. Capture the source again")


def _swap_in(aside: Path, target: Path) -> None:
    if not target.exists():
        aside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / target.name)
        aside.rename(target)
    except OSError:
        if not target.exists():
            (old / target.name).rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

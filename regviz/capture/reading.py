"""From the files of a capture to a Registry; nothing in them is trusted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from regviz.capture.columns import UnexpectedError, arrays
from regviz.capture.files import LARGEST_FILE
from regviz.capture.manifest import damaged, read_manifest
from regviz.errors import ContractError
from regviz.masks import mask_labels, mask_texts
from regviz.pool import KeyPool
from regviz.registry import Registry
from regviz.schema import DTYPES, TABLES, compact
from regviz.text import escape_terminal
from regviz.texts import NamePool, TextPool

if TYPE_CHECKING:
    from regviz.capture.files import Files
    from regviz.capture.manifest import Manifest
    from regviz.schema import Columns

_SUFFIX = ".parquet"


def load(files: Files) -> Registry:
    """Read a capture; what :func:`regviz.read` does with one.

    Each file is hashed before it is parsed, and its rows, columns and types are looked at before it is decoded.

    Raises
    ------
    DamagedCaptureError
        A file is missing, changed or of another version; the message says which, and what to do.
    """
    manifest = read_manifest(files)
    _look_for_each(files, manifest)
    pool, names, texts = KeyPool(), NamePool(), TextPool()
    tables: dict[str, Columns] = {}
    for file, data in files.read([*manifest.files], LARGEST_FILE):
        written = manifest.files[file]
        if data is None:
            raise damaged(files, f"{file} cannot be read")
        if hashlib.sha256(data).hexdigest() != written.sha256:
            raise damaged(files, f"{file} is not as it was written: its SHA-256 differs")
        name = file.removesuffix(_SUFFIX)
        try:
            tables[name] = arrays(data, TABLES[name], written.rows, (pool, names, texts))
        except UnexpectedError as error:
            raise damaged(files, f"{file} {error}") from error
    mask_texts(texts)  # whoever made it may have kept what should not be shown
    mask_labels(tables["labels"], names, texts)
    new_key = pool.freeze()
    sorted_names, new_name = names.freeze()
    for name, contract in TABLES.items():
        for column in contract.columns:
            values = tables[name][column.name]
            if column.kind in ("digest", "name"):
                values = (new_key if column.kind == "digest" else new_name)[values]
            values = compact(values, DTYPES[column.kind])
            values.flags.writeable = False
            tables[name][column.name] = values
    registry = Registry(tables, keys=pool, names=sorted_names, texts=texts, source=manifest.source)
    try:
        registry.check()  # somebody may have written these files by other means
    except ContractError as error:
        raise damaged(files, " ".join(str(error).split())) from error
    return registry


def _look_for_each(files: Files, manifest: Manifest) -> None:
    if files.sizes is None:
        return
    for name in manifest.files:
        if name in files.links:
            raise damaged(files, f"{name} is a symbolic link, and none is followed")
        if name not in files.sizes:
            raise damaged(files, f"{name} is missing")
        if files.sizes[name] > LARGEST_FILE:
            raise damaged(files, f"{name} has more than {LARGEST_FILE:,} bytes")
    for name in sorted(files.sizes):
        if name.endswith(_SUFFIX) and name not in manifest.files:
            raise damaged(files, f"{escape_terminal(name)} is none of its files")

"""Hashing what is read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import regviz as rv
from regviz.world import small_world, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_changed_byte_is_told(tmp_path: Path) -> None:
    write(small_world(), tmp_path, layout="distribution")
    before = rv.read(tmp_path, verify=True)
    digest = before.resolve("library/nodejs:latest")
    data = tmp_path / f"docker/registry/v2/blobs/sha256/{digest[7:9]}/{digest[7:]}/data"
    data.write_bytes(data.read_bytes().replace(b"schemaVersion", b"SchemaVersion", 1))
    after = rv.read(tmp_path, verify=True)

    assert set(before.blobs["verified"].dropna()) == {True}
    assert "digest-mismatch" not in set(before.problems["rule"])
    [row] = after.problems[after.problems["rule"] == "digest-mismatch"].to_dict("records")
    assert row["blob"] == digest
    assert row["detail"].endswith(hashlib.sha256(data.read_bytes()).hexdigest())
    verified = after.blobs.set_index("blob")["verified"]
    assert not verified[digest]
    assert verified.drop(digest).dropna().all()


def test_layers_are_not_read(tmp_path: Path) -> None:
    write(small_world(), tmp_path, layout="distribution")
    blobs = rv.read(tmp_path, verify=True).blobs
    assert blobs[blobs["kind"] == "layer"]["verified"].isna().all()
    assert blobs[(blobs["kind"] == "manifest") & blobs["present"]]["verified"].all()
    assert rv.read(tmp_path).blobs["verified"].isna().all()

"""How many of each thing the real dumps hold, counted by tar, find and jq: the numbers stand in dump_counts.toml."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from regviz.registry import Registry

DUMPS = ROOT.parent / "shared" / "dumps"
STANDING = tomllib.loads(Path(__file__).with_name("dump_counts.toml").read_text(encoding="utf-8"))
OURS: dict[str, Callable[[Registry], int]] = {
    "repositories": lambda reg: len(reg.repositories),
    "tags": lambda reg: len(reg.tags),
    "tag_history": lambda reg: len(reg.tag_history),
    "manifests": lambda reg: int(reg.manifests["present"].sum()),
    "images": lambda reg: len(reg.images),
    "references": lambda reg: len(reg.manifest_references),
    "layers": lambda reg: len(reg.layers),
    "blobs": lambda reg: int(reg.blobs["present"].sum()),
    "history": lambda reg: len(reg.history),
    "labels": lambda reg: len(reg.labels),
    "revision_links": lambda reg: len(reg.repository_manifests),
    "layer_links": lambda reg: len(reg.repository_blobs),
}
pytestmark = pytest.mark.skipif(not DUMPS.is_dir(), reason=f"{NO_DUMPS}: there is no {DUMPS}")


def standing(dump: str) -> dict[str, int]:
    return {what: number for what, number in STANDING["dumps"][dump].items() if isinstance(number, int)}


def test_every_dump_has_its_numbers() -> None:
    assert {path.stem for path in DUMPS.glob("*.tar")} == set(STANDING["dumps"])
    for dump in STANDING["dumps"].values():
        assert {what for what in dump if what in OURS} == set(STANDING["commands"][dump["commands"]]) - {"before"}


@pytest.mark.parametrize("dump", STANDING["dumps"])
def test_regviz_counts_the_same(dump: str) -> None:
    registry = read(DUMPS / f"{dump}.tar")
    assert {what: OURS[what](registry) for what in standing(dump)} == standing(dump)


@pytest.mark.parametrize("dump", STANDING["dumps"])
def test_the_numbers_are_what_the_commands_count(dump: str, tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not here; apt-get install -y --no-install-recommends jq")
    said: dict[str, Any] = STANDING["dumps"][dump]
    unpack = ["tar", "-C", str(tmp_path), "--exclude=*/dev/*", "-xf", str(DUMPS / f"{dump}.tar")]
    subprocess.run(unpack, check=True)
    commands = dict(STANDING["commands"][said["commands"]])
    script = ["set -eo pipefail", commands.pop("before", "")]
    for what, command in commands.items():
        script += [f"count=$(\n{command}\n)", f"echo {what} $count"]
    bash = ["bash", "-c", "\n".join(script)]
    printed = subprocess.run(bash, cwd=tmp_path / said["at"], check=True, capture_output=True, text=True).stdout
    counted = dict(line.split() for line in printed.splitlines())
    assert {what: int(number) for what, number in counted.items()} == standing(dump)

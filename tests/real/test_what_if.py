"""What a deletion frees and breaks, by doing it: on a real Distribution, by its API, with its own collector.

Each storage is collected twice: as it is, in a copy, and after the deletion. The difference is what was predicted.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis.plan_text import plan_json, plan_script
from regviz.world import small_world, write
from tests.helpers import Store, rows
from tests.random_registry import random_registry
from tests.real.distribution import ACCEPT_ALL, ACCEPTED, distribution
from tests.real.service import request, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

pytestmark = pytest.mark.real

Pair = tuple[str, str]


@dataclass
class Stored:
    """What a storage holds, by a plain walk of its files."""

    blobs: dict[str, int] = field(default_factory=dict)
    tags: dict[Pair, str] = field(default_factory=dict)
    served: set[Pair] = field(default_factory=set)
    lists: dict[str, set[str]] = field(default_factory=dict)

    def broken(self, before: Stored) -> set[tuple[str, str, str]]:
        """Repository, manifest and what it lists, where the manifest is served, and what it lists no more."""
        return {
            (repository, digest, listed)
            for repository, digest in self.served
            for listed in self.lists[digest]
            if ((repository, listed) in before.served - self.served)
            or listed in before.blobs.keys() - self.blobs.keys()
        }


def stored(root: Path) -> Stored:
    v2, found = root / "docker/registry/v2", Stored()
    for path in v2.glob("blobs/sha*/??/*/data"):
        found.blobs[f"{path.parts[-4]}:{path.parts[-2]}"] = path.stat().st_size
    for path in (v2 / "repositories").rglob("link"):
        repository, _, inside = str(path.relative_to(v2 / "repositories")).partition("/_manifests/")
        parts = inside.split("/")
        if parts[0] == "tags" and parts[2:] == ["current", "link"]:
            found.tags[repository, parts[1]] = path.read_text()
        elif parts[0] == "revisions" and len(parts) == 4 and path.read_text() in found.blobs:
            found.served.add((repository, f"{parts[1]}:{parts[2]}"))
    for _, digest in found.served:
        algorithm, encoded = digest.split(":")
        document = loaded((v2 / "blobs" / algorithm / encoded[:2] / encoded / "data").read_bytes())
        descriptors = [document.get("config"), *document.get("layers", []), *document.get("manifests", [])]
        named = {entry["digest"] for entry in descriptors if entry}
        found.lists[digest] = named | {layer["blobSum"] for layer in document.get("fsLayers", [])}
    return found


def loaded(content: bytes) -> dict[str, Any]:
    """A manifest; nothing where it is none."""
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def collect(config: Path, collector: str) -> bool:
    """Collect garbage for real; whether it came to its end."""
    options = ["-m"] if collector.endswith("-m") else []
    command = ["docker-registry", "garbage-collect", *options, str(config)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def collected_today(server: DistributionServer, folder: Path, collector: str) -> Stored:
    """A copy of the storage, collected without any deletion."""
    shutil.copytree(server.root, folder / "twin")
    config = folder / "twin.yml"
    config.write_text(server.config.read_text().replace(str(server.root), str(folder / "twin")))
    collect(config, collector)
    return stored(folder / "twin")


def served_by_api(server: DistributionServer, pairs: set[Pair]) -> set[Pair]:
    """Those manifests that the server hands out."""
    return {
        (repository, digest)
        for repository, digest in pairs
        if request(server.port, "GET", f"/v2/{repository}/manifests/{digest}", None, {"Accept": ACCEPT_ALL}).status
        == 200
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DistributionServer]:
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path) as running:
        yield running


def delete(server: DistributionServer, chosen: list[Pair], delete_by: str, before: Stored) -> None:
    """Delete what was chosen: manifests by the API of 2.8, tags as 3.x does it, which removes their directory."""
    for repository, tag in chosen:
        if delete_by == "tag":
            shutil.rmtree(server.root / f"docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}")
        else:
            path = f"/v2/{repository}/manifests/{before.tags[repository, tag]}"
            assert request(server.port, "DELETE", path).status in (ACCEPTED, 404)  # it may have gone along


def hold(table: pd.DataFrame, before: Stored, today: Stored, then: Stored) -> None:
    """What goes, against what is left of the storage and of its twin."""
    said, freed = table.attrs, today.blobs.keys() - then.blobs.keys()
    of = {kind: table[table["kind"] == kind] for kind in ("blob", "tag")}
    assert set(rows(of["blob"], "digest", "bytes")) == {(digest, before.blobs[digest]) for digest in freed}
    assert said["freed_bytes"] + said["uncertain_bytes"] == sum(before.blobs[digest] for digest in freed)
    assert said["collected_today_bytes"] == sum(before.blobs.values()) - sum(today.blobs.values())
    assert set(rows(of["tag"], "repository", "tag")) == before.tags.keys() - then.tags.keys()
    assert said["tags"] == len(before.tags) - len(then.tags)


def hold_what_is_lost(table: pd.DataFrame, before: Stored, today: Stored, then: Stored) -> None:
    """What can be pulled no more, and what breaks."""
    manifests = table[table["kind"] == "manifest"]
    gone = manifests[manifests["cause"].isin(["deleted", "collected"])]
    assert {pair for pair in rows(gone, "repository", "digest") if pair in today.served} == today.served - then.served
    lost = {digest for _, digest in today.served} - {digest for _, digest in then.served}
    assert table.attrs["manifests_lost"] == len(lost)
    broken = table[table["cause"] == "broken"]
    expected = {(name, digest, listed) for name, digest, listed in then.broken(today) if listed in before.blobs}
    assert set(rows(broken, "repository", "digest", "lost")) == expected
    assert table.attrs["indexes_broken"] == len({(name, digest) for name, digest, _ in expected})


@pytest.mark.parametrize("seed", range(56))
def test_random_deletions_do_what_was_predicted(server: DistributionServer, tmp_path: Path, seed: int) -> None:
    """All that 2.8 can do: manifests or tags, collected with and without -m; the last sixteen are of broken storages."""
    delete_by, collector = [("manifest", "tag")[seed % 2], ("distribution-2.8", "distribution-2.8-m")[seed // 2 % 2]]
    is_broken = seed >= 40
    random_registry(server.root, seed, broken=is_broken)
    before, draw = stored(server.root), random.Random(seed)
    reg = rv.read(server.root, links="open")
    names = [f"{name}:{tag}" for name, tag in sorted(before.tags) if draw.random() < 0.6]
    table = rv.what_if(reg, tags=names, delete_by=delete_by, collector=collector)
    today = collected_today(server, tmp_path, collector)
    delete(server, rows(table[table["cause"] == "chosen"], "repository", "tag"), delete_by, before)
    completed = collect(server.config, collector)
    then = stored(server.root)
    assert completed == (table.attrs["abort"] is None)
    hold(table, before, today, then)
    assert table.attrs["stuck"] == len(names) - len(table[table["cause"] == "chosen"])
    if not is_broken:
        assert table.attrs["stuck"] == 0
        hold_what_is_lost(table, before, today, then)
        assert served_by_api(server, before.served) == then.served


def run_plan(server: DistributionServer, script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = os.environ | {"REGISTRY": f"http://{server.url}", "no_proxy": "*"} | environment
    return subprocess.run(["sh", str(script)], env=told, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("seed", [*range(100, 112), *range(400, 412)])
def test_a_plan_does_what_it_says(server: DistributionServer, tmp_path: Path, seed: int) -> None:
    """Whole storages and broken ones (400 and on)."""
    made = random_registry(server.root, seed, broken=seed >= 400)
    # With -m it deletes a manifest that two links lead to twice, and gives up, which no dry run shows.
    collector = ("distribution-2.8", "distribution-2.8-m")[seed % 2 and "revision link elsewhere" not in made.features]
    before, draw = stored(server.root), random.Random(seed)
    chosen = [f"{name}:{tag}" for name, tag in sorted(before.tags) if draw.random() < 0.6]
    reg = rv.read(server.root, links="open")
    plan = rv.deletion_plan(reg, tags=chosen, collector=collector)
    today = collected_today(server, tmp_path, collector)
    script = tmp_path / "plan.sh"
    script.write_text(plan_script(plan))
    tried = run_plan(server, script, DRY_RUN="1")
    assert (tried.returncode, stored(server.root)) == (0, before), tried
    done = run_plan(server, script)
    assert done.returncode == 0, done
    goes = plan[plan["action"] == "delete"]
    assert set(rows(goes, "repository", "tag")) == before.tags.keys() - stored(server.root).tags.keys()
    assert collect(server.config, collector) == (plan.attrs["abort"] is None)
    then = stored(server.root)
    freed = plan.attrs["freed_bytes"] + plan.attrs["uncertain_bytes"]
    assert freed == sum(today.blobs.values()) - sum(then.blobs.values())
    predicted = rv.what_if(reg, tags=goes, collector=collector)
    assert {name: predicted.attrs[name] for name in ("freed_bytes", "tags", "images_lost")} == {
        name: plan.attrs[name] for name in ("freed_bytes", "tags", "images_lost")
    }
    assert predicted.attrs["also_removes"] == 0


@pytest.mark.parametrize("by", ["names", "new tag", "moved tag", "by tag"])
def test_a_plan_deletes_nothing_that_changed_since(server: DistributionServer, tmp_path: Path, by: str) -> None:
    store = Store(server.root)
    first, second = (store.image("team/app", [content], tag) for content, tag in ((b"one", "1"), (b"two", "2")))
    plan = rv.deletion_plan(
        rv.read(server.root), tags=["team/app:1"], delete_by="tag" if by == "by tag" else "manifest"
    )
    script = tmp_path / "plan.sh"
    script.write_text(plan_script(plan))
    if by == "new tag":
        store.tag("team/app", "new", first)
    elif by == "moved tag":
        store.tag("team/app", "1", second)
    before = stored(server.root)
    done = run_plan(server, script)
    if by == "names":
        assert (done.returncode, server.tags("team/app")) == (0, ["2"]), done
        return
    assert (done.returncode, stored(server.root)) == (1, before), done
    said = {
        "new tag": f"kept: team/app@{first}: another tag has it now",
        "moved tag": f"kept: team/app:1 is {second} now, no longer {first}",
        "by tag": "failed: team/app:1: this registry deletes by digest only",  # as 2.8 does
    }
    assert said[by] in done.stderr


def test_a_plan_says_what_the_server_lacks(server: DistributionServer, tmp_path: Path) -> None:
    Store(server.root).image("app", [b"one"], "1")
    script = tmp_path / "plan.sh"
    script.write_text(plan_script(rv.deletion_plan(rv.read(server.root), tags=["app:1"])))
    config = tmp_path / "other" / "config.yml"
    config.parent.mkdir()
    done = run_plan(server, script, REGISTRY="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "the tags of the repository could not all be read" in done.stderr
    assert run_plan(server, script, REGISTRY="").returncode != 0
    assert server.tags("app") == ["1"]


def pulled(server: DistributionServer, skopeo: Skopeo, folder: Path, tags: list[Pair]) -> dict[str, str]:
    """What skopeo says where it pulls each of these tags; nothing where it does."""
    said = {}
    folder.mkdir()
    for number, (repository, tag) in enumerate(tags):
        try:
            skopeo.copy(server.reference(repository, tag), f"dir:{folder / str(number)}")
            said[f"{repository}:{tag}"] = ""
        except AssertionError as error:
            said[f"{repository}:{tag}"] = str(error)
    return said


def test_what_stays_can_still_be_pulled_and_what_goes_cannot(
    server: DistributionServer, skopeo: Skopeo, tmp_path: Path
) -> None:
    """The small world: old images of some repositories go, by a policy and a plan."""
    write(small_world(), server.root, "distribution")
    reg = rv.read(server.root, links="check", times=True)
    plan = rv.deletion_plan(reg, repositories=["team/*", "nodejs"], keep_last=1, keep="^latest$")
    goes = {f"{name}:{tag}" for name, tag in rows(plan[plan["action"] == "delete"], "repository", "tag")}
    script, tags = tmp_path / "plan.sh", rows(reg.tags, "repository", "tag")
    script.write_text(plan_script(plan))
    before = pulled(server, skopeo, tmp_path / "before", tags)
    assert sum(not said for said in before.values()) > len(goes) > 0
    assert run_plan(server, script).returncode == 0
    assert collect(server.config, "distribution-2.8")
    after = pulled(server, skopeo, tmp_path / "after", tags)
    assert {name for name in before if not before[name] and after[name]} == {name for name in goes if not before[name]}
    assert all("manifest unknown" in after[name] for name in goes)
    assert json.loads(plan_json(plan))["freed_bytes"] == plan.attrs["freed_bytes"] > 0

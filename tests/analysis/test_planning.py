"""Plans of deletions: what they hold, what they refuse, and scripts that no name can break. tests/real sends them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regviz as rv
from regviz.analysis.plan_text import _quoted, plan_json, plan_script
from regviz.errors import NotKnowableError, RegvizError
from regviz.read import read
from tests.analysis.test_deletion import index_of
from tests.conftest import ROOT
from tests.every_source import listing_of_world
from tests.helpers import Store, rows
from tests.live.servers import serving, small_shop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "storage")
    amd = store.image("app", [b"amd"], "1-amd64")
    store.push("app", index_of(store, amd), "1")
    store.image("app", [b"two"], "2", "latest")
    store.image("app", [b"three"], "3", "drei")
    store.image("other", [b"four"], "4")
    store.tag("app", "gone", "sha256:" + "0" * 64)
    return store


def test_what_a_tag_that_stays_needs_is_dropped_and_said(store: Store) -> None:
    plan = rv.deletion_plan(read(store.root), pattern="^[1-4g]-?|drei", keep="^1$")
    digest = dict(rows(read(store.root).tags, "tag", "manifest"))
    assert rows(plan, "step", "repository", "tag", "action", "reason") == [
        (None, "app", "1-amd64", "keep", "1 stays, and its index lists this one"),
        (None, "app", "2", "keep", "latest stays, and has the same manifest"),
        (1, "app", "3", "delete", None),
        (1, "app", "drei", "delete", None),
        (None, "app", "gone", "keep", "its manifest is not there, or cannot be told"),
        (2, "other", "4", "delete", None),
    ]
    assert dict(rows(plan, "tag", "manifest")).items() <= digest.items()
    goes = plan[plan["action"] == "delete"]
    answer = rv.what_if(read(store.root), tags=goes).attrs
    assert {name: plan.attrs[name] for name in ("freed_bytes", "tags", "manifests_lost")} == {
        name: answer[name] for name in ("freed_bytes", "tags", "manifests_lost")
    }


def test_by_tag_every_tag_is_a_request(store: Store) -> None:
    plan = rv.deletion_plan(read(store.root), tags=["app:2", "app:3", "app:drei"], delete_by="tag")
    assert rows(plan, "step", "tag", "action") == [(1, "2", "delete"), (2, "3", "delete"), (3, "drei", "delete")]
    script = plan_script(plan)
    assert [line.split()[:2] for line in script.splitlines() if line.startswith("tag ")] == [
        ["tag", "'2'"],
        ["tag", "'3'"],
        ["tag", "'drei'"],
    ]
    paths = [step["request"]["path"] for step in json.loads(plan_json(plan))["steps"]]
    assert paths == ["/v2/app/manifests/2", "/v2/app/manifests/3", "/v2/app/manifests/drei"]


def test_the_json_has_what_must_hold_and_why_others_stay(store: Store) -> None:
    plan = rv.deletion_plan(read(store.root), tags=["app:3", "app:drei", "app:gone"])
    made = json.loads(plan_json(plan))
    digest = rows(plan[plan["tag"] == "3"], "manifest")[0][0]
    assert (made["format"], made["version"], made["source"]) == ("regviz-deletion-plan", 1, str(store.root))
    assert made["steps"] == [
        {
            "step": 1,
            "repository": "app",
            "digest": digest,
            "tags": ["3", "drei"],
            "request": {"method": "DELETE", "path": f"/v2/app/manifests/{digest}"},
        }
    ]
    assert [(entry["tag"], entry["digest"]) for entry in made["kept"]] == [("gone", "sha256:" + "0" * 64)]
    assert any("storage.delete.enabled" in need for need in made["needs"])


@pytest.mark.parametrize(
    ("collector", "command"), [("distribution-2.8", "collect /"), ("distribution-3-m", "collect --delete-untagged /")]
)
def test_the_header_says_what_the_server_needs(store: Store, collector: str, command: str) -> None:
    header = plan_script(
        rv.deletion_plan(read(store.root, links="check"), tags=["app:3", "app:gone", "app:drei"], collector=collector)
    )  # type: ignore[arg-type]
    for said in (
        "storage.delete.enabled",
        "Nobody pushes",
        "read-only",
        command,
        "started again",
        "DRY_RUN=1",
        "app:gone:",
    ):
        assert said in header
    assert "1 manifest to delete, with 2 tags" in header


def test_names_that_no_registry_serves_are_no_requests(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for repository, tag in (("app", "$(id)"), ("App", "1"), ("a b", "1"), ("app", "ok")):
        store.image(repository, [repository.encode() + tag.encode()], tag)
    plan = rv.deletion_plan(read(tmp_path), pattern="")
    assert rows(plan[plan["action"] == "delete"], "repository", "tag") == [("app", "ok")]
    assert set(plan["reason"].dropna()) == {"no registry serves a repository or tag of this name"}


def test_a_broken_link_of_another_tag_stops_the_server_half_way(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.image("app", [b"x"], "1")
    store.image("other", [b"y"], "1")
    store.tag("app", "odd", digest, content=b"no digest")
    reg = read(tmp_path)
    assert rows(rv.deletion_plan(reg, pattern="1"), "repository", "action") == [("app", "keep"), ("other", "delete")]
    assert set(rv.deletion_plan(reg, pattern="1", delete_by="tag")["action"]) == {"delete"}


def test_what_the_registry_cannot_read_it_does_not_tell(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    store.push("app", {"schemaVersion": 2, "mediaType": "application/vnd.example.unheard-of+json"}, "odd")
    store.image("other", [b"y"], "1")
    reasons = dict(rows(rv.deletion_plan(read(tmp_path), pattern="."), "tag", "reason"))
    plan = rv.deletion_plan(read(tmp_path), pattern=".")
    assert rows(plan, "repository", "tag", "action") == [
        ("app", "1", "keep"),
        ("app", "odd", "keep"),
        ("other", "1", "delete"),
    ]
    assert "cannot read its manifest" in reasons["odd"]
    assert set(rv.deletion_plan(read(tmp_path), tags=["app:1"], delete_by="tag")["action"]) == {"delete"}


hostile = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=30)
@given(hostile)
def test_a_shell_takes_a_word_as_it_is(word: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {_quoted(word)}"], check=True, capture_output=True)
    assert done.stdout == word.encode()


@settings(max_examples=30)
@given(repository=hostile, tag=hostile, source=hostile)
def test_no_name_breaks_out_of_a_script(
    tmp_path_factory: pytest.TempPathFactory, repository: str, tag: str, source: str
) -> None:
    """Whatever stands in a plan: the lines that are commands are those of the plan's rows."""
    plan = rv.deletion_plan(rv.read(), tags=["tiny:1"])
    attrs = plan.attrs | {"source": source}
    more = pd.DataFrame([(pd.NA, repository, tag, "sha256:1", "keep", source)], columns=list(plan))
    plan = pd.concat(
        [plan.assign(repository=repository, tag=tag), more.astype(plan.dtypes.to_dict())], ignore_index=True
    )
    plan.attrs = attrs
    script = plan_script(plan)
    head, _, program = script.partition("\nset -u\n")
    assert all(line.startswith("#") for line in head.split("\n") if line)
    folder = tmp_path_factory.mktemp("script")
    commands = program.partition("\n# ---\n")[2]
    stub = "repository() { printf '%s\\0' \"$@\"; }\nmanifest() { printf '%s\\0' \"$@\"; }\nexec 2>&-\n"
    (folder / "script").write_bytes(("deleted=0 skipped=0 failed=0\n" + stub + commands).encode())
    done = subprocess.run(["sh", str(folder / "script")], check=True, capture_output=True, cwd=folder)
    words = done.stdout.decode().split("\0")[:-1]
    assert words == [repository, tag, words[2], tag]
    assert words[2].startswith("sha256:")
    assert [path.name for path in folder.iterdir()] == ["script"]


class TestRefused:
    def ask(self, root: Path | str) -> pd.DataFrame:
        return rv.deletion_plan(read(root), pattern=".")

    def test_what_was_not_read_completely(self, store: Store, tmp_path: Path) -> None:
        whole = tmp_path / "whole.tar"
        subprocess.run(["tar", "-C", store.root, "--sort=name", "-cf", whole, "docker"], check=True)
        cut = tmp_path / "cut.tar"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        with pytest.raises(RegvizError, match="could not be read completely"):
            rv.deletion_plan(read(cut, partial=True), pattern=".")

    def test_a_database_of_harbor(self, tmp_path: Path) -> None:
        Store(tmp_path / "harbor" / "registry").image("library/app", [b"x"], "1")
        reg = read(tmp_path / "harbor" / "registry")
        if not reg.source.tags_elsewhere:
            pytest.fail("the path no longer says that it is Harbor's")
        with pytest.raises(RegvizError, match="lie in a database"):
            rv.deletion_plan(reg, pattern=".")

    def test_a_database_of_gitlab(self, store: Store) -> None:
        store.file("../lockfiles/database-in-use")
        assert read(store.root).source.names_in_database
        with pytest.raises(RegvizError, match="lie in a database"):
            self.ask(store.root)

    def test_a_pull_through_cache(self, store: Store) -> None:
        (store.root / "scheduler-state.json").write_text("{}")
        assert read(store.root).source.proxy_cache
        with pytest.raises(RegvizError, match="pull-through cache"):
            self.ask(store.root)

    @pytest.mark.parametrize("layout", ["v1", "oci", "docker-save"])
    def test_what_no_distribution_server_has(self, layout: str) -> None:
        [source] = (ROOT / "data").glob(f"world-{layout}.tar*")
        with pytest.raises(NotKnowableError, match="Read the storage of the registry itself"):
            self.ask(source)

    def test_what_cannot_know(self, tmp_path: Path) -> None:
        with pytest.raises(NotKnowableError, match="listing"):
            self.ask(listing_of_world("distribution", tmp_path))
        with serving(small_shop()) as server, pytest.raises(NotKnowableError, match="Read the storage"):
            self.ask(server.url)

"""A live registry against its own storage: what it can know is equal, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.schema import TABLES
from tests.helpers import plain_tables

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.answers import Answers
    from tests.real.content import Content
    from tests.real.distribution import DistributionServer

pytestmark = pytest.mark.real

DOCUMENTS = ("manifests", "manifest_references", "manifest_layers", "history", "labels")


@pytest.fixture(scope="module")
def stored(distribution_server: DistributionServer, answers: Answers) -> Registry:  # noqa: ARG001  all was pushed
    return rv.read(distribution_server.root, links="check", verify=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=["first", "again", "without a cache"])
def live(
    request: pytest.FixtureRequest,
    distribution_server: DistributionServer,
    answers: Answers,  # noqa: ARG001  nothing is read before all was pushed
    cache: Path,
) -> Registry:
    """The server, read over HTTP: with an empty cache, a full one, and none."""
    return rv.read(f"http://{distribution_server.url}", cache=False if request.param == "without a cache" else cache)


def rows(registry: Registry, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of a table by their keys, as plain values."""
    columns = [column.name for column in TABLES[table].columns]
    made = [dict(zip(columns, row, strict=True)) for row in plain_tables(registry)[table]]
    return {tuple(row[name] for name in TABLES[table].key): row for row in made}


def reached(answers: Answers) -> set[str]:
    """Manifests that tags lead to, as the API's own documents say."""
    found, waiting = set(), set(answers.tags.values())
    while waiting:
        digest = waiting.pop()
        found.add(digest)
        if digest in answers.known:
            document = answers.known[digest].document
            listed = [entry["digest"] for entry in document.get("manifests", ()) if "layer" not in entry["mediaType"]]
            subject = [document["subject"]["digest"]] if "subject" in document else []
            waiting |= {child for child in (*listed, *subject) if child in answers.known} - found
    return found


def test_repositories_are_the_catalogs(live: Registry, answers: Answers) -> None:
    assert live.repositories["repository"].tolist() == sorted(answers.catalog)


def test_tags_are_those_the_api_answers(live: Registry, answers: Answers) -> None:
    found = {(row["repository"], row["tag"]): row["manifest"] for row in live.tags.to_dict("records")}
    assert found == answers.tags
    assert set(live.tags["link_state"]) == {"ok"}


def test_manifests_are_what_tags_reach(live: Registry, answers: Answers) -> None:
    there = live.manifests[live.manifests["present"]]
    assert set(there["manifest"]) == reached(answers)


@pytest.mark.parametrize("table", DOCUMENTS)
def test_documents_say_the_same_as_in_the_storage(live: Registry, stored: Registry, table: str) -> None:
    ours, theirs = rows(live, table), rows(stored, table)
    manifests = {key[0] for key in rows(live, "manifests")}
    assert ours == {key: row for key, row in theirs.items() if key[0] in manifests}
    assert ours


def test_layers_are_the_same(live: Registry, stored: Registry) -> None:
    ours, theirs = rows(live, "layers"), rows(stored, "layers")
    on_stacks = {row["layer"] for row in rows(live, "manifest_layers").values() if row["layer"]}
    assert ours.keys() == {(layer,) for layer in on_stacks}
    assert ours == {key: theirs[key] for key in ours}


def test_blobs_have_the_same_bytes(live: Registry, stored: Registry, answers: Answers) -> None:
    columns = ("kind", "media_type", "blob_bytes", "present", "copies")
    ours, theirs = rows(live, "blobs"), rows(stored, "blobs")
    assert {key: [row[c] for c in columns] for key, row in ours.items()} == {
        key: [theirs[key][c] for c in columns] for key in ours
    }
    for digest, length in answers.blob_bytes.items():
        if (digest,) in ours:
            assert ours[digest,]["blob_bytes"] == length


def test_documents_were_held_to_their_digests(live: Registry, stored: Registry) -> None:
    ours, theirs = rows(live, "blobs"), rows(stored, "blobs")
    assert {key: row["verified"] for key, row in ours.items()} == {key: theirs[key]["verified"] for key in ours}


def test_a_blob_under_another_digest_is_found_under_its_own(live: Registry, content: Content) -> None:
    blobs = set(live.blobs["blob"])
    layers = live.manifest_layers
    for pushed, lies in content.sha512.items():
        assert lies in blobs
        assert pushed not in blobs
        assert set(layers[layers["digest"] == pushed]["blob"]) == {lies}


def test_links_are_the_storages(live: Registry, stored: Registry) -> None:
    """A repository links all that its manifests list; more than that a server does not tell."""
    ours, theirs = rows(live, "repository_blobs"), rows(stored, "repository_blobs")
    assert ours
    assert {key: row["blob"] for key, row in ours.items()} == {key: theirs[key]["blob"] for key in ours}
    served = rows(live, "repository_manifests")
    assert {key for key in rows(stored, "repository_manifests") if key[1] in reached_of(live, key[0])} >= served.keys()


def reached_of(registry: Registry, repository: str) -> set[str]:
    served = registry.repository_manifests
    return set(served[served["repository"] == repository]["manifest"])


def test_the_source_says_what_it_cannot_know(live: Registry) -> None:
    source = live.source
    assert source.layouts == ("registry-v2",)
    assert (source.knows_untagged, source.knows_all_blobs, source.knows_disk, source.trusts_times) == (False,) * 4
    assert live.tags["pushed_at"].isna().all()
    assert live.blobs["stored_at"].isna().all()


def test_problems_are_those_of_what_can_be_seen(live: Registry, stored: Registry, answers: Answers) -> None:
    """Repositories without tags, which the server says it does not know; else what the storage shows too."""
    unserved = {repository for repository in answers.catalog if not any(r == repository for r, _ in answers.tags)}
    problems = live.problems
    said = set(problems[problems["rule"] == "repository-unserved"]["repository"])
    assert said <= unserved
    repositories = live.repositories
    assert set(repositories[~repositories["complete"]]["repository"]) == said
    others = problems[problems["rule"] != "repository-unserved"]
    key = ["rule", "manifest", "blob"]
    both = {tuple(row) for row in stored.problems[key].astype(str).to_numpy().tolist()}
    assert {tuple(row) for row in others[key].astype(str).to_numpy().tolist()} <= both


def test_sizes_are_the_same(live: Registry, stored: Registry) -> None:
    columns = ["repository", "manifests", "layers", "logical_bytes", "unique_bytes", "exclusive_bytes", "absent_bytes"]
    ours, theirs = (rv.sizes(registry, by="repository")[columns] for registry in (live, stored))
    ours, theirs = (table[table["manifests"] > 0].sort_values("repository") for table in (ours, theirs))
    assert len(ours)
    assert ours.astype(object).values.tolist() == theirs.astype(object).values.tolist()


def test_a_plan_counts_what_the_catalog_and_the_lists_say(
    distribution_server: DistributionServer, answers: Answers
) -> None:
    plan = rv.plan(f"http://{distribution_server.url}")
    repositories, tags = plan.counts
    assert (repositories.number, repositories.exact) == (len(answers.catalog), True)
    if tags.exact:
        assert tags.number == len(answers.tags)
    assert plan.layout == "registry-v2"

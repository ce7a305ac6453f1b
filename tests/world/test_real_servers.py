"""The writers against the real servers: the same tree, byte for byte, and the same answers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from regviz.world import (
    AbortPush,
    Collect,
    Push,
    World,
    article_world,
    document,
    small_world,
    storage_tree,
    unfolding,
)
from tests.world.replay import comparable, left_by, tell_distribution, tell_v1, unequal, written_in
from tests.world.zoo import NOON, ONLY_DISTRIBUTION, ZOO

if TYPE_CHECKING:
    from regviz.world.describe import Content
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo
    from tests.real.v1_server import V1Server

pytestmark = pytest.mark.real


def test_the_server_answers_what_the_world_describes(served: DistributionServer) -> None:
    tags = small_world().tags("distribution")
    # Its push died, but blobs had arrived: 2.8 lists every repository that has layers.
    assert served.catalog() == sorted([*tags, "team/worker"])
    for repository, named in tags.items():
        assert sorted(served.tags(repository)) == sorted(named)
        for tag, content in named.items():
            described, answered = document(content, repository, tag), served.manifest(repository, tag)
            assert (answered.digest, answered.media_type) == (described.digest, described.media_type)
            assert answered.stored == described.data
            for upload in described.uploads:
                if upload.data is not None:
                    assert served.request("GET", f"{repository}/blobs/{upload.digest}").body == upload.data


def _dying_at_the_start(world: World) -> World:
    """How much of a layer is on the disk when a server dies is chance; at its start it is nothing."""
    events = (replace(event, sent=0) if isinstance(event, AbortPush) else event for event in world.events)
    return replace(world, events=tuple(events))


@pytest.mark.parametrize("world", [small_world(), ZOO], ids=["small", "zoo"])
def test_the_same_pushes_leave_the_same_storage(
    world: World, fresh: DistributionServer, served: DistributionServer
) -> None:
    for event in world.events_in("distribution"):
        tell_distribution(fresh, event, signer=served)
    tree = storage_tree(_dying_at_the_start(world), "distribution")
    assert unequal(left_by(fresh.root), written_in(tree)) == {}


def test_the_article_unfolds_as_it_does_on_a_real_server(fresh: DistributionServer, served: DistributionServer) -> None:
    """After every push, after the deletion, and after the server's own collector ran."""
    (_, started), *states = unfolding("distribution")
    assert left_by(fresh.root) == written_in(started) == {}
    for event, (name, tree) in zip(article_world().events_in("distribution"), states, strict=True):
        tell_distribution(fresh, event, signer=served)
        assert unequal(left_by(fresh.root), written_in(tree)) == {}, name


@pytest.mark.parametrize("delete_untagged", [False, True], ids=["plain", "-m"])
@pytest.mark.parametrize("world", [small_world(), ZOO], ids=["small", "zoo"])
def test_a_collector_leaves_what_the_real_one_leaves(
    world: World, fresh: DistributionServer, *, delete_untagged: bool
) -> None:
    tree = storage_tree(world, "distribution")
    fresh.root.rmdir()
    tree.save(fresh.root)
    event = Collect(at=NOON, delete_untagged=delete_untagged)
    tell_distribution(fresh, event, signer=fresh)
    events = (*world.events, event)
    collected = storage_tree(replace(world, events=events), "distribution")
    assert len(list(collected)) < len(list(tree))
    assert unequal(left_by(fresh.root), written_in(collected)) == {}


def test_skopeo_copies_every_tag_into_the_same_storage(
    served: DistributionServer, fresh: DistributionServer, copier: Skopeo
) -> None:
    tags = small_world().tags("distribution")
    pushes = []
    for repository, named in tags.items():
        for tag, content in named.items():
            if re.fullmatch("sha256-[0-9a-f]{64}", tag):
                # Debian's skopeo of 2022 drops the field artifactType from the entries of this index.
                continue
            copier.copy(
                served.reference(repository, tag),
                fresh.reference(repository, tag),
                "--all",
                "--preserve-digests",
            )
            pushes.append(_plain_push(repository, tag, content))
    tree = storage_tree(World("tags", tuple(pushes)), "distribution")
    assert unequal(left_by(fresh.root), written_in(tree)) == {}


def _plain_push(repository: str, tag: str, content: Content) -> Push:
    return Push(repository=repository, at=NOON, content=content, tags=(tag,), layouts=ONLY_DISTRIBUTION)


def test_the_same_pushes_leave_the_same_v1_storage(fresh_v1: V1Server) -> None:
    for event in small_world().events_in("v1"):
        tell_v1(fresh_v1, event)
    tree = storage_tree(_dying_at_the_start(small_world()), "v1", server="0.9.1")
    assert unequal(comparable(left_by(fresh_v1.root)), comparable(written_in(tree))) == {}


def test_the_article_unfolds_as_it_does_on_a_real_v1_server(fresh_v1: V1Server) -> None:
    """Of 0.9.1, the server that can be started; the shipped steps are 0.6.6's, which writes other files of checksums."""
    events = article_world().events_in("v1")
    assert left_by(fresh_v1.root) == {}
    for count, event in enumerate(events, 1):
        tell_v1(fresh_v1, event)
        tree = storage_tree(World("so far", events[:count]), "v1", server="0.9.1")
        assert unequal(comparable(left_by(fresh_v1.root)), comparable(written_in(tree))) == {}, event

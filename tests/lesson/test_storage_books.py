"""The truths of lessons 03, 04 and 05, against what coreutils, gzip and a count by hand say of the same archives."""

from __future__ import annotations

from regviz.lesson.books import book_03, book_04, book_05

TAG = "sha256:f532fc4fe3b2758b989dd88640258567418ceac96ab6e9040cb2e835c76ff376"
"""``cat current/link``; ``sha256sum`` of the blob says the same."""
CONFIG = "sha256:af8814c894517b27891638e55326ff3124e8c2762f0ae74cca3dde27674d329d"
LAYERS = (  # as the manifest lists them; sha256sum of each blob says the same
    "sha256:de15774c82b2e8602cfa456c76bad2c4db7bbd7d75a136bca8542d95dd546f97",
    "sha256:bbd3ed0570a5d6e0e22f907c4e187532960386acdf671df674f7921bdfccb2c8",
    "sha256:6dea2e4299e97d9b292ded1868dc5688add45cf3dd25d44c26cd3625ebc7275c",
)
DIFF_ID = "sha256:4a1c7697b44f5fcc67c64a90f16d0dce731e9646dea3d185d82efca2fc19c6b7"
"""``gzip -dc data | sha256sum`` of the base layer."""
CHAIN_ID = "sha256:5eaec971a3605f69f112f558019bf219382287b2f9ae50eb6305311f01ac0ea0"
"""``printf 'sha256:… sha256:…' | sha256sum``, twice."""


def test_the_digests_are_those_of_sha256sum() -> None:
    assert book_03.image_id() == CONFIG
    assert book_03.manifest_digest() == TAG
    assert book_03.diff_id() == DIFF_ID
    assert book_03.compressed() == LAYERS[0]
    assert book_03.chain_id() == CHAIN_ID
    assert book_03.different() == 1 + 1 + 3 + 3 + 2  # the first chain ID is a diff ID


def test_a_pull_opens_all_but_one_of_twelve_files() -> None:
    # By hand: two links and the manifest, then a link and a blob for the configuration and each of three layers.
    assert book_03.opened() == 2 + 1 + 2 * 4 == 11
    assert book_03.unopened() == (f"repositories/hello/_manifests/tags/latest/index/{TAG.replace(':', '/')}/link")


def test_two_hexadecimal_characters_are_one_byte() -> None:
    assert book_03.directories() == 16 * 16 == 256
    assert book_03.two_bytes() == 256 * 256
    assert book_03.here() == 5  # ls blobs/sha256 | wc -l


def test_what_four_layouts_keep() -> None:
    assert book_04.oci_files() == 7  # five blobs, an index, a version
    assert book_04.new_files() == {"index.json", "oci-layout"}
    assert book_04.of_a_tar() == "diff ID"
    assert book_04.larger() == (13_824 + 8_704 + 2_560) - (4_862 + 2_820 + 187)  # gzip -dc | wc -c, and ls -l
    assert book_04.from_v1() == 3 + 3 + 2  # layers, decompressed layers, chains: no manifest, and no configuration
    assert book_04.lost() == 1 + 3  # the manifest, and the layers as they were compressed


def test_the_digest_of_the_specification_is_sha_1_of_nothing() -> None:
    assert book_04.function() == "sha1"  # sha1sum </dev/null
    assert book_04.as_it_says() == "sha256"


def test_what_each_event_leaves_is_what_find_says() -> None:
    # find -name data -printf '%s\n' of each state, added up: 121,174, 141,136, 175,473, 175,473, 155,511.
    assert book_05.reached() == {TAG, CONFIG, *LAYERS}
    assert book_05.second_push() == 141_136 - 121_174
    assert book_05.changed() == 1
    assert book_05.freed_by_deletion() == 175_473 - 175_473
    assert book_05.collected() == 175_473 - 155_511
    # comm of the two listings: three files, and five directories.
    assert book_05.files_went() == 3
    assert book_05.directories_too() == 8
    # What all blobs are, without python's own and without what the new nodejs reaches (121,180).
    assert book_05.only_old() == 175_473 - 19_962 - 121_180
    assert book_05.from_tags() == 19_962 + 34_331


def test_what_no_tag_of_v1_leads_to() -> None:
    assert book_05.orphans() == 22 - 16  # ls images | wc -l, and the ids in the ancestry of tag_latest
    assert book_05.all_but_the_tagged() == 22 - 1
    assert book_05.of_the_deleted_tag() == 3

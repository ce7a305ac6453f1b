"""Lesson 07: one tag for many platforms, and what stands beside an image."""

from __future__ import annotations

import json
from typing import Any

from regviz.lesson.book import Book, files

book = Book(
    "07",
    title="Platforms, attestations, signatures",
    question="One tag serves two platforms, and a builder attests to both. How many manifests is that?",
    minutes=40,
    archives=("platforms",),
    objectives=(
        "follow a tag through an index to the image of one platform",
        "say what a host fetches of an index, and what it leaves",
        "tell an image from an attestation and a signature by what lies on the disk",
    ),
    prerequisites=("lesson 03: link, manifest and blob", "a little Python: json, sets, a for loop"),
)
_V2 = "docker/registry/v2"
_PLAIN, _ATTESTED = "1-platforms", "2-attested"


def _blob(state: str, digest: str) -> bytes:
    algorithm, digits = digest.split(":")
    return files("platforms")[f"{state}/{_V2}/blobs/{algorithm}/{digits[:2]}/{digits}/data"]


def _document(state: str, digest: str) -> dict[str, Any]:
    return dict(json.loads(_blob(state, digest)))


def _tagged(state: str) -> str:
    """What the tag names."""
    return files("platforms")[f"{state}/{_V2}/repositories/app/_manifests/tags/1.0/current/link"].decode()


def _entries(state: str) -> list[dict[str, Any]]:
    return list(_document(state, _tagged(state))["manifests"])


def _of(state: str, architecture: str) -> str:
    """The manifest of one platform."""
    return next(str(e["digest"]) for e in _entries(state) if e["platform"]["architecture"] == architecture)


def _attestation_of(image: str) -> str:
    return next(
        str(entry["digest"])
        for entry in _entries(_ATTESTED)
        if entry.get("annotations", {}).get("vnd.docker.reference.digest") == image
    )


def _needs(manifest: str) -> set[str]:
    """A manifest, and what it names."""
    told = _document(_PLAIN, manifest)
    return {manifest, told["config"]["digest"], *(layer["digest"] for layer in told["layers"])}


def _bytes(digests: set[str]) -> int:
    return sum(len(_blob(_PLAIN, digest)) for digest in digests)


def _stored(state: str) -> int:
    return sum(len(data) for path, data in files("platforms").items() if path.startswith(f"{state}/{_V2}/blobs/"))


@book.prediction("07.a", asks="How many manifests does the push of one tag for two platforms write?", unit="manifests")
def written() -> int:
    """The index, and what it lists."""
    return 1 + len(_entries(_PLAIN))


@book.check(
    "07.1",
    asks="By which digest does a host with an ARM processor (linux/arm64) know the manifest of its image?",
    why="The index names it beside the platform, and this digest is what runs.",
    hint="Look for the entry whose platform has the architecture arm64, and take its digest.",
)
def of_arm64() -> str:
    """By the index."""
    return _of(_PLAIN, "arm64")


@of_arm64.mistake("That is the index itself: what the tag names for every host. The host goes on to one entry of it.")
def the_index() -> str:
    """What the tag names."""
    return _tagged(_PLAIN)


@of_arm64.mistake("That is the image of the other platform. Look at architecture in each entry's platform.")
def of_amd64() -> str:
    """The other one."""
    return _of(_PLAIN, "amd64")


@of_arm64.mistake("That is the configuration's digest: the image ID, as an engine shows it. Asked is the manifest's.")
def image_id() -> str:
    """One document further."""
    return str(_document(_PLAIN, _of(_PLAIN, "arm64"))["config"]["digest"])


@book.check(
    "07.2",
    asks="How many bytes does that host fetch in all, if it has nothing yet?",
    unit="bytes",
    why="Index, manifest, configuration and its two layers; of the other platform nothing.",
    hint="Add up the lengths of the index, and of all that the manifest of arm64 needs, itself among them.",
)
def fetched() -> int:
    """Index, manifest, configuration, layers."""
    return _bytes({_tagged(_PLAIN), *_needs(_of(_PLAIN, "arm64"))})


@fetched.mistake("Those are all bytes that the registry holds. A host passes over what is for other platforms.")
def both_platforms() -> int:
    """Everything."""
    return _stored(_PLAIN)


@fetched.mistake("You left the index out. Without it the host would not know which manifest to ask for.")
def without_the_index() -> int:
    """From the manifest on."""
    return _bytes(_needs(_of(_PLAIN, "arm64")))


@fetched.mistake("Those are the layers alone. Index, manifest and configuration are fetched as well.")
def layers_alone() -> int:
    """Layers."""
    return sum(layer["size"] for layer in _document(_PLAIN, _of(_PLAIN, "arm64"))["layers"])


@book.prediction(
    "07.b", asks="By how many bytes do the blobs grow when a builder attests to both images?", unit="bytes"
)
def attested() -> int:
    """What came with the second push."""
    return _stored(_ATTESTED) - _stored(_PLAIN)


@book.check(
    "07.3",
    asks="On which platforms can app:1.0 run now? A set of texts such as linux/amd64.",
    why="unknown/unknown keeps hosts from taking an attestation for an image: no host is such a platform.",
    hint="Take os and architecture of each entry, joined by a slash, and leave out what no host is.",
)
def runnable() -> set[str]:
    """The platforms that are some."""
    return _platforms() - {"unknown/unknown"}


def _platforms() -> set[str]:
    return {f"{entry['platform']['os']}/{entry['platform']['architecture']}" for entry in _entries(_ATTESTED)}


@runnable.mistake("unknown/unknown is no platform. It marks entries that are not meant to run: the attestations.")
def with_the_unknown() -> set[str]:
    """All that stands there."""
    return _platforms()


@book.check(
    "07.4",
    asks="Read the statement that attests to the image for arm64. Which sha256 does its subject have, in 64 digits?",
    why="The statement names the manifest of the image. So nobody can pass it off as that of another.",
    hint="Index, entry of the attestation, its manifest, its layer: that blob is the statement. Then subject, digest.",
)
def spoken_of() -> str:
    """By the statement itself."""
    manifest = _document(_ATTESTED, _attestation_of(_of(_ATTESTED, "arm64")))
    statement = _document(_ATTESTED, manifest["layers"][0]["digest"])
    return str(statement["subject"][0]["digest"]["sha256"])


@spoken_of.mistake("That is the attestation's own manifest. It says which blob to read, and that blob has the subject.")
def the_attestation() -> str:
    """One step short."""
    return _attestation_of(_of(_ATTESTED, "arm64")).removeprefix("sha256:")


@spoken_of.mistake("That is the statement's own digest: where it lies. Read what it says, under subject.")
def the_statement() -> str:
    """The blob's name."""
    manifest = _document(_ATTESTED, _attestation_of(_of(_ATTESTED, "arm64")))
    return str(manifest["layers"][0]["digest"]).removeprefix("sha256:")


@spoken_of.mistake("That statement is about the other image. Follow the entry that names the manifest of arm64.")
def of_the_other() -> str:
    """The statement on amd64."""
    return _of(_ATTESTED, "amd64").removeprefix("sha256:")


@book.check(
    "07.5",
    asks="Someone signs app:1.0 as it is now, with cosign. Under which tag of app does the signature lie?",
    why="The tag is made of the digest, so the signature is found by what was signed, and not by its name.",
    hint="The digest that the tag 1.0 names, with a dash for the colon, and .sig at its end.",
)
def signature_tag() -> str:
    """As cosign names it."""
    return f"{_tagged(_ATTESTED).replace(':', '-')}.sig"


@signature_tag.mistake("A tag cannot have a colon: that ends the name. cosign writes a dash for it.")
def with_a_colon() -> str:
    """The digest as it is."""
    return f"{_tagged(_ATTESTED)}.sig"


@signature_tag.mistake("If it were made of the tag's name, it would stay when the tag moves on, beside another image.")
def of_the_name() -> str:
    """The tag's name."""
    return "1.0.sig"


@signature_tag.mistake("The tag names the index, and that is what is signed here; each image may be signed as well.")
def of_one_image() -> str:
    """Of a child."""
    return f"{_of(_ATTESTED, 'amd64').replace(':', '-')}.sig"


@book.check(
    "07.6",
    asks="Garbage is collected with -m, by Distribution 2.8. How many manifests does it delete?",
    unit="manifests",
    why="All that no tag names: the index of before, both images and both attestations.",
    hint="Of the revisions of app, take those that are the current manifest of no tag.",
)
def deleted() -> int:
    """Every revision but the one that the tag names."""
    return len(_revisions()) - 1


def _revisions() -> list[str]:
    return [path for path in files("platforms") if path.startswith(f"{_ATTESTED}/") and "/revisions/" in path]


@deleted.mistake("That is what ought to go: the index that the tag named before. 2.8 does not look into an index.")
def the_old_index() -> int:
    """What no tag leads to."""
    return 1


@deleted.mistake("Those are all manifests of the repository. The one that the tag names is kept.")
def all_manifests() -> int:
    """Every revision."""
    return len(_revisions())


@deleted.mistake("Those are what the new index lists. The index of before is untagged as well.")
def children_alone() -> int:
    """Without the old index."""
    return len(_entries(_ATTESTED))

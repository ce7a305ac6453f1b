"""The rules a registry can break: what each means, where it is written, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    rule : str
        Its identifier.
    severity : str
        ``error``: something cannot be pulled, or could not be read. ``warning``: it works, and will surprise.
        ``info``: normal, and good to know.
    meaning : str
        What is the case.
    source : str
        The specification, or the program's source, that says so.
    action : str
        What to do.
    aborts : tuple of str
        Collectors that stop at it: ``distribution-2.8``, ``distribution-2.8-m``, ``distribution-3``, ``distribution-3-m``.
    """

    rule: str
    severity: Severity
    meaning: str
    source: str
    action: str
    aborts: tuple[str, ...] = field(default=())


_EVERY = ("distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m")
_UNTAGGED_ONLY = ("distribution-2.8-m", "distribution-3-m")
_V3 = ("distribution-3", "distribution-3-m")
_LINKS = "Distribution registry/storage/paths.go, linkedblobstore.go"
_PUSH_AGAIN = "Push the image again, or delete the tag."

_RULES = (
    # --- the storage itself
    Rule("unreadable", "error", "A file or directory could not be read.", "the operating system's answer",
         "Read as a user who may; check the disk. What lies there is not in the tables."),
    Rule("symbolic-link", "warning", "A symbolic link lies in the storage; it is not followed.",
         "no registry server makes any", "Read the place that the link points to, if it belongs to the registry."),
    Rule("hard-link", "error", "A hard link in the archive points to nothing in it.", "POSIX.1-2024, pax, linkname",
         "Archive again, from the storage's root."),
    Rule("special-file", "warning", "A device, socket or pipe lies in the storage; it is left alone.",
         "no registry server makes any", "Find out who put it there."),
    Rule("path-escapes", "error", "A member of the archive has a path that leads out of it; it is left out.",
         "POSIX.1-2024, pax, name", "Distrust the archive."),
    Rule("path-repeated", "warning", "A path stands more than once in the archive; the last one counts.",
         "GNU tar manual, --append", "Archive again."),
    Rule("archive-truncated", "error", "The archive breaks off; what follows is not in the tables.",
         "POSIX.1-2024, pax", "Copy the archive again."),
    Rule("archive-without-end", "warning", "The archive has no end mark: it may have been cut between two members.",
         "POSIX.1-2024, pax: two zero blocks", "Copy the archive again, or check that it is complete."),
    Rule("several-registries", "warning", "More than one registry lies here; only the first is read.",
         "regviz.layouts", "Read each by its own path."),
    Rule("times-not-trusted", "info", "The file times are no evidence of when things were pushed; they are left NA.",
         "tar, cp and object stores set them anew", "Archive with times kept (cp -a, tar), or pass times=True."),
    Rule("temporary-file", "info", "A leftover of an interrupted write.", "Distribution 3 registry/storage/driver/filesystem/driver.go",
         "Delete it while the server is stopped."),
    Rule("foreign-file", "info", "A file that no registry server writes here.", "the layout's path grammar",
         "Leave it, or move it out of the storage."),
    Rule("name-invalid", "warning", "A name that the server's own grammar refuses.", "distribution-spec, Pulling manifests",
         "It cannot be pulled by this name; rename the directory, or delete it."),
    # --- documents
    Rule("manifest-unreadable", "error", "A manifest is no JSON object.", "image-spec manifest.md", _PUSH_AGAIN, _EVERY),
    Rule("manifest-unknown", "warning", "A manifest of a media type that neither Docker nor OCI defines.",
         "Distribution registry/storage/manifeststore.go", "See what pushed it; collectors stop at it.", _EVERY),
    Rule("manifest-oversized", "error", "A document is larger than registries take (4 MiB); it was not read.",
         "Distribution registry/handlers/manifests.go", "See what pushed it."),
    Rule("manifest-artifact-kind", "warning", "A manifest of the kind that the release candidates of OCI 1.1 had, and dropped.",
         "image-spec v1.1.0-rc2 artifact.md", "Push it again with a current tool.", ("distribution-2.8", "distribution-3")),
    Rule("config-unreadable", "error", "An image's configuration is no JSON object.", "image-spec config.md", _PUSH_AGAIN),
    Rule("digest-malformed", "error", "A digest that does not follow the grammar.", "image-spec descriptor.md, Digests", _PUSH_AGAIN),
    Rule("layers-differ", "warning", "An image's configuration and manifest disagree on the number of layers.",
         "image-spec config.md, rootfs", "Build it again; its chain IDs are computed from blob digests here."),
    Rule("sizes-differ", "warning", "A blob's length is not what its descriptors declare.", "image-spec descriptor.md, size",
         "Check the disk; clients refuse such a blob. Push the image again."),
    Rule("digest-mismatch", "error", "A document's content does not have the digest it lies under.",
         "image-spec descriptor.md, Verification", "Check the disk; clients refuse it. Push the image again."),
    Rule("diff-ids-differ", "warning", "Configurations disagree on the content (diff ID) of one blob.",
         "image-spec config.md, rootfs", "At least one of these images cannot be unpacked; see which."),
    # --- references
    Rule("tag-dangling", "error", "A tag points to a manifest that the repository does not serve.", _LINKS, _PUSH_AGAIN),
    Rule("tag-link-missing", "error", "A tag has no current link.", _LINKS, _PUSH_AGAIN),
    Rule("tag-link-empty", "error", "A tag's link is empty: a write was interrupted.", _LINKS, _PUSH_AGAIN, _UNTAGGED_ONLY),
    Rule("tag-link-malformed", "error", "A tag's link holds no digest.", _LINKS, _PUSH_AGAIN, _UNTAGGED_ONLY),
    Rule("tag-history-dangling", "info", "A tag once pointed to a manifest that is gone.", _LINKS, "Nothing; it is history."),
    Rule("revision-link-empty", "error", "A revision's link is empty: a write was interrupted.", _LINKS,
         "Delete its directory while the server is stopped; collectors stop at it.", _EVERY),
    Rule("revision-link-malformed", "error", "A revision's link holds no digest.", _LINKS,
         "Delete its directory while the server is stopped; collectors stop at it.", _EVERY),
    Rule("revision-link-mismatch", "warning", "A revision's link names another digest than its path.", _LINKS,
         "Delete its directory while the server is stopped."),
    Rule("layer-link-empty", "warning", "A layer's link is empty: a write was interrupted.", _LINKS,
         "Push the image again; 3.x collectors stop at it.", _V3),
    Rule("layer-link-malformed", "warning", "A layer's link holds no digest.", _LINKS,
         "Push the image again; 3.x collectors stop at it.", _V3),
    Rule("layer-link-mismatch", "warning", "A layer's link of the same algorithm names another digest than its path.", _LINKS,
         "Push the image again."),
    Rule("manifest-missing", "error", "A manifest is referred to, and does not lie in the registry.", _LINKS, _PUSH_AGAIN),
    Rule("child-missing", "error", "An index lists a manifest that does not lie in the registry.",
         "image-spec image-index.md", "Push the index with all its platforms, or know that it is sparse on purpose."),
    Rule("child-unlinked", "error", "An index lists a manifest that its repository does not serve.",
         "Distribution registry/storage/manifeststore.go", "Push the index with all its platforms."),
    Rule("config-missing", "error", "An image's configuration does not lie in the registry.", _LINKS, _PUSH_AGAIN),
    Rule("layer-missing", "error", "A layer does not lie in the registry.", _LINKS, _PUSH_AGAIN),
    Rule("layer-unlinked", "error", "A blob of an image is not linked in the repository that serves the image.", _LINKS,
         "Push the image again."),
    Rule("link-dangling", "info", "A repository links a blob that does not lie in the registry: collected, or never completed.",
         _LINKS, "Nothing; Distribution 2.8 leaves such links after collection."),
    Rule("subject-missing", "info", "A manifest speaks about another that does not lie here.", "distribution-spec, Listing Referrers",
         "Nothing, or delete it."),
    Rule("proxy-absent", "info", "A pull-through cache holds only what was pulled through it: these are absent, and fetched on demand.",
         "Distribution registry/proxy", "Nothing."),
    Rule("foreign-layer", "info", "A layer whose bytes are to be had elsewhere.", "image-spec layer.md, Non-Distributable Layers", "Nothing."),
    # --- the store of blobs
    Rule("blob-truncated", "error", "A digest's directory in the store holds no data.", _LINKS,
         "Delete the directory while the server is stopped; push again what needs it."),
    Rule("blob-path-invalid", "error", "A directory in the store of blobs is no digest.", "Distribution registry/storage/paths.go",
         "Delete it while the server is stopped; collectors stop at it.", _EVERY),
    Rule("blob-empty", "error", "A blob of 0 bytes under a digest of something longer.", "image-spec descriptor.md, Verification",
         "A write was interrupted. Delete it while the server is stopped; push again what needs it."),
    # --- repositories
    Rule("revisions-missing", "info", "A repository has no revisions directory.", _LINKS, "Nothing; nothing was completed there."),
    Rule("tags-missing", "info", "A repository has no tags directory: everything in it was pushed by digest.", _LINKS,
         "Nothing; collecting with -m stops at it (2.8).", ("distribution-2.8-m",)),
    Rule("repository-2.8-only", "info", "A repository with layers and without manifests: 2.8 lists it, 3.x does not.",
         "Distribution registry/storage/catalog.go", "Nothing."),
    Rule("upload-unfinished", "info", "An upload that was not completed.", "Distribution registry/storage/purgeuploads.go",
         "The server purges it after a week, if it has a startedat file."),
    Rule("upload-without-start", "warning", "An upload without a startedat file: the server never purges it.",
         "Distribution registry/storage/purgeuploads.go", "Delete its directory while the server is stopped."),
    Rule("tags-elsewhere", "info", "This may be the storage of Harbor, which keeps tags in its database: what is untagged here may be tagged there.",
         "Harbor src/server/registry/manifest.go", "Ask Harbor before you delete anything."),
    Rule("names-in-database", "warning", "The names are in GitLab's database: the storage holds nameless blobs only.",
         "GitLab container registry, metadata database", "Read the registry over its API instead."),
    # --- v1
    Rule("v1-image-missing", "error", "An image is named, and has no directory.", "docker-registry docker_registry/core/driver.py", _PUSH_AGAIN),
    Rule("v1-json-missing", "error", "An image has no json; its ancestry is taken from the ancestry file.",
         "docker-registry docker_registry/images.py", _PUSH_AGAIN),
    Rule("v1-json-unreadable", "error", "An image's json is no JSON object.", "docker-registry docker_registry/images.py", _PUSH_AGAIN),
    Rule("v1-id-mismatch", "error", "An image's json has another id than its directory.", "docker-registry scripts/create_ancestry.py", _PUSH_AGAIN),
    Rule("v1-layer-missing", "error", "An image has no layer.", "docker-registry docker_registry/images.py", _PUSH_AGAIN),
    Rule("v1-in-progress", "warning", "An image's upload was not completed; the server refuses to serve it.",
         "docker-registry docker_registry/images.py", "Push the image again."),
    Rule("v1-parent-missing", "error", "An image's parent does not lie in the registry.", "docker-registry docker_registry/lib/layers.py", _PUSH_AGAIN),
    Rule("v1-parent-cycle", "error", "Images are each other's ancestors; the chain is cut.", "docker v1.0 image/image.go", "Distrust the storage."),
    Rule("v1-ancestry-differs", "error", "An image's ancestry file is not the chain of its parents.",
         "docker-registry docker_registry/lib/layers.py", "Make it again with the server's create_ancestry script."),
    Rule("v1-ancestry-missing", "warning", "An image has no ancestry file.", "docker-registry docker_registry/lib/layers.py",
         "Make it again with the server's create_ancestry script."),
    Rule("v1-ancestry-unreadable", "error", "An image's ancestry file is no list of ids.", "docker-registry docker_registry/lib/layers.py",
         "Make it again with the server's create_ancestry script."),
    Rule("v1-checksum-missing", "info", "A completed image has no checksum; a pull-through mirror keeps none.",
         "docker-registry docker_registry/images.py", "Nothing."),
    Rule("v1-name-twice", "warning", "Two directories stand for one name, quoted in two ways; the second keeps its raw name here.",
         "docker-registry docker_registry/core/driver.py (quoted twice from 0.8.1)", "Push again what you need of the older one, and delete it."),
    Rule("v1-tag-malformed", "error", "A tag's file holds no image id.", "docker-registry docker_registry/tags.py", _PUSH_AGAIN),
    Rule("v1-tag-ambiguous", "info", "A file that the server lists as a tag, and that holds another tag's metadata.",
         "docker-registry docker_registry/tags.py", "Nothing."),
    Rule("v1-index-drift", "info", "A repository's _index_images lists images that none of its tags reaches: it only ever grows.",
         "docker-registry docker_registry/index.py", "Nothing; never take it for the list of tagged images."),
    Rule("v1-index-unreadable", "warning", "A repository's _index_images is no list of images.", "docker-registry docker_registry/index.py", "Push again."),
    Rule("v1-index-duplicate", "info", "A repository's _index_images lists an image more than once.",
         "docker v1.9 graph/push_v1.go", "Nothing."),
    Rule("v1-index-missing-image", "warning", "A repository's _index_images lists an image that has no directory.",
         "docker-registry docker_registry/index.py", "Push again."),
    Rule("v1-orphan", "info", "An image that no tag reaches: the server never deletes images.", "docker-registry docker_registry/tags.py",
         "See what deleting it would free."),
)
RULES: dict[str, Rule] = {rule.rule: rule for rule in _RULES}


def rules() -> pd.DataFrame:
    """The catalogue of rules.

    Returns
    -------
    pandas.DataFrame
        One row a rule: rule, severity, meaning, source, action, aborts (the collectors that stop at it).

    Examples
    --------
    >>> rules().set_index("rule").loc["tag-dangling", "severity"]
    'error'
    """
    import pandas as pd  # noqa: PLC0415  # loaded when asked for

    rows = [(r.rule, r.severity, r.meaning, r.source, r.action, ", ".join(r.aborts)) for r in _RULES]
    return pd.DataFrame(rows, columns=["rule", "severity", "meaning", "source", "action", "aborts"])

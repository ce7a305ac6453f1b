"""A Docker Engine's own store from 1.10 on, as far as it is no containerd: ``image/<driver>``.

::

    repositories.json                              {"Repositories": {name: {"name:tag": image ID, "name@digest": …}}}
    imagedb/content/sha256/<image ID>              a configuration
    imagedb/metadata/sha256/<image ID>/parent      the image it was built on here; lastUpdated: when it was named
    layerdb/sha256/<chain ID>/diff, parent, size   a layer: diff ID, chain ID below, bytes of its files
    distribution/diffid-by-digest/sha256/<digest>  the diff ID of what was pulled or pushed under a digest
    distribution/v2metadata-by-diffid/sha256/…     those digests, and the repositories they lie in; the newest last

Layers lie unpacked, elsewhere. Sources: moby image/fs.go, layer/filestore.go, reference/store.go,
distribution/metadata/v2_metadata_service.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regviz.columns import NO_NUMBER, NO_TIME
from regviz.layouts.docker.configs import Configs
from regviz.layouts.docker.names import NO_NAME, familiar, split_digest, split_reference
from regviz.layouts.docker.unpacked import Unpacked
from regviz.manifests.json import load, load_object, mapping, objects, text
from regviz.pool import is_digest
from regviz.stamps import parse_stamps
from regviz.storage.base import MANIFEST_LIMIT
from regviz.text import clean, decode_name

if TYPE_CHECKING:
    from regviz.facts import Facts
    from regviz.layouts.common import Options
    from regviz.layouts.docker.files import Files

NAMES = b"repositories.json"
_CONFIGS = b"imagedb/content/sha256/"
_HEX = rb"[0-9a-f]{64}"
_FILE = re.compile(
    rb"(?P<names>repositories\.json)"
    rb"|imagedb/(?:content/sha256/(?P<config>" + _HEX + rb")"
    rb"|metadata/sha256/(?P<image>" + _HEX + rb")/(?P<said>parent|lastUpdated))"
    rb"|layerdb/sha256/(?P<layer>" + _HEX + rb")/(?P<fact>diff|parent|size)"
    rb"|distribution/(?:diffid-by-digest/sha256/(?P<digest>" + _HEX + rb")"
    rb"|v2metadata-by-diffid/sha256/(?P<diff_id>" + _HEX + rb"))"
)
_DIRECTORY = re.compile(
    rb"imagedb(?:/(?:content|metadata)(?:/sha256)?)?|imagedb/metadata/sha256/" + _HEX + rb"|layerdb(?:/sha256(?:/"
    + _HEX + rb")?)?|distribution(?:/(?:diffid-by-digest|v2metadata-by-diffid)(?:/sha256)?)?"
)  # fmt: skip
_LONGEST_FACT = 256
_LONGEST_NUMBER = 18  # digits that 63 bits hold


def in_store(path: bytes) -> bool:
    """Whether a path below ``image/<driver>`` is a file that is read, or a directory on the way to one."""
    return _FILE.fullmatch(path) is not None or _DIRECTORY.fullmatch(path) is not None


class Store:
    """Reads a store into facts."""

    def __init__(self, files: Files, facts: Facts, options: Options) -> None:
        self._files, self._facts, self._options = files, facts, options
        self._diff_ids: dict[str, list[Any]] = {}
        self._parent_of: dict[str, str] = {}
        self._updated: dict[str, str] = {}
        self._layers: dict[str, dict[str, str]] = {}
        self._digests: dict[str, list[str]] = {}
        self._sources: dict[str, set[str]] = {}
        self._rows: dict[str, int] = {}
        self._unpacked = Unpacked(facts)
        self._named_at: list[str] = []

    def read(self) -> None:
        """Read everything, and put it into facts."""
        self._read_files()
        self._put_layers()
        self._unpacked.put_images(self._diff_ids, self._digests)
        self._put_names()
        for repository, digests in sorted(self._sources.items()):
            for digest in sorted(digests):
                self._facts.links.add(self._repository(repository), digest, digest, "unchecked", NO_TIME)

    def set_times(self) -> None:
        """When images were last named, which the store's own files say."""
        times = parse_stamps(self._named_at)
        self._facts.revisions["linked_at"][:] = times

    def _read_files(self) -> None:
        configs = Configs(self._facts, self._options)
        wanted: list[tuple[bytes, int]] = []
        for path in sorted(self._files.files):
            if path.startswith(_CONFIGS):
                image = f"sha256:{decode_name(path[len(_CONFIGS) :])}"
                self._diff_ids[image] = []
                size = self._files[path].size
                self._facts.stored.add(image, size, self._files[path].allocated, NO_TIME, None)
                if not configs.fits(image, size):
                    continue
            is_fact = path.startswith((b"imagedb/metadata/", b"layerdb/", b"distribution/diffid-by-digest/"))
            wanted.append((path, _LONGEST_FACT if is_fact else MANIFEST_LIMIT))
        with self._options.progress("files", len(wanted)) as tick:
            for number, data in self._files.read(wanted):
                match = _FILE.fullmatch(wanted[number][0])
                if match is not None:
                    self._take(match, data, configs)
                tick(1)

    def _take(self, match: re.Match[bytes], data: bytes | None, configs: Configs) -> None:
        fact = (data or b"").decode("utf-8", "replace").strip()
        if match["config"]:
            image = f"sha256:{decode_name(match['config'])}"
            self._diff_ids[image] = configs.read(image, data)
        elif match["image"]:
            place = self._parent_of if match["said"] == b"parent" else self._updated
            place[f"sha256:{decode_name(match['image'])}"] = fact
        elif match["layer"]:
            self._layers.setdefault(f"sha256:{decode_name(match['layer'])}", {})[decode_name(match["fact"])] = fact
        elif match["digest"]:
            if is_digest(fact):
                self._digests.setdefault(fact, []).insert(0, f"sha256:{decode_name(match['digest'])}")
        elif match["diff_id"]:
            for entry in objects(load(data or b"")):
                digest = text(entry.get("Digest"))
                if is_digest(digest):
                    self._digests.setdefault(f"sha256:{decode_name(match['diff_id'])}", []).append(digest)
                    if source := text(entry.get("SourceRepository")):
                        self._sources.setdefault(clean(familiar(source)), set()).add(digest)

    # --- layers

    def _put_layers(self) -> None:
        facts = self._facts
        for chain, said in sorted(self._layers.items()):
            key = f"chain:{chain}"
            facts.stored.add(key, NO_NUMBER, NO_NUMBER, NO_TIME, None)
            made = self._unpacked.chain(said.get("parent", ""), said.get("diff", ""))
            if made != chain:
                facts.problem("docker-layer-differs", blob=key, detail=f"by its parent and its diff ID it is {made}")
            size = said.get("size", "")
            if size.isascii() and size.isdigit() and len(size) <= _LONGEST_NUMBER:
                facts.layer_bytes.add(chain, int(size))

    # --- names

    def _repository(self, name: str) -> int:
        if name not in self._rows:
            self._rows[name] = self._facts.repository(name, name)
        return self._rows[name]

    def _put_names(self) -> None:
        facts = self._facts
        content = self._files.content(NAMES) if NAMES in self._files else b"{}"
        document = load_object(content or b"")
        if document is None:
            self._files.say("docker-names-unreadable", NAMES)
        rooted: set[tuple[int, str]] = set()
        tagged: set[tuple[int, str]] = set()
        for name, references in mapping((document or {}).get("Repositories")).items():
            row = self._repository(clean(name) or NO_NAME)
            for reference, target in mapping(references).items():
                image = target if isinstance(target, str) and is_digest(target) else ""
                digest = split_digest(reference)[1]
                called, tag = split_digest(reference) if digest else split_reference(reference)
                tag = clean(tag)
                if not image or not tag or called != name or (row, tag) in tagged:
                    facts.problem("docker-name-malformed", repository=clean(name), detail=clean(reference))
                    continue
                if digest:
                    self._root(row, digest, rooted, state="unchecked", is_root=0)
                else:
                    tagged.add((row, tag))
                    facts.tags.add(row, tag, image, NO_TIME, "ok")
                    facts.tag_history.add(row, tag, image, NO_TIME, 1)
                self._root(row, image, rooted)
        named = {image for _, image in rooted} | {*self._parent_of.values()}
        for image in self._diff_ids:
            if image not in named:
                self._root(self._repository(NO_NAME), image, rooted)

    def _root(
        self, row: int, manifest: str, rooted: set[tuple[int, str]], *, state: str = "ok", is_root: int = 1
    ) -> None:
        if (row, manifest) not in rooted:
            rooted.add((row, manifest))
            self._facts.revisions.add(row, manifest, state, NO_TIME, is_root)
            self._named_at.append(self._updated.get(manifest, "") if is_root else "")

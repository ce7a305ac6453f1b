"""A Distribution storage read the slow way: a dictionary of files, `json`, and the formula of the chain ID as it is written.

The oracle of the reader's tests. It knows what the documents say (Distribution's paths.go, image-spec), and nothing of
how regviz reads.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
IMAGE_CONFIGS = ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json")
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"
LAYERS = ("application/vnd.docker.image.rootfs.", "application/vnd.oci.image.layer.")
Row = tuple[Any, ...]


def files_of_folder(v2: Path) -> tuple[dict[str, bytes], set[str]]:
    """Files by their path below ``v2``, and the directories."""
    found = {str(path.relative_to(v2)): path for path in v2.rglob("*")}
    return {n: p.read_bytes() for n, p in found.items() if p.is_file()}, {n for n, p in found.items() if p.is_dir()}


def files_of_tar(archive: Path) -> tuple[dict[str, bytes], set[str]]:
    """The same out of an archive."""
    files, directories = {}, set()
    with tarfile.open(archive) as opened:
        for member in opened:
            _, inside, path = member.name.partition("docker/registry/v2/")
            reader = opened.extractfile(member) if inside and member.isfile() else None
            if reader is not None:
                files[path] = reader.read()
            elif inside and member.isdir():
                directories.add(path)
    return files, directories | {str_parent for path in files for str_parent in _parents(path)}


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def state_and_target(content: bytes, own: str = "") -> tuple[str, str | None]:
    if not content:
        return "empty", None
    text = content.decode("latin-1")
    if not DIGEST.fullmatch(text):
        return "malformed", None
    return ("mismatch" if own and text != own else "ok"), text


@dataclass
class PlainRegistry:
    """What the tables should hold."""

    repositories: set[Row] = field(default_factory=set)
    tags: set[Row] = field(default_factory=set)
    history: set[Row] = field(default_factory=set)
    revisions: set[Row] = field(default_factory=set)
    links: set[Row] = field(default_factory=set)
    blobs: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    references: set[Row] = field(default_factory=set)
    stacks: set[Row] = field(default_factory=set)
    layers: set[Row] = field(default_factory=set)
    platforms: dict[str, Row] = field(default_factory=dict)
    uploads: set[str] = field(default_factory=set)


def read_plainly(files: dict[str, bytes], directories: set[str], *, open_links: bool) -> PlainRegistry:
    made = PlainRegistry()
    alias: dict[str, str] = {}
    for path, data in files.items():
        if match := re.fullmatch(r"blobs/(\w+)/(..)/(\2\w+)/data", path):
            made.blobs[f"{match[1]}:{match[3]}"] = len(data)
        elif match := re.fullmatch(r"repositories/(.+?)/_layers/(\w+)/(\w+)/link", path):
            link = f"{match[2]}:{match[3]}"
            state, target = state_and_target(data, link if match[2] == "sha256" else "")
            if match[2] != "sha256" and target:
                alias[link] = target
            if open_links or match[2] != "sha256":
                made.links.add((match[1], link, target, state))
        elif match := re.fullmatch(r"repositories/(.+?)/_manifests/revisions/(\w+)/(\w+)/link", path):
            digest = f"{match[2]}:{match[3]}"
            made.revisions.add((match[1], digest, state_and_target(data, digest)[0]))
    for path in directories:
        if (match := re.fullmatch(r"repositories/(.+?)/_layers/sha256/(\w{64})", path)) and not open_links:
            made.links.add((match[1], f"sha256:{match[2]}", f"sha256:{match[2]}", "unchecked"))
        elif match := re.fullmatch(r"repositories/(.+?)/_manifests/tags/([^/]+)", path):
            _read_tag(made, files, path, match[1], match[2])
        elif match := re.fullmatch(r"repositories/.+?/_uploads/([^/]+)", path):
            made.uploads.add(match[1])
    names = {
        match[1]
        for path in directories
        if (match := re.fullmatch(r"repositories/(.+?)/_(?:layers|manifests|uploads)", path))
    }
    for name in names:
        has = [f"repositories/{name}/_{part}" in directories for part in ("layers", "manifests")]
        made.repositories.add((name, *has, any(tag[0] == name for tag in made.tags)))
    _read_documents(made, files, alias)
    return made


def _read_tag(made: PlainRegistry, files: dict[str, bytes], path: str, repository: str, tag: str) -> None:
    content = files.get(f"{path}/current/link")
    state, target = ("missing", None) if content is None else state_and_target(content)
    made.tags.add((repository, tag, target, state))
    index = re.compile(re.escape(path) + r"/index/(\w+)/(\w+)/link")
    past = {f"{match[1]}:{match[2]}" for name in files if (match := index.fullmatch(name))}
    made.history |= {(repository, tag, digest, digest == target) for digest in past | ({target} if target else set())}


def _read_documents(made: PlainRegistry, files: dict[str, bytes], alias: dict[str, str]) -> None:
    def document(digest: str) -> Any:
        algorithm, encoded = alias.get(digest, digest).split(":")
        return json.loads(files.get(f"blobs/{algorithm}/{encoded[:2]}/{encoded}/data", b"null"))

    wanted = (
        {row[1] for row in made.revisions} | {row[2] for row in made.tags if row[2]} | {row[2] for row in made.history}
    )
    done: dict[str, Any] = {}
    while wanted - done.keys():
        digest = (wanted - done.keys()).pop()
        done[digest] = manifest = document(digest)
        for position, child in enumerate((manifest or {}).get("manifests") or []):
            role = _role(child)
            made.references.add((digest, position, child["digest"], role))
            wanted |= {child["digest"]} if role != "blob" else set()
        if subject := (manifest or {}).get("subject"):
            made.references.add((digest, len(manifest.get("manifests") or []), subject["digest"], "subject"))
            wanted.add(subject["digest"])
    manifests = {digest: manifest for digest, manifest in done.items() if manifest is not None}
    made.kinds = {digest: _kind(manifest) for digest, manifest in manifests.items()}
    stacks: dict[str, list[tuple[str, str, bool]]] = {}
    diffs: dict[str, list[str] | None] = {}
    for digest, manifest in manifests.items():
        steps = _steps(manifest)
        stacks[digest] = [(written, alias.get(written, written), throwaway) for written, throwaway in steps]
        config = (
            document(manifest["config"]["digest"]) if made.kinds[digest] == "image" and "config" in manifest else None
        )
        ids = (config or {}).get("rootfs", {}).get("diff_ids")
        diffs[digest] = ids if ids and len(ids) == len(steps) else None
        said = config or (json.loads(manifest["history"][0]["v1Compatibility"]) if "fsLayers" in manifest else {})
        if made.kinds[digest] == "image":
            made.platforms[digest] = (said.get("os"), said.get("architecture") or manifest.get("architecture"))
    learned = {blob: d for key, ids in diffs.items() if ids for (_, blob, _), d in zip(stacks[key], ids, strict=True)}
    for digest, stack in stacks.items():
        _stack(made, digest, stack, diffs[digest], learned)


def _steps(manifest: Any) -> list[tuple[str, bool]]:
    """Layers from the base up, as written, and whether each is a throwaway of schema 1."""
    if "fsLayers" in manifest:
        said = [json.loads(entry["v1Compatibility"]).get("throwaway", False) for entry in manifest["history"]]
        return list(zip((layer["blobSum"] for layer in manifest["fsLayers"]), said, strict=True))[::-1]
    return [(layer["digest"], False) for layer in manifest.get("layers") or []]


def _stack(
    made: PlainRegistry, digest: str, steps: list[tuple[str, str, bool]], ids: list[str] | None, learned: dict[str, str]
) -> None:
    on_stack = [] if made.kinds[digest] != "image" else [blob for _, blob, throwaway in steps if not throwaway]
    known = ids or [learned.get(blob) for blob in on_stack]
    basis = "chain" if all(known) else "digests"
    elements = known if basis == "chain" else on_stack
    chains = [chain_id([str(e) for e in elements[: height + 1]]) for height in range(len(on_stack))]
    for height, chain in enumerate(chains):
        made.layers.add((chain, chains[height - 1] if height else None, height + 1, basis))
    rest = iter(chains)
    for position, (written, blob, throwaway) in enumerate(steps):
        layer = next(rest) if made.kinds[digest] == "image" and not throwaway else None
        made.stacks.add((digest, position, layer, blob, written))


def chain_id(elements: list[str]) -> str:
    """image-spec config.md, section Layer ChainID, word for word."""
    if len(elements) == 1:
        return elements[0]
    text = chain_id(elements[:-1]) + " " + elements[-1]
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _role(entry: Any) -> str:
    if (entry.get("annotations") or {}).get("vnd.docker.reference.type") == "attestation-manifest":
        return "attestation"
    media_type = entry.get("mediaType", "")
    return "blob" if media_type.startswith(LAYERS) or media_type == BUILDKIT_CACHE else "child"


def _kind(manifest: Any) -> str:
    if "fsLayers" in manifest:
        return "image"
    if "manifests" in manifest:
        return "cache" if any(entry.get("mediaType") == BUILDKIT_CACHE for entry in manifest["manifests"]) else "index"
    config = (manifest.get("config") or {}).get("mediaType", "")
    layers = {layer.get("mediaType", "") for layer in manifest.get("layers") or manifest.get("blobs") or []}
    for media_type, kind in ((COSIGN, "signature"), (IN_TOTO, "attestation")):
        if media_type in layers:
            return kind
    if config == HELM:
        return "chart"
    return "image" if config in IMAGE_CONFIGS and all(layer.startswith(LAYERS) for layer in layers) else "artifact"

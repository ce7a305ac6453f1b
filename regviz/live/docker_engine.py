"""A Docker Engine through its API: images, names, layers and history, as far as the API tells.

An engine with the classic store knows images by the digests of their configurations, one with containerd's by those of
manifests or indexes. Parents, which engines from 23 on leave out, are not asked for: what has no name and is not listed
among the images that a person sees was an intermediate step of a build. Source: moby api/swagger.yaml.
"""

from __future__ import annotations

import datetime as dt
import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regviz.assemble import assemble
from regviz.columns import NO_NUMBER, NO_TIME
from regviz.errors import NotKnowableError
from regviz.facts import Facts
from regviz.layouts.docker.names import NO_NAME, split_digest, split_reference
from regviz.layouts.docker.unpacked import Unpacked
from regviz.live.engine import connect, engine_host, explained
from regviz.manifests.config import ConfigReader
from regviz.manifests.json import length, mapping, objects, text
from regviz.pool import is_digest
from regviz.source import Source
from regviz.stamps import parse_stamps
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import APIClient

    from regviz.layouts.common import Options
    from regviz.registry import Registry

SCHEME = "docker-daemon:"
_CONTAINERD = "io.containerd.snapshotter.v1"
_NEVER = "0001-01-01"
_MERE_INSTRUCTIONS = tuple(
    f"{head}{word} "
    for word in (
        "ARG",
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
    )
    for head in ("", "#(nop)  ", "#(nop) ")
)


def is_engine(source: str) -> bool:
    """Whether a source is a Docker Engine.

    Examples
    --------
    >>> is_engine("docker-daemon:"), is_engine("docker://registry.example.org")
    (True, False)
    """
    return source.startswith(SCHEME)


def read(source: str, options: Options) -> Registry:
    """Read the engine that Docker's own environment and configuration point to, else that of this machine.

    Parameters
    ----------
    source : str
        ``docker-daemon:``, or with the address of an engine's socket: ``docker-daemon:unix:///run/docker.sock``.
    options : Options

    Raises
    ------
    NotKnowableError
        What its files take was asked for.
    UnreachableError
        No engine answers there.
    """
    if options.measure:
        raise NotKnowableError(f"{source} does not tell what files take: give its folder (/var/lib/docker)")
    address = source.removeprefix(SCHEME)
    began = dt.datetime.now(dt.UTC)
    with explained(engine_host(address)), closing(connect(address)) as client:
        engine = _Engine(client.api, options)
        engine.read()
    made = Source(
        uri=source,
        layouts=("docker-engine",),
        why=f"Docker Engine {engine.version} answers",
        read_at=began,
        knows_all_blobs=False,
        keeps_links=False,
    )
    return assemble(engine.facts, engine.finish(options, made))


def count_images(source: str) -> tuple[str, int]:
    """The version of an engine, and how many images it has, those of intermediate steps too."""
    address = source.removeprefix(SCHEME)
    with explained(engine_host(address)), closing(connect(address)) as client:
        return text(mapping(client.api.version()).get("Version")), len(objects(client.api.images(all=True)))


class _Engine:
    """Asks an engine, and keeps facts."""

    def __init__(self, api: APIClient, options: Options) -> None:
        self.facts = Facts()
        self.version = text(mapping(api.version()).get("Version"))
        self._api, self._options = api, options
        status = mapping(api.info()).get("DriverStatus") or []
        self._by_config = not any(_CONTAINERD in pair for pair in status if isinstance(pair, list))
        self._unpacked = Unpacked(self.facts)
        self._configs = ConfigReader(self.facts)
        self._rows: dict[str, int] = {}
        self._tagged: set[tuple[int, str]] = set()
        self._named_at: list[str] = []

    def read(self) -> None:
        """Ask for everything."""
        shown = {text(image.get("Id")) for image in objects(self._api.images())}
        images = [image for image in objects(self._api.images(all=True)) if is_digest(text(image.get("Id")))]
        stacks: dict[str, list[Any]] = {}
        sizes: dict[str, int] = {}
        with self._options.progress("images", len(images)) as tick:
            for image, said, history in self._details(images):
                tick(1)
                name = text(image.get("Id"))
                diff_ids = mapping(said.get("RootFS")).get("Layers")
                stacks[name] = diff_ids if isinstance(diff_ids, list) else []
                self._read_config(name, said, history, stacks[name], sizes)
                self._put_names(image, said, is_shown=name in shown)
        self._unpacked.put_images(stacks, {}, have_configs=self._by_config)
        self._put_stored(stacks, sizes)

    def _details(
        self, images: list[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
        import docker

        for image in images:
            name = text(image.get("Id"))
            try:
                said = mapping(self._api.inspect_image(name))
                history = objects(self._api.history(name))[::-1]  # the engine tells the newest first
            except docker.errors.NotFound:  # removed since it was listed
                self.facts.problem("unreadable", manifest=name, detail="it was removed while the engine was read")
                continue
            yield image, said, history

    def _read_config(
        self, name: str, said: dict[str, Any], history: list[dict[str, Any]], diff_ids: list[Any], sizes: dict[str, int]
    ) -> None:
        """Take what the engine says of an image as if it were its configuration, whose text it does not give."""
        makes = _layer_steps(history, len(diff_ids))
        steps = []
        for step, is_layer in zip(history, makes or [True] * len(history), strict=True):
            seconds = length(step.get("Created"))
            created = dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat() if 0 < seconds < 1 << 36 else None
            steps.append(
                {
                    "created": created,
                    "created_by": text(step.get("CreatedBy")),
                    "comment": text(step.get("Comment")),
                    "empty_layer": not is_layer,
                }
            )
        config = {
            "os": said.get("Os"),
            "architecture": said.get("Architecture"),
            "variant": said.get("Variant"),
            "os.version": said.get("OsVersion"),
            "created": said.get("Created"),
            "author": said.get("Author"),
            "rootfs": {"diff_ids": diff_ids},
            "history": steps,
            "config": {"Labels": mapping(said.get("Config")).get("Labels")},
        }
        self._configs.read(name, json.dumps(config).encode())
        if makes and all(isinstance(diff_id, str) for diff_id in diff_ids):
            chains = self._unpacked.chains(diff_ids)
            held = [step for step, is_layer in zip(history, makes, strict=True) if is_layer]
            for chain, step in zip(chains, held, strict=True):
                if (size := length(step.get("Size"))) >= 0:
                    sizes[chain] = size

    def _put_names(self, image: dict[str, Any], said: dict[str, Any], *, is_shown: bool) -> None:
        facts, name = self.facts, text(image.get("Id"))
        named_at = text(mapping(said.get("Metadata")).get("LastTagTime"))
        roots: dict[int, None] = {}
        for reference in _names(image.get("RepoTags")):
            repository, tag = split_reference(clean(reference))
            if not repository or not tag:
                facts.problem("docker-name-malformed", manifest=name, detail=clean(reference))
                continue
            row = self._repository(repository)
            if (row, tag) in self._tagged:
                facts.problem("docker-name-twice", repository=repository, manifest=name, detail=f"tag {tag}")
                continue
            self._tagged.add((row, tag))
            facts.tags.add(row, tag, name, NO_TIME, "ok")
            facts.tag_history.add(row, tag, name, NO_TIME, 1)
            roots[row] = None
        for reference in _names(image.get("RepoDigests")):
            repository, digest = split_digest(clean(reference))
            if digest and repository:
                row = self._repository(repository)
                roots[row] = None
                if digest != name:
                    facts.revisions.add(row, digest, "unchecked", NO_TIME, 0)
                    self._named_at.append("")
        if is_shown and not roots:
            roots[self._repository(NO_NAME)] = None
        for row in roots:
            facts.revisions.add(row, name, "ok", NO_TIME, 1)
            self._named_at.append("" if named_at.startswith(_NEVER) else named_at)

    def _repository(self, name: str) -> int:
        if name not in self._rows:
            self._rows[name] = self.facts.repository(name, name)
        return self._rows[name]

    def _put_stored(self, stacks: dict[str, list[Any]], sizes: dict[str, int]) -> None:
        stored = self.facts.stored
        for name in stacks:
            stored.add(name, NO_NUMBER, NO_NUMBER, NO_TIME, None)
        layers = {
            chain
            for diff_ids in stacks.values()
            if all(isinstance(diff_id, str) and is_digest(diff_id) for diff_id in diff_ids)
            for chain in self._unpacked.chains(diff_ids)
        }
        for chain in sorted(layers):
            stored.add(f"chain:{chain}", NO_NUMBER, NO_NUMBER, NO_TIME, None)
            if chain in sizes:
                self.facts.layer_bytes.add(chain, sizes[chain])

    def finish(self, options: Options, source: Source) -> Source:
        """The source, and when images were last named, which the engine itself says."""
        self.facts.revisions["linked_at"][:] = parse_stamps(self._named_at)
        return replace(source, links_checked=options.links)


def _names(value: object) -> list[str]:
    """References without those that say there is none."""
    names = value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str) and not name.startswith(NO_NAME)]


def _layer_steps(history: list[dict[str, Any]], layers: int) -> list[bool]:
    """Which steps made a layer; empty where the engine's answer leaves that open.

    The API does not say it. A step with bytes made one; one without may have, if it is no mere instruction.

    Examples
    --------
    >>> steps = [{"Size": 5}, {"Size": 0, "CreatedBy": "/bin/sh -c #(nop)  CMD [sh]"}, {"Size": 0}]
    >>> _layer_steps(steps, 2), _layer_steps(steps, 1), _layer_steps(steps, 3), _layer_steps(steps, 5)
    ([True, False, True], [True, False, False], [True, True, True], [])
    """
    if len(history) == layers:
        return [True] * layers
    with_bytes = [length(step.get("Size")) > 0 for step in history]
    if sum(with_bytes) == layers:
        return with_bytes
    changing = [
        there or not text(step.get("CreatedBy")).removeprefix("/bin/sh -c ").startswith(_MERE_INSTRUCTIONS)
        for there, step in zip(with_bytes, history, strict=True)
    ]
    return changing if sum(changing) == layers else []

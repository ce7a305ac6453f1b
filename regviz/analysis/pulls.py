"""What a client asks a registry for when it pulls an image, and what it already has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regviz.analysis.platforms import Platform
from regviz.analysis.reach import columns, rows_of
from regviz.errors import NotKnowableError, RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from regviz.registry import Registry

    Array = NDArray[Any]

Client = Literal["docker", "content-store"]
CLIENTS: tuple[Client, ...] = ("docker", "content-store")
ALL = "all"
"""Instead of a platform: everything that an index lists."""
_SHOWN = 8


@dataclass(slots=True)
class Pull:
    """One image as it is pulled: blobs in the order in which they are asked for.

    Attributes
    ----------
    reference : str
        As it was given.
    blobs : list of int
        Codes of blobs, one an entry: documents, a configuration, layers from the base up.
    kinds : list of str
        ``index``, ``manifest``, ``config``, ``layer``, ``other``.
    layers : list of int
        Codes of layers; -1 for what is none.
    images : list of int
        The code of the manifest each belongs to.
    """

    reference: str
    blobs: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)

    def add(self, kind: str, blob: int, image: int, layer: int = -1) -> None:
        """One more blob."""
        self.blobs.append(blob)
        self.kinds.append(kind)
        self.layers.append(layer)
        self.images.append(image)

    @property
    def config(self) -> int:
        """The code of the (first) configuration: the image ID; -1 where there is none."""
        return next((blob for blob, kind in zip(self.blobs, self.kinds, strict=True) if kind == "config"), -1)


class Shelf:
    """A registry from which images are pulled.

    Parameters
    ----------
    reg : Registry
    platform : str, optional
        ``os/architecture[/variant]`` or ``all``; Linux on this host's architecture where nothing is said.
    client : {"docker", "content-store"}

    Raises
    ------
    NotKnowableError
        Of an engine's layers the length that a registry sends is not known.
    RegvizError
        There is no such client, or it cannot pull what is asked for.
    """

    def __init__(self, reg: Registry, platform: str | None, client: Client) -> None:
        if client not in CLIENTS:
            raise RegvizError(f"there is no client {client!r}; give one of {', '.join(CLIENTS)}")
        if platform == ALL and client == "docker":
            raise RegvizError("an engine with graph drivers pulls one platform: give it, or ask for a content-store")
        reg.source.require_contents("the bytes of a pull")
        if not {"docker-daemon", "docker-engine"}.isdisjoint(reg.source.layouts):
            raise NotKnowableError(
                f"{reg.source.uri} is an engine: it keeps layers unpacked, and how long they are on their way is not "
                "known to it. Read the registry that it pulls from, or its storage"
            )
        self.reg, self.client = reg, client
        self.wanted = None if platform == ALL else Platform.parse(platform) if platform else Platform.of_this_host()
        self._manifests, self._references = columns(reg, "manifests"), columns(reg, "manifest_references")
        steps = columns(reg, "manifest_layers")  # of large tables made when they are asked for: each once
        self._steps = {name: steps[name] for name in ("manifest", "blob", "layer", "empty")}
        self._layers = columns(reg, "layers")
        self._index, self._v1, self._image = (reg.name_code(kind) for kind in ("index", "v1", "image"))
        self._subject = reg.name_code("subject")

    def pull(self, reference: str, manifest: str | None = None) -> Pull:
        """What is asked for when a reference is pulled, which means this manifest, where that is known already.

        Raises
        ------
        RegvizError
            There is no such image, or none for the platform.
        """
        made = Pull(reference)
        ahead, seen = [self.reg.key_code(manifest or self.reg.resolve(reference))], set[int]()
        while ahead:
            code = ahead.pop()
            if code not in seen:  # a forged index lists itself
                seen.add(code)
                ahead += self._document(made, code)[::-1]
        return made

    def _document(self, made: Pull, manifest: int) -> list[int]:
        """Put a manifest into the pull; what is fetched because of it, where it is an index."""
        [row] = rows_of(np.array([manifest]), self._manifests["manifest"]).tolist()
        if row < 0:  # an index may list what is no manifest
            made.add("other", manifest, manifest)
            return []
        first, last = np.searchsorted(self._references["manifest"], [manifest, manifest + 1]).tolist()
        listed = [at for at in range(first, last) if self._references["role"][at] != self._subject]
        is_index = self._manifests["kind"][row] == self._index or bool(listed)
        # In an archive of docker save an image has no manifest: its key is its configuration's.
        if self._manifests["kind"][row] != self._v1 and manifest != self._manifests["config"][row]:
            made.add("index" if is_index else "manifest", manifest, manifest)
        if is_index:
            return [int(self._references["child"][at]) for at in self._chosen(made.reference, listed)]
        self._image_of(made, row)
        return []

    def _image_of(self, made: Pull, row: int) -> None:
        """The configuration and the layers of a manifest."""
        manifest, config = int(self._manifests["manifest"][row]), int(self._manifests["config"][row])
        is_present, kind = self._manifests["present"][row] == 1, int(self._manifests["kind"][row])
        if self.client == "docker" and is_present and kind >= 0 and kind not in (self._v1, self._image):
            [name] = self.reg.code_texts("name", np.array([kind], np.int32))
            raise RegvizError(
                f"{made.reference} is no image but of kind {name}, which an engine with graph drivers does not pull; "
                "ask for the client content-store"
            )
        if config >= 0:
            made.add("config", config, manifest)
        first, last = np.searchsorted(self._steps["manifest"], [manifest, manifest + 1]).tolist()
        for at in range(first, last):
            blob, layer = int(self._steps["blob"][at]), int(self._steps["layer"][at])
            # Nobody fetches the throwaway steps of schema 1.
            if blob >= 0 and not (layer < 0 and self._steps["empty"][at] == 1):
                made.add("layer" if layer >= 0 else "other", blob, manifest, layer)
        if first == last and kind == self._v1:
            for layer in self._ancestry(int(self._manifests["layer"][row])):
                [name] = self.reg.code_texts("digest", np.array([layer], np.int32))
                made.add("layer", self.reg.key_code(f"v1:{name}"), manifest, layer)

    def _ancestry(self, top: int) -> list[int]:
        """A v1 image's layers, the base first."""
        walk: list[int] = []
        seen: set[int] = set()
        while top >= 0 and top not in seen:
            walk.append(top)
            seen.add(top)
            top = int(self._layers["parent"][np.searchsorted(self._layers["layer"], top)])
        return walk[::-1]

    def _chosen(self, reference: str, listed: Sequence[int]) -> Sequence[int]:
        """Which entries of an index are fetched: the best of those that fit, or all."""
        if self.wanted is None or not listed:
            return listed
        names = [texts(self.reg, "name", self._references[name][listed]) for name in ("os", "architecture", "variant")]
        said = [
            Platform.of(system or "", architecture or "", variant or "") if system or architecture else None
            for system, architecture, variant in zip(*names, strict=True)
        ]
        best = {platform: place for place, platform in enumerate(self.wanted.accepted())}
        # An entry that does not say its platform fits all, after those that do (containerd's LimitManifests).
        ranks = [len(best) if platform is None else best.get(platform, -1) for platform in said]
        fitting = [(rank, at) for rank, at in zip(ranks, listed, strict=True) if rank >= 0]
        if not fitting:
            there = sorted({str(platform) for platform in said if platform and platform.system != "unknown"})
            shown = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "")
            raise RegvizError(f"{reference} is not there for {self.wanted}; it is for {shown or 'none that is said'}")
        return [min(fitting)[1]]


class Host:
    """What lies on a host, as far as it decides what is fetched.

    Notes
    -----
    Docker Engine 20.10 with a graph driver, as its sources say (``distribution/pull_v2.go``,
    ``distribution/xfer/download.go``) and as pulls from a real registry confirm: manifests, and an image whose ID
    (the digest of its configuration) it has, are not fetched again. Of any other image it takes the layers from
    the base up as there, as long as it has both the chain ID and, from an earlier pull, the digest; from the first
    that it has not, all are downloaded, whether it has their content on another chain or not; one digest once a
    pull.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._blobs: set[int] = set()
        self._layers: set[int] = set()

    def receive(self, pull: Pull) -> None:
        """It has been pulled."""
        self._blobs.update(pull.blobs)
        self._layers.update(pull.layers)
        self._layers.discard(-1)

    def reasons(self, pull: Pull) -> list[str]:
        """Why each blob of a pull is fetched, or not: see :func:`regviz.analysis.transfer`."""
        fetched: set[int] = set()
        is_engine = self._client == "docker"
        whole = is_engine and pull.config in self._blobs
        unbroken = True
        said: list[str] = []
        for blob, kind, layer in zip(pull.blobs, pull.kinds, pull.layers, strict=True):
            reason = "needed"
            if is_engine and kind == "layer" and not whole:
                unbroken = unbroken and blob in self._blobs and layer in self._layers
                if unbroken:
                    reason = "present"
                elif layer in self._layers and blob not in self._blobs:
                    reason = "recompressed"
                elif blob in self._blobs:
                    reason = "broken-chain"
            elif blob in self._blobs or (whole and kind == "layer"):
                reason = "present"
            if reason != "present" and blob in fetched:
                reason = "repeated"
            elif reason != "present":
                fetched.add(blob)
            said.append(reason)
        return said


def host_with(client: Client, pulls: Iterable[Pull]) -> Host:
    """A host that has pulled these."""
    host = Host(client)
    for pull in pulls:
        host.receive(pull)
    return host

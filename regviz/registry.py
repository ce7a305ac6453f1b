"""The Registry: the tables of one registry at one moment, frozen."""

from __future__ import annotations

import re
from bisect import bisect_left
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.contract import check
from regviz.errors import RegvizError
from regviz.schema import NA, TABLES
from regviz.text import near, short_digest

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import networkx as nx
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.pool import KeyPool
    from regviz.schema import Kind
    from regviz.source import Source
    from regviz.texts import TextPool

_CANDIDATES = 8
_SHORTEST_PREFIX = 4


class Registry:
    """The tables of one registry at one moment.

    Made by :func:`regviz.read`. Each table is an attribute and gives a pandas table of its own, so nothing that is
    done with one changes the Registry; `columns` gives the arrays beneath.

    Parameters
    ----------
    tables : mapping of str to columns
        As :mod:`regviz.schema` defines them.
    keys, names, texts
        The pools that codes point into.
    source : Source
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, NDArray[Any]]],
        *,
        keys: KeyPool,
        names: list[str],
        texts: TextPool,
        source: Source,
    ) -> None:
        self._tables = dict(tables)
        self._keys, self._names, self._texts = keys, names, texts
        self._views: dict[str, pd.DataFrame] = {}
        self.source = source

    # --- tables

    @property
    def repositories(self) -> pd.DataFrame:
        """One row a repository."""
        return self.table("repositories")

    @property
    def tags(self) -> pd.DataFrame:
        """One row a tag."""
        return self.table("tags")

    @property
    def tag_history(self) -> pd.DataFrame:
        """One row for each manifest that a tag points to or once pointed to."""
        return self.table("tag_history")

    @property
    def manifests(self) -> pd.DataFrame:
        """One row for each manifest named anywhere, of any kind."""
        return self.table("manifests")

    @property
    def images(self) -> pd.DataFrame:
        """The manifests that a host can run: v1 images, and those with an image configuration."""
        manifests = self.table("manifests")
        return manifests[manifests["kind"].isin(["v1", "image"])].reset_index(drop=True)

    @property
    def manifest_references(self) -> pd.DataFrame:
        """One row for each entry of an index, and each subject."""
        return self.table("manifest_references")

    @property
    def layers(self) -> pd.DataFrame:
        """One row for each node of the ancestry forest."""
        return self.table("layers")

    @property
    def manifest_layers(self) -> pd.DataFrame:
        """One row for each layer of each stack."""
        return self.table("manifest_layers")

    @property
    def history(self) -> pd.DataFrame:
        """One row for each build step of each image."""
        return self.table("history")

    @property
    def labels(self) -> pd.DataFrame:
        """One row for each label of each image."""
        return self.table("labels")

    @property
    def blobs(self) -> pd.DataFrame:
        """One row for each digest named anywhere."""
        return self.table("blobs")

    @property
    def repository_manifests(self) -> pd.DataFrame:
        """One row for each revision link."""
        return self.table("repository_manifests")

    @property
    def repository_blobs(self) -> pd.DataFrame:
        """One row for each layer link."""
        return self.table("repository_blobs")

    @property
    def uploads(self) -> pd.DataFrame:
        """One row for each unfinished upload."""
        return self.table("uploads")

    @property
    def storage(self) -> pd.DataFrame:
        """What the files take, by category; filled by ``rv.read(…, measure=True)``."""
        return self.table("storage")

    @property
    def problems(self) -> pd.DataFrame:
        """One row for each thing wrong; :func:`regviz.rules` explains the rules."""
        return self.table("problems")

    def table(self, name: str) -> pd.DataFrame:
        """A table by name.

        Raises
        ------
        RegvizError
            There is no table of that name; the message lists those there are.
        """
        if name == "images":
            return self.images
        if name not in self._tables:
            message = f"there is no table {name!r}; there are {', '.join(sorted([*TABLES, 'images']))}"
            raise RegvizError(message)
        if name not in self._views:
            self._views[name] = self._view(name)
        return self._views[name].copy(deep=False)

    def columns(self, name: str) -> Mapping[str, NDArray[Any]]:
        """The arrays of a table, read-only, in the inside types of :mod:`regviz.schema`.

        Those of large tables are made when they are asked for: take each once.
        """
        return MappingProxyType(self._tables[name])

    def code_texts(self, kind: Kind, codes: NDArray[np.int32]) -> list[str]:
        """Texts of codes of a kind (digest, name or text), none of them NA."""
        if kind == "digest":
            return self._keys.texts(codes)
        if kind == "text":
            return self._texts.texts(codes)
        return [self._names[code] for code in codes.tolist()]

    def name_code(self, name: str) -> int:
        """Code of a name; -1 where this registry does not have it."""
        at = bisect_left(self._names, name)
        return at if at < len(self._names) and self._names[at] == name else -1

    def key_code(self, key: str) -> int:
        """Code of a digest; -1 where this registry does not name it."""
        return self._keys.find(key)

    def key_bytes(self, codes: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The 32 bytes of digests, a row each, and of which they are all: those of sha256."""
        return self._keys.raw(codes)

    def codes_like(self, start: str) -> NDArray[np.int32]:
        """Codes of the digests and ids that begin so, at least four digits of them; ``sha256:`` may be left out."""
        algorithm, _, encoded = start.rpartition(":")
        if len(encoded) < _SHORTEST_PREFIX or not re.fullmatch(r"[0-9a-f]+", encoded):
            return np.empty(0, np.int32)
        heads = {"": (encoded, f"sha256:{encoded}"), "sha256": (start, encoded)}.get(algorithm, (start,))
        ranges = [np.array(self._keys.prefix_range(head), np.int32) for head in heads]
        return np.concatenate(ranges)

    # --- questions

    @property
    def complete(self) -> bool:
        """Whether all of it could be read: whatever says which repositories there are, and everything of each."""
        return self.source.complete and bool((self._tables["repositories"]["complete"] == 1).all())

    @property
    def sees_every_reference(self) -> bool:
        """Whether all that may need a blob was here to be read: else what nothing here needs may be needed still."""
        return self.complete and not (self.source.names_in_database or self.source.proxy_cache)

    def stack(self, manifest: str) -> pd.DataFrame:
        """The layers an image stands on, from the base up.

        For an image with a tag these are its rows of `manifest_layers`; the stack of any other v1 image is the walk up
        its parents.

        Parameters
        ----------
        manifest : str
            A key of `manifests`.

        Returns
        -------
        pandas.DataFrame
            position (0 at the base), layer, blob, empty, created_at, created_by.

        Raises
        ------
        RegvizError
            There is no such manifest.
        """
        import pandas as pd  # loaded when asked for

        code = self._keys.find(manifest)
        manifests, layers = self._tables["manifests"], self._tables["layers"]
        at: list[int] = np.flatnonzero(manifests["manifest"] == code).tolist() if code >= 0 else []
        if not at:
            message = f"{manifest} is no manifest of {self.source.uri}; reg.resolve() finds one by a shorter name"
            raise RegvizError(message)
        steps = self._tables["manifest_layers"]
        rows = np.flatnonzero((steps["manifest"] == code) & (steps["layer"] >= 0))
        row_of = {int(key): row for row, key in enumerate(layers["layer"].tolist())} if not len(rows) else {}
        walk: list[int] = []
        layer = int(manifests["layer"][at[0]])
        while not len(rows) and layer >= 0:
            walk.append(layer)
            layer = int(layers["parent"][row_of[layer]])
        stack = self.manifest_layers.iloc[rows][["position", "layer", "blob", "empty"]].reset_index(drop=True)
        if walk:
            names = self._keys.texts(np.array(walk[::-1], np.int32))
            stack = pd.DataFrame({"position": range(len(names)), "layer": names})
            stack["blob"] = "v1:" + stack["layer"]
            stack = stack.merge(self.layers[["layer", "empty"]], on="layer", how="left")
        return stack.merge(self.layers[["layer", "created_at", "created_by"]], on="layer", how="left")

    def resolve(self, reference: str) -> str:
        """The manifest that a reference means.

        Parameters
        ----------
        reference : str
            ``repository:tag``, ``repository`` (its tag ``latest``), ``repository@digest``, a digest, a v1 id, or the
            first digits of one. A repository's ``library/`` may be left out.

        Returns
        -------
        str
            A key of `manifests`.

        Raises
        ------
        RegvizError
            Nothing, or more than one manifest, fits; the message lists candidates.

        Examples
        --------
        >>> import regviz as rv
        >>> rv.read().resolve("nodejs")[:7]
        'sha256:'
        """
        name, at, digest = reference.partition("@")
        if at:
            return self._by_digest(digest, reference)
        repository, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = name, "latest"
        tags = self.tags
        for known in (repository, f"library/{repository}"):
            found = tags[(tags["repository"] == known) & (tags["tag"] == tag)]["manifest"].dropna()
            if len(found):
                return str(found.iloc[0])
        return self._by_digest(reference, reference)

    def _by_digest(self, start: str, reference: str) -> str:
        like = self.codes_like(start)
        named = like[np.isin(like, self._tables["manifests"]["manifest"])]
        found = list(dict.fromkeys(self._keys.texts(named)))
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(short_digest(key) for key in found[:_CANDIDATES])
            message = f"{reference!r} fits {len(found)} manifests: {several}; give more digits"
            raise RegvizError(message)
        tags = self.tags
        known = (tags["repository"].astype(str) + ":" + tags["tag"].astype(str)).tolist()
        message = f"{reference!r} is no tag, digest or id of {self.source.uri}{near(reference, known)}"
        raise RegvizError(message)

    def layer_graph(self) -> nx.DiGraph[Any]:
        """The layer-ancestry forest; see :func:`regviz.graph.layer_graph`."""
        from regviz.graph import layer_graph  # the one late import upwards, beside save

        return layer_graph(self)

    def object_graph(self) -> nx.DiGraph[Any]:
        """Tags, manifests, configurations and layers; see :func:`regviz.graph.object_graph`."""
        from regviz.graph import object_graph

        return object_graph(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a capture; see :func:`regviz.capture.save`."""
        from regviz.capture import save

        save(self, path)

    @property
    def shows_values(self) -> bool:
        """Whether what looks like a secret is shown."""
        return self._texts.shows_values

    def with_values(self) -> Registry:
        """The same, with what looks like a secret shown: what ``rv.read(…, show_values=True)`` gives."""
        return Registry(
            self._tables, keys=self._keys, names=self._names, texts=self._texts.unmasked(), source=self.source
        )

    def check(self) -> None:
        """Hold the tables to their contract; ContractError lists what breaks it."""
        everything = np.arange(len(self._keys), dtype=np.int32)
        check(
            self._tables, {"digest": self._keys.texts(everything), "name": self._names, "text": [""] * len(self._texts)}
        )

    def __repr__(self) -> str:
        from regviz.card import summary_line

        return summary_line(self)

    def _repr_html_(self) -> str:
        from regviz.card import summary_html

        return summary_html(self)

    # --- views

    def _view(self, name: str) -> pd.DataFrame:
        import pandas as pd

        columns = self._tables[name]
        made = {c.name: self._series(columns[c.name], c.kind) for c in TABLES[name].columns}
        return pd.DataFrame(made)

    def _series(self, values: NDArray[Any], kind: Kind) -> object:
        import pandas as pd

        if kind in ("digest", "name"):
            used = np.unique(values)
            used = used[used >= 0]
            texts = self.code_texts(kind, used)
            codes = np.where(values >= 0, np.searchsorted(used, values), -1)
            return pd.Categorical.from_codes(codes, pd.Index(texts, dtype="str"))
        if kind == "text":
            used = np.unique(values)
            used = used[used >= 0]
            text_of = dict(zip(used.tolist(), self._texts.texts(used), strict=True))
            return pd.Series([text_of.get(code) for code in values.tolist()], dtype="str")
        if kind == "time":
            stamps = np.where(values == NA[kind], np.datetime64("NaT", "us").astype(np.int64), values)
            return pd.DatetimeIndex(stamps.view("M8[us]")).tz_localize("UTC")
        if kind == "flag":
            return pd.arrays.BooleanArray(values == 1, values < 0)
        mask = values == NA[kind]
        return pd.arrays.IntegerArray(np.where(mask, 0, values).astype(np.int64), mask)

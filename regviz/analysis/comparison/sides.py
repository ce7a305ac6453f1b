"""One side of a comparison of registries: what it has, and how its names and blobs are found on the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.analysis.reach import columns, reach, row_counts, rows_of
from regviz.analysis.served import served
from regviz.card import held_bytes
from regviz.graph.values import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.reach import Numbers, Reach
    from regviz.registry import Registry

_FAMILIES = {
    "v1": "v1",
    "registry-v1": "v1",
    "docker-archive": "docker-archive",
    "docker-daemon": "engine",
    "docker-engine": "engine",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of two registries.

    Attributes
    ----------
    names : list of str
        What its repositories are called in the comparison; see :func:`paired_names`.
    stored : array of int
        Bytes of each blob that lies there, 0 of any other.
    present : array of bool
        Which blobs lie there.
    """

    registry: Registry
    reached: Reach
    names: list[str]
    stored: Numbers
    present: NDArray[np.bool_]

    @property
    def is_v1(self) -> bool:
        """Whether its images have ids, and no digests."""
        return self.family == "v1"

    @property
    def incomplete(self) -> set[str]:
        """Names of the repositories of which not everything could be read."""
        complete = columns(self.registry, "repositories")["complete"].tolist()
        return {name for name, whole in zip(self.names, complete, strict=True) if whole != 1}

    @property
    def family(self) -> str:
        """Registries of one family call the same content by the same key."""
        [family, *_] = [_FAMILIES.get(layout, "digests") for layout in self.registry.source.layouts]
        return family

    def held_by(self, other: Side) -> NDArray[np.bool_]:
        """Of each blob whether it lies in the other registry too."""
        mine, theirs = (columns(each.registry, "blobs")["blob"] for each in (self, other))
        row = rows_in(self.registry, mine, other.registry, theirs)
        held: NDArray[np.bool_] = np.append(other.present, np.False_)[row]
        return held

    def tags(self) -> pd.DataFrame:
        """Tags by the name their repository has in the comparison: repository, tag, manifest, row."""
        import pandas as pd

        tags = columns(self.registry, "tags")
        repository = rows_of(tags["repository"], columns(self.registry, "repositories")["repository"])
        made: dict[str, Any] = {
            "repository": pd.Series([self.names[row] for row in repository.tolist()], dtype="str"),
            "tag": pd.Series(texts(self.registry, "name", tags["tag"]), dtype="str"),
            "manifest": pd.Series(texts(self.registry, "digest", tags["manifest"]), dtype="str"),
            "row": np.arange(len(repository)),
        }
        return pd.DataFrame(made)

    def repositories(self) -> pd.DataFrame:
        """Repositories by their name in the comparison: repository, row."""
        import pandas as pd

        return pd.DataFrame({"repository": pd.Series(self.names, dtype="str"), "row": np.arange(len(self.names))})

    def manifests(self, *, linked: bool) -> pd.DataFrame:
        """What repositories have by digest: repository, manifest, row; of links too, if asked."""
        import pandas as pd

        reg, manifest = self.registry, columns(self.registry, "manifests")["manifest"]
        found = served(reg, self.reached, linked=linked).tocoo()
        made: dict[str, Any] = {
            "repository": pd.Series([self.names[row] for row in found.row.tolist()], dtype="str"),
            "manifest": pd.Series(texts(reg, "digest", manifest[found.col]), dtype="str"),
            "row": found.col,
        }
        table = pd.DataFrame(made)
        table["is_there"] = columns(reg, "manifests")["present"][found.col] == 1
        return table[table.pop("is_there")]

    def image_ids(self) -> list[frozenset[str]]:
        """The image IDs (digests of configurations) that each tag reaches."""
        reg, found = self.registry, self.reached.tag_manifests
        config = texts(reg, "digest", columns(reg, "manifests")["config"][found.indices])
        owner = np.repeat(np.arange(found.shape[0]), row_counts(found)).tolist()
        ids: list[set[str]] = [set() for _ in range(found.shape[0])]
        for tag, name in zip(owner, config, strict=True):
            if name is not None:
                ids[tag].add(name)
        return [frozenset(each) for each in ids]


def side(reg: Registry, names: list[str]) -> Side:
    """One side, its repositories called by these names."""
    present = columns(reg, "blobs")["present"] == 1
    lengths, _ = held_bytes(reg)
    return Side(reg, reach(reg), names, np.where(present, lengths, 0), present)


def rows_in(reg: Registry, keys: Any, other: Registry, others: Any) -> Numbers:
    """For each key of one registry its row among the keys of another; -1 where that has none such."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = np.full(len(keys), -1, np.int64)
    (raw, is_raw), (other_raw, other_is_raw) = reg.key_bytes(keys), other.key_bytes(others)

    def fixed(values: NDArray[np.uint8]) -> Any:
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(values), [None, pa.py_buffer(values.tobytes())])

    found = pc.index_in(fixed(raw[is_raw]), value_set=fixed(other_raw[other_is_raw]))
    place = np.asarray(found.fill_null(-1), np.int64)
    rows[is_raw] = np.append(np.flatnonzero(other_is_raw), -1)[place]
    odd = np.flatnonzero(~other_is_raw)
    of_text = dict(zip(other.code_texts("digest", others[odd]), odd.tolist(), strict=True))
    rows[~is_raw] = [of_text.get(text, -1) for text in reg.code_texts("digest", keys[~is_raw])]
    return rows


def paired_names(old: Iterable[str], new: Iterable[str]) -> tuple[list[str], list[str]]:
    """What the repositories of two registries are called so that the same have one name.

    Equal names go together first; of the others those that are equal without host and ``library/``, unless one
    registry has several of these. The name is the newer registry's.

    Examples
    --------
    >>> paired_names(["library/nodejs", "team/web"], ["docker.io/library/nodejs", "team/web"])
    (['docker.io/library/nodejs', 'team/web'], ['docker.io/library/nodejs', 'team/web'])
    >>> paired_names(["library/nodejs", "nodejs"], ["nodejs"])
    (['library/nodejs', 'nodejs'], ['nodejs'])
    """
    old, new = list(old), list(new)
    equal = set(old) & set(new)
    short = [Counter(normalised(name) for name in names if name not in equal) for names in (old, new)]
    taken = {
        normalised(name): name
        for name in new
        if name not in equal and short[0][normalised(name)] == short[1][normalised(name)] == 1
    }
    return [name if name in equal else taken.get(normalised(name), name) for name in old], new


def normalised(name: str) -> str:
    """A repository's name without the host and ``library/``, which only some registries write.

    The first part is a host by the rule of Docker's references: it has a dot or a colon, or is ``localhost``.

    Examples
    --------
    >>> [normalised(name) for name in ("docker.io/library/nodejs", "localhost/web", "team/web", "web")]
    ['nodejs', 'web', 'team/web', 'web']
    """
    host, slash, rest = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        name = rest
    return name.removeprefix("library/")

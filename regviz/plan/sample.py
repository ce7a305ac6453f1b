"""How many names lie in a folder, by a look at some of its directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.plan.cost import Count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.storage.base import Searchable

_PREFIXES, _REPOSITORIES, _BRANCHES = 8, 256, 64
_FEW = 20_000  # names that are rather counted than estimated
_MOST_NAMES, _MOST_DIRECTORIES = 1 << 20, 4000


def distribution(storage: Searchable, root: bytes) -> list[Count]:
    """Blobs, repositories, tags and links of a Distribution storage."""
    blobs = _blobs(storage, _join(root, b"blobs"))
    names, repositories = _repositories(storage, _join(root, b"repositories"))
    return [blobs, repositories, *_inside(storage, names, repositories)]


def objects(storage: Searchable, root: bytes) -> list[Count]:
    """Blobs of a Distribution storage in object storage, where each look is a request; and where repositories begin."""
    branches = _directories(storage, _join(root, b"repositories"))
    return [
        _blobs(storage, _join(root, b"blobs")),
        Count("branches of repositories", len(branches), exact=True, how=""),
    ]


def v1(storage: Searchable, root: bytes) -> list[Count]:
    """Images and repositories of a v1 storage."""
    base = _join(root, b"repositories")
    namespaces = _directories(storage, base)
    chosen = _spread(namespaces, _BRANCHES)
    found = sum(len(storage.children(_join(base, name)).directories) for name in chosen)
    exact = len(chosen) == len(namespaces)
    number = found if exact else round(found * len(namespaces) / len(chosen))
    how = "" if exact else f"{len(chosen)} of {len(namespaces):,} namespaces"
    repositories = Count("repositories", number, exact, how)
    return [_names(storage, _join(root, b"images"), "images"), repositories]


def oci(storage: Searchable, root: bytes) -> list[Count]:
    """Blobs of an OCI layout."""
    counts = [
        _names(storage, _join(root, b"blobs/" + name), "blobs") for name in _directories(storage, _join(root, b"blobs"))
    ]
    return [_sum("blobs", counts)]


def _blobs(storage: Searchable, place: bytes) -> Count:
    """Blobs by their first two digits, of which some directories are looked into."""
    counts = []
    for algorithm in _directories(storage, place):
        prefixes = _directories(storage, _join(place, algorithm))
        for most in (_PREFIXES, len(prefixes)):
            chosen = _spread(prefixes, most)
            below = [_names(storage, _join(place, algorithm + b"/" + prefix), "blobs") for prefix in chosen]
            found = sum(count.number or 0 for count in below)
            if found * len(prefixes) > _FEW * len(chosen):
                break
        exact = len(chosen) == len(prefixes) and all(count.exact for count in below)
        number = found if exact or not chosen else round(found * len(prefixes) / len(chosen))
        how = (
            ""
            if exact
            else f"{len(chosen)} of {len(prefixes)} directories below {algorithm.decode('ascii', 'replace')}"
        )
        counts.append(Count("blobs", number, exact, how))
    return _sum("blobs", counts)


def _repositories(storage: Searchable, place: bytes) -> tuple[list[bytes], Count]:
    """Some repositories, and how many there are."""
    branches = _directories(storage, place)
    chosen = _spread(branches, _BRANCHES)
    names: list[bytes] = []
    looked = done = 0
    for branch in chosen:
        pending = [_join(place, branch)]
        while pending and looked < _MOST_DIRECTORIES:
            path = pending.pop()
            looked += 1
            inside = _directories(storage, path)
            below = [name for name in inside if name[:1] != b"_"]
            if len(below) < len(inside):
                names.append(path)
            pending += [_join(path, name) for name in below]
        if pending:
            break
        done += 1
    if done == len(branches):
        return names, Count("repositories", len(names), exact=True, how="")
    if not done:
        return names, Count("repositories", len(names), exact=False, how=f"at least: in {looked:,} directories")
    how = f"{done} of {len(branches):,} directories below repositories"
    return names, Count("repositories", round(len(names) * len(branches) / done), exact=False, how=how)


def _inside(storage: Searchable, names: list[bytes], repositories: Count) -> list[Count]:
    """Tags and links of all repositories, told by some of them."""
    chosen = _spread(sorted(names), _REPOSITORIES)
    counts = []
    for noun, places in (
        ("tags", (b"_manifests/tags",)),
        ("links", (b"_layers/sha256", b"_manifests/revisions/sha256")),
    ):
        found = [_names(storage, _join(name, place), noun) for name in chosen for place in places]
        total = sum(count.number or 0 for count in found)
        exact = repositories.exact and len(chosen) == len(names) and all(count.exact for count in found)
        number = total if exact or not chosen else round(total * (repositories.number or 0) / len(chosen))
        how = "" if exact else f"{len(chosen)} of {len(names):,} repositories that were met"
        counts.append(Count(noun, number, exact, how))
    return counts


def _names(storage: Searchable, directory: bytes, noun: str) -> Count:
    """How many names a directory holds; counting ends where they are very many."""
    count = 0

    def is_too_much(name: bytes) -> bool:
        del name
        nonlocal count
        count += 1
        return count >= _MOST_NAMES

    storage.holds_directory(directory, is_too_much)
    if count < _MOST_NAMES:
        return Count(noun, count, exact=True, how="")
    return Count(noun, count, exact=False, how="at least: counting ended there")


def _sum(noun: str, counts: list[Count]) -> Count:
    how = "; ".join(count.how for count in counts if count.how)
    return Count(noun, sum(count.number or 0 for count in counts), all(count.exact for count in counts), how)


def _directories(storage: Searchable, path: bytes) -> list[bytes]:
    return sorted(storage.children(path).directories)


def _spread(names: Sequence[bytes], most: int) -> list[bytes]:
    """Some names, from all over the list."""
    if len(names) <= most:
        return list(names)
    return [names[number * len(names) // most] for number in range(most)]


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name

"""Names of v1 against the function that its server quoted them with, Python's quote_plus (toolkit.py, core/driver.py)."""

from __future__ import annotations

from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from regviz.layouts.v1.grammar import Role, parse, repository_name, tag_name

# What clients could push: no per cent sign, which makes once and twice ambiguous.
PARTS = st.from_regex(r"[a-z0-9_.-]{1,30}", fullmatch=True).filter(lambda part: part not in (".", ".."))
TAGS = st.text(st.characters(exclude_characters="/%+ \0", exclude_categories=["C"]), min_size=1, max_size=40)
IDS = st.from_regex(r"[0-9a-f]{16}|[0-9a-f]{64}", fullmatch=True)


@given(st.lists(PARTS, min_size=2, max_size=5), st.integers(1, 2))
def test_a_repositorys_name_is_what_was_quoted(parts: list[str], times: int) -> None:
    """Split on the first slash; the rest quoted, from 0.8.1 on twice."""
    namespace, rest = parts[0], "/".join(parts[1:])
    quoted = rest
    for _ in range(times):
        quoted = quote_plus(quoted)
    assert repository_name(f"{namespace}/{quoted}".encode()) == f"{namespace}/{rest}"


@given(TAGS, st.booleans())
def test_a_tags_name_is_what_was_quoted(tag: str, quoted: bool) -> None:  # noqa: FBT001
    assert tag_name((quote_plus(tag) if quoted else tag).encode()) == tag


@given(PARTS, PARTS, TAGS.filter(lambda tag: not tag.endswith("_json")))
def test_a_path_is_what_the_driver_builds(namespace: str, repository: str, tag: str) -> None:
    """As docker_registry/core/driver.py puts them together."""
    above = f"repositories/{namespace}/{repository}"
    place = f"{namespace}/{repository}".encode()
    for path, role, of in (
        (f"{above}/tag_{tag}", Role.TAG, tag),
        (f"{above}/tag{tag}_json", Role.TAG_METADATA, tag),
        (f"{above}/json", Role.REPOSITORY_METADATA, ""),
        (f"{above}/_index_images", Role.INDEX, ""),
        (f"{above}/_images_list", Role.IMAGES_LIST, ""),
        (f"{above}/_private", Role.PRIVATE, ""),
    ):
        found = parse(path.encode())
        if role == Role.TAG_METADATA and tag.startswith("_"):  # the server itself takes it for a tag
            assert (found.role, found.tag) == (Role.TAG, f"{tag[1:]}_json".encode())
        else:
            assert (found.role, found.repository, found.tag) == (role, place, of.encode()), path


@given(IDS)
def test_an_images_files_are_what_the_driver_builds(image: str) -> None:
    roles = {"json": Role.JSON, "layer": Role.LAYER, "ancestry": Role.ANCESTRY, "_checksum": Role.CHECKSUM,
             "_inprogress": Role.IN_PROGRESS, "_files": Role.CACHE, "_diff": Role.CACHE}  # fmt: skip
    for file, role in roles.items():
        found = parse(f"images/{image}/{file}".encode())
        assert (found.role, found.image) == (role, image.encode())
    assert parse(f"images/{image}/{image}".encode()).role == Role.FOREIGN
    assert parse(f"images/{image[1:]}/json".encode()).role == Role.FOREIGN

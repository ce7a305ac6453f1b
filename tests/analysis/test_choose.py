"""Which tags are chosen for deletion, against rules written with Python's own lists."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz.analysis.choose import choose_tags
from regviz.errors import NotKnowableError, RegvizError
from regviz.read import read
from tests.helpers import EPOCH, V2, Store, V1Store, image_id

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

DAY = 86_400


def pushed(store: Store, repository: str, tag: str, day: int) -> None:
    """A tag pushed so many days after the epoch of the tests' files."""
    digest = store.image(repository, [f"{repository}:{tag}".encode()], tag)
    folder = store.root / V2 / "repositories" / repository / "_manifests"
    for path in (folder / "tags" / tag / "current/link", *folder.glob(f"tags/{tag}/index/sha256/*/link")):
        os.utime(path, (EPOCH + DAY * day,) * 2)
    os.utime(folder / "revisions" / digest.replace(":", "/") / "link", (EPOCH + DAY * day,) * 2)


def chosen(reg: Registry, **choice: Any) -> list[str]:
    rows = reg.tags[choose_tags(reg, **choice).tags]
    return sorted(f"{name}:{tag}" for name, tag in zip(rows["repository"], rows["tag"], strict=True))


@pytest.fixture
def shop(tmp_path: Path) -> Registry:
    store = Store(tmp_path)
    for repository, tag, day in (
        ("team/app", "1.0", 1),
        ("team/app", "1.1", 2),
        ("team/app", "pr-7", 3),
        ("team/app", "pr-8", 4),
        ("team/app", "latest", 4),
        ("library/base", "12", 2),
        ("library/base", "latest", 5),
    ):
        pushed(store, repository, tag, day)
    return read(tmp_path, times=True)


@pytest.mark.parametrize(
    ("choice", "tags"),
    [
        ({"tags": ["team/app:1.0", "base:12"]}, ["library/base:12", "team/app:1.0"]),
        ({"tags": "library/base:12"}, ["library/base:12"]),
        ({"tags": []}, []),
        ({"pattern": r"^pr-"}, ["team/app:pr-7", "team/app:pr-8"]),
        ({"pattern": re.compile("1")}, ["library/base:12", "team/app:1.0", "team/app:1.1"]),
        ({"repositories": "team/*", "pattern": "1"}, ["team/app:1.0", "team/app:1.1"]),
        ({"repositories": ["base"]}, ["library/base:12", "library/base:latest"]),
        ({"repositories": "base", "keep": "^latest$"}, ["library/base:12"]),
        ({"keep_last": 1}, ["library/base:12", "team/app:1.0", "team/app:1.1", "team/app:pr-7"]),  # two were last
        ({"keep_last": 1, "keep": "^latest$"}, ["team/app:1.0", "team/app:1.1", "team/app:pr-7"]),
        ({"keep_last": 3}, ["team/app:1.0", "team/app:1.1"]),
        ({"keep_last": 9}, []),
        ({"keep_last": 0, "pattern": "pr"}, ["team/app:pr-7", "team/app:pr-8"]),
        ({"keep_last": 1, "pattern": "pr"}, ["team/app:pr-7"]),
    ],
)
def test_what_is_said_chooses(shop: Registry, choice: dict[str, Any], tags: list[str]) -> None:
    assert chosen(shop, **choice) == tags


def test_everything_is_chosen_only_where_that_is_meant(shop: Registry) -> None:
    assert len(chosen(shop, everything=True)) == 7
    assert len(chosen(shop, everything=True, keep="^latest$")) == 5
    for nothing in ({}, {"keep": "latest"}):
        with pytest.raises(RegvizError, match="no tag was chosen: give tags, pattern, keep_last, older_than or"):
            choose_tags(shop, **nothing)  # type: ignore[arg-type]


def test_a_table_chooses(shop: Registry) -> None:
    assert chosen(shop, tags=shop.tags) == chosen(shop, everything=True)
    assert chosen(shop, tags=pd.DataFrame({"repository": ["team/app"], "tag": ["1.0"]})) == ["team/app:1.0"]


def test_age_is_counted_from_when_it_was_read(shop: Registry) -> None:
    read_at = shop.source.read_at.timestamp()
    between = dt.timedelta(seconds=read_at - (EPOCH + DAY * 2.5))
    assert chosen(shop, older_than=between) == ["library/base:12", "team/app:1.0", "team/app:1.1"]
    assert chosen(shop, older_than=between, keep_last=4) == ["team/app:1.0"]
    assert chosen(shop, older_than="1d") == chosen(shop, everything=True)
    assert chosen(shop, older_than="9999w") == []


def test_what_has_no_time_is_kept_and_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pushed(store, "app", "1", 1)
    pushed(store, "app", "2", 2)
    store.directory("repositories/app/_manifests/tags/3")
    reg = read(tmp_path, times=True)
    assert reg.tags["pushed_at"].isna().tolist() == [False, False, True]
    assert choose_tags(reg, keep_last=0).undated.tolist() == [False, False, True]
    assert chosen(reg, keep_last=0) == ["app:1", "app:2"]
    assert choose_tags(reg, keep_last=0, keep="3").undated.tolist() == [False] * 3
    assert choose_tags(reg, pattern="3").undated.tolist() == [False] * 3


def test_without_times_only_names_can_choose(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pushed(store, "app", "1", 1)
    reg = read(tmp_path, times=False)
    for by_time in ({"keep_last": 1}, {"older_than": "1d"}):
        with pytest.raises(NotKnowableError, match="Read the storage itself"):
            choose_tags(reg, **by_time)  # type: ignore[arg-type]
    assert chosen(reg, pattern=".") == ["app:1"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"tags": ["team/app:1.2"]}, r"near it are: .*team/app:1\.1"),
        ({"tags": ["nothing"]}, r"'nothing' is no tag of .*; its tags are, for example: .*team/app:1\.1"),
        ({"pattern": "("}, "no regular expression"),
        ({"keep": "[", "pattern": "x"}, "no regular expression"),
        ({"keep_last": -1}, "0 or more"),
        ({"older_than": "3m"}, "write for example"),
        ({"older_than": dt.timedelta(-1)}, "in the future"),
    ],
)
def test_what_cannot_be_meant_is_said(shop: Registry, choice: dict[str, Any], said: str) -> None:
    with pytest.raises(RegvizError, match=said):
        choose_tags(shop, **choice)


def test_a_registry_without_tags_has_none_to_choose(tmp_path: Path) -> None:
    Store(tmp_path)
    assert chosen(read(tmp_path), keep_last=1, older_than="1d") == []


def test_names_of_v1_may_hold_anything(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    store.image(image_id(1))
    for tag in ("a:b", "=1", "x"):
        store.tag("library/x", tag, image_id(1))
    assert chosen(read(tmp_path), tags=["x:a:b"]) == ["library/x:a:b"]


@pytest.mark.parametrize("seed", range(20))
def test_random_policies(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    store, known = Store(tmp_path), []
    for number in range(draw.randint(0, 25)):
        repository, tag, day = draw.choice(["a", "b", "c/d"]), f"{draw.choice('xyz')}{number}", draw.randint(1, 9)
        pushed(store, repository, tag, day)
        known.append((repository, tag, day))
    reg = read(tmp_path, times=True)
    count, age, letter, spared = draw.randint(0, 4), draw.randint(0, 10), draw.choice("xyz"), draw.choice("xyz")
    left = [each for each in known if letter in each[1] and spared not in each[1]]
    expected = []
    for repository, tag, day in left:
        days = sorted((other for name, _, other in left if name == repository), reverse=True)
        if sum(other > day for other in days) >= count and day <= age:
            expected.append(f"{repository}:{tag}")
    older = dt.timedelta(seconds=reg.source.read_at.timestamp() - (EPOCH + DAY * (age + 0.5)))
    found = chosen(reg, pattern=letter, keep=spared, keep_last=count, older_than=older)
    assert found == sorted(expected)

"""What was fetched is kept by digest: a reading that was stopped goes on, a second one asks for tags only."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.errors import RegvizError
from regviz.live.address import Address
from regviz.live.cache import Cache
from tests.conftest import ROOT
from tests.helpers import plain_tables, sha256
from tests.live.servers import Asked, Shop, serving, small_shop

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = Address("https", "registry.example.org", 5000)


def family(count: int) -> Shop:
    shop = Shop()
    for number in range(count):
        shop.image(f"family/{number % 7}", [b"base", str(number).encode()], f"v{number}")
    return shop


def database(folder: Path) -> Path:
    [file] = folder.glob("*.sqlite")
    return file


def test_a_second_reading_costs_the_tags_only(tmp_path: Path) -> None:
    shop = family(60)
    with serving(shop) as server:
        first = rv.read(server.url, cache=tmp_path)
        assert len(server.paths("GET", "/manifests/v")) == 60
        assert len(server.paths("GET", "/blobs/")) == 60
        server.asked.clear()
        second = rv.read(server.url, cache=tmp_path)
    assert server.paths("GET", "/blobs/") == []
    assert [path for path in server.paths("GET", "/manifests/") if not path.endswith("0" * 64)] == []
    assert len(server.paths("HEAD", "/manifests/v")) == 60
    assert plain_tables(first) == plain_tables(second)


def test_only_what_is_new_is_asked_for(tmp_path: Path) -> None:
    shop = family(20)
    with serving(shop) as server:
        rv.read(server.url, cache=tmp_path)
        server.asked.clear()
        fresh = shop.image("family/new", [b"base", b"new"], "latest", "again")
        assert len(rv.read(server.url, cache=tmp_path).tags) == 22
    asked = [path for path in server.paths("GET", "/(manifests|blobs)/sha256") if not path.endswith("0" * 64)]
    assert len(asked) == 2
    assert any(path.endswith(fresh) for path in asked)


def test_what_lies_in_the_cache_is_held_to_its_digest(tmp_path: Path) -> None:
    shop = family(5)
    with serving(shop) as server:
        first = rv.read(server.url, cache=tmp_path)
        with sqlite3.connect(database(tmp_path)) as connection:
            [(good,)] = connection.execute("SELECT packed FROM documents ORDER BY digest LIMIT 1").fetchall()
            connection.execute("UPDATE documents SET packed = ?", (good,))
        connection.close()
        assert plain_tables(rv.read(server.url, cache=tmp_path)) == plain_tables(first)
        with sqlite3.connect(database(tmp_path)) as connection:
            connection.execute("UPDATE documents SET packed = x'28b52ffd00'")
        connection.close()
        assert plain_tables(rv.read(server.url, cache=tmp_path)) == plain_tables(first)


@pytest.mark.parametrize("damage", [b"", b"no database at all " * 400])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    shop = family(5)
    with serving(shop) as server:
        first = rv.read(server.url, cache=tmp_path)
        database(tmp_path).write_bytes(damage)
        assert plain_tables(rv.read(server.url, cache=tmp_path)) == plain_tables(first)
        server.asked.clear()
        rv.read(server.url, cache=tmp_path)
    assert server.paths("GET", "/blobs/") == []


def test_caches_of_two_registries_know_nothing_of_each_other(tmp_path: Path) -> None:
    """What one registry has, another need not have: its own answer counts."""
    whole, sparse = small_shop(), small_shop()
    child = next(iter(whole.served["team/multi"] - {whole.tags["team/multi"]["latest"]}))
    sparse.served["team/multi"].remove(child)
    with serving(whole) as one, serving(sparse) as other:
        rv.read(one.url, cache=tmp_path)
        registry = rv.read(other.url, cache=tmp_path)
    assert set(registry.problems["rule"]) == {"child-missing"}


def test_the_usual_place_is_the_users_alone(home: Path) -> None:
    with serving(small_shop()) as server:
        rv.read(server.url)
    folder = home / "cache" / "regviz" / "registries"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(database(folder).stat().st_mode) == 0o600


def test_no_cache_writes_nothing(home: Path) -> None:
    with serving(small_shop()) as server:
        rv.read(server.url, cache=False)
    assert not (home / "cache").exists()


def test_a_folder_that_cannot_be_used(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(small_shop()) as server:
        with pytest.raises(RegvizError, match=r"the cache .* cannot be used .*another folder, or cache=False"):
            rv.read(server.url, cache=tmp_path / "file")
        (home / "cache").write_text("a file is in the way of the usual place: reading goes on without")
        assert len(rv.read(server.url).tags) == 4


def test_two_at_a_time(tmp_path: Path) -> None:
    one, other = Cache(tmp_path, ADDRESS), Cache(tmp_path, ADDRESS)
    data = [f"document {number}".encode() for number in range(50)]
    for document in data:
        one.put(sha256(document), document)
    one._commit()
    assert [other.get(sha256(document)) for document in data] == data
    one.close()
    other.close()


def test_other_digests_are_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path, ADDRESS)
    cache.put("blake3:" + "0" * 64, b"x")
    assert not cache.has_some
    cache.close()


def test_a_reading_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Killed with no time to say anything, then started again: equal to one that nobody disturbed."""
    shop = family(120)
    seen, half = [0], threading.Event()

    def count(asked: Asked) -> None:
        if asked.method == "GET" and "/manifests/" in asked.path:
            seen[0] += 1
            if seen[0] >= 60:
                half.set()
                threading.Event().wait(0.05)

    shop.before("", count)
    words = "import sys, regviz as rv; from regviz.live import cache; cache._COMMIT_DOCUMENTS = 10; rv.read(sys.argv[1], cache=sys.argv[2], connections=2)"
    with serving(shop) as server:
        command = [sys.executable, "-c", words, server.url, str(tmp_path / "cache")]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        assert half.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.asked.clear()
        resumed = rv.read(server.url, cache=tmp_path / "cache")
        asked = [path for path in server.paths("GET", "/manifests/sha256") if not path.endswith("0" * 64)]
        undisturbed = rv.read(server.url, cache=False)
    assert 0 < len(asked) <= 75  # 120, less those that came before it was killed
    assert plain_tables(resumed) == plain_tables(undisturbed)

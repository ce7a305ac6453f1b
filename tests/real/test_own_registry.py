"""Lesson 09 on a live registry: what an address tells is answered, and what it does not tell is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz.lesson import lay_out
from tests.lesson import own
from tests.real.distribution import distribution
from tests.real.service import require_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def test_the_lesson_on_a_registry_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = require_program("docker-registry", "docker-registry")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shop = lay_out("shop") / "registry" / "docker"
    place = tmp_path / "server"
    place.mkdir()
    with distribution(program, place) as server:
        shop.rename(server.root / "docker")
        assert server.catalog() == ["shop/cart", "shop/pay"]
        [ran] = own.run(tmp_path, [f"http://{server.url}"])
    state = {id_: row["state"] for id_, row in ran["results"].items()}
    assert state == {
        **{f"09.{number}": "right" for number in range(1, 5)},
        **{f"09.{letter}": "guessed" for letter in "abcd"},
    }
    # As in the shop's storage, counted by hand; what is untagged, and when tags were pushed, is not told.
    truth = {id_: row["truth"] for id_, row in ran["results"].items()}
    assert (truth["09.a"], truth["09.4"], truth["09.c"]) == (15_459, 4_559, 15_459)
    assert truth["09.b"] is None
    assert truth["09.d"] is None
    assert ran["text"].count("Not known here:") >= 3

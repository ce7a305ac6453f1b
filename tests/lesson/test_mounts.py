"""The model of containers and volumes; tests/real/test_mounts.py holds it to a real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz.errors import RegvizError
from regviz.lesson.mounts import Engine
from tests.plot.drawn import hold_legible, hold_marks, texts_of

if TYPE_CHECKING:
    from pathlib import Path


def article(folder: Path) -> Engine:
    engine = Engine(folder)
    engine.run("DATA", volume="/srv/registry", ends=True)
    engine.run("registry", volumes_from="DATA")
    engine.write("registry", "/srv/registry/docker/a", b"a")
    return engine


def test_two_containers_see_one_tree(tmp_path: Path) -> None:
    engine = article(tmp_path)
    engine.run("look", volumes_from="registry")
    engine.write("look", "/srv/registry/b", b"b")
    assert engine.find("DATA") == engine.find("look") == ["/srv/registry/b", "/srv/registry/docker/a"]
    assert engine.files() == sum(path.is_file() for path in tmp_path.rglob("*")) == 2


def test_one_volume_at_two_paths(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.run("one", volume="data:/var/lib/registry")
    engine.write("one", "/var/lib/registry/a", b"a")
    engine.run("two", volume="data:/srv")
    assert engine.find("two") == ["/srv/a"]


def test_a_volume_in_use_stays(tmp_path: Path) -> None:
    engine = article(tmp_path)
    volume = engine.table()["volume"].iloc[0]
    engine.stop("registry")
    with pytest.raises(RegvizError, match="in use by DATA and registry: remove them first"):
        engine.remove_volume(volume)
    engine.remove("registry", volumes=True)
    assert engine.files() == 1, "DATA has it"
    engine.remove("DATA")
    assert engine.files() == 1, "it does not go with its last container"
    engine.remove_volume(volume)
    assert engine.files() == 0
    with pytest.raises(RegvizError, match="there is no volume"):
        engine.remove_volume(volume)


def test_with_v_a_volume_goes_with_its_last_container_unless_it_has_a_name(tmp_path: Path) -> None:
    engine = article(tmp_path / "without")
    for name in ("DATA", "registry"):
        engine.remove(name, volumes=True)
    assert engine.files() == 0
    engine = Engine(tmp_path / "named")
    engine.run("registry", volume="data:/srv/registry")
    engine.write("registry", "/srv/registry/a", b"a")
    engine.remove("registry", volumes=True)
    assert engine.files() == 1
    engine.run("registry", volume="data:/srv/registry")
    assert engine.find("registry") == ["/srv/registry/a"], "started anew, and finds its storage"


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    engine = article(tmp_path)
    with pytest.raises(RegvizError, match="there is a container DATA already"):
        engine.run("DATA", volume="/x")
    with pytest.raises(RegvizError, match="there is no container nobody: there are DATA, registry"):
        engine.run("look", volumes_from="nobody")
    for path in ("/etc/passwd", "/srv/registry/../x", "/srv/registry/"):
        with pytest.raises(RegvizError, match="lies in no volume of DATA"):
            engine.write("DATA", path, b"")
    engine.remove("registry")
    with pytest.raises(RegvizError, match="there is no container registry"):
        engine.find("registry")


def test_the_figure_shows_who_has_what(tmp_path: Path) -> None:
    engine = article(tmp_path)
    engine.run("other", volume="named:/srv")
    axes = engine.plot()
    hold_legible(axes)
    hold_marks(axes)
    assert axes.get_title(loc="left") == "3 containers and 2 volumes with 1 file"
    assert texts_of(axes).count("/srv/registry") == 2
    for name in ("registry", "DATA"):
        engine.remove(name, volumes=True)
    axes = engine.plot()
    hold_legible(axes)
    assert axes.get_title(loc="left") == "1 container and 1 volume with 0 files"
    engine.remove("other")
    assert engine.plot().get_title(loc="left") == "No container is left, but 1 volume with 0 files"
    engine.remove_volume("named")
    assert engine.plot().get_title(loc="left") == "No volume is left, and no file"
    assert texts_of(axes).count("/srv/registry") == 0
    assert {"removed", "container removed", "volume named"} <= {*texts_of(axes)}

"""regviz lab --check: each kind of lack, provoked, and a machine that is ready."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import sys
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner

from regviz import share
from regviz.cli.app import main
from regviz.report import lab_check as checks
from regviz.report.lab_check import longest_path
from regviz.report.lab_trial import Trial, try_jupyterlab, try_kernel


@pytest.mark.parametrize(
    ("version", "bits", "ready"),
    [((3, 11, 7), 64, True), ((3, 14, 0), 64, True), ((3, 10, 9), 64, False), ((3, 12, 1), 32, False)],
)
def test_python(version: tuple[int, int, int], bits: int, ready: bool) -> None:  # noqa: FBT001  # a parameter of tests
    found = checks._python(version, bits)
    assert found.ok is ready
    assert ("install a 64-bit Python from 3.11 to 3.14" in found.todo) is not ready
    assert found.said.startswith(f"{'.'.join(map(str, version))}, {bits} bit, ")


def test_a_python_newer_than_any_it_was_tried_with_is_said() -> None:
    found = checks._python((3, 15, 0), 64)
    assert found.ok
    assert "3.14 is the newest" in found.said


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks._packages().ok
    have = importlib.metadata.version("numpy")
    lines = ["numpy>=99.1", "no-such-package[all]>=2.0", "click>=1", "s3fs>=99; extra == 's3'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    found = checks._packages()
    assert not found.ok
    assert found.said == f"numpy {have}, and 99.1 is needed; no-such-package"
    assert found.todo == f'{sys.executable} -m pip install "numpy>=99.1" "no-such-package>=2.0"'


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a wheel leaves: two shared files, and the list that has their hashes."""
    rows = []
    for name, content in (("notebooks/a.ipynb", b"{}"), ("data/a.tar.gz", b"packed")):
        path = tmp_path / "regviz" / "_share" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"regviz/_share/{name},sha256={digest},{len(content)}")
    info = tmp_path / "regviz-1.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("\n".join(rows) + "\n", encoding="utf-8")
    distribution = importlib.metadata.PathDistribution(info)
    monkeypatch.setattr(importlib.metadata, "files", lambda _: distribution.files)
    monkeypatch.setattr(share, "folder", lambda name: tmp_path / "regviz" / "_share" / name)
    return tmp_path / "regviz" / "_share"


def test_notebooks_and_data(installed: Path) -> None:
    assert checks._shipped().said == "2 files of notebooks and data, none of them changed"
    (installed / "data" / "a.tar.gz").write_bytes(b"pack")
    found = checks._shipped()
    assert (found.ok, found.said) == (False, "missing or changed: a.tar.gz")
    assert "--force-reinstall --no-deps regviz" in found.todo
    (installed / "data" / "a.tar.gz").unlink()
    (installed / "notebooks" / "a.ipynb").unlink()
    assert checks._shipped().said == "missing or changed: a.ipynb, a.tar.gz"


def test_the_folder_is_left_as_it_was(tmp_path: Path) -> None:
    found = checks._folder(tmp_path / "new" / "notebooks")
    assert found.ok, found
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = checks._folder(tmp_path / "file" / "below")
    assert not found.ok
    assert "name another folder, with a short path" in found.todo


def test_a_folder_whose_path_is_too_long(tmp_path: Path) -> None:
    """As on Windows, whose paths end after 260 characters: here they end after 4,096."""
    most = os.pathconf(tmp_path, "PC_PATH_MAX")
    names = "/".join(["n" * 100] * 60)
    place = tmp_path / names[: most - len(str(tmp_path)) - len(longest_path()) // 2]
    assert len(str(place)) + len(longest_path()) > most > len(str(place))
    assert checks._folder(tmp_path / names[:300]).ok
    found = checks._folder(place)
    assert not found.ok
    assert "File name too long" in found.said


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_NEEDED_DISK", 1 << 62)
    found = checks._folder(tmp_path)
    assert not found.ok
    assert "make room" in found.todo


@pytest.mark.parametrize(("total", "ready"), [(4 << 30, True), (None, True), (512 << 20, False)])
def test_memory(total: int | None, ready: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001  # the same
    monkeypatch.setattr(checks, "memory_bytes", lambda: total)
    assert checks._memory().ok is ready


def test_memory_is_what_the_system_has() -> None:
    said = Path("/proc/meminfo").read_text(encoding="ascii").split()
    assert checks.memory_bytes() == int(said[1]) * 1024


def test_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    found = checks._browser(needed=True)
    assert not found.ok
    assert "--no-browser" in found.todo
    assert checks._browser(needed=False).ok is None
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setenv("BROWSER", f"{sys.executable} %s")
    assert checks._browser(needed=True).ok


def test_a_kernel_in_which_a_cell_fails() -> None:
    assert "ZeroDivisionError" in try_kernel(["1 / 0"]).complaint


def test_a_kernel_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("raise ImportError('DLL load failed')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "DLL load failed" in try_kernel().complaint


def test_a_jupyterlab_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jupyterlab").mkdir()
    (tmp_path / "jupyterlab" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "jupyterlab" / "__main__.py").write_text("raise SystemExit('tornado is broken')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert try_jupyterlab().complaint == "it ended with exit code 1 (tornado is broken)"


@pytest.mark.real
def test_a_machine_that_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    done = CliRunner().invoke(main, ["lab", "--check", "--no-browser", "--folder", str(tmp_path / "work")])
    lines = done.output.splitlines()
    assert done.exit_code == 0, done.output
    looked_at = [
        "Python",
        "packages",
        "notebooks",
        "folder",
        "memory",
        "browser",
        "Docker",
        "kernel",
        "JupyterLab",
        "time",
    ]
    assert [line.split()[1] for line in lines[:10]] == looked_at
    assert [line.split()[1] for line in lines[:10] if not line.startswith("ok ")] == ["browser", "Docker"]
    assert lines[-1] == "This machine is ready."
    assert not list(tmp_path.iterdir())


def test_what_lacks_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("try_kernel", "try_jupyterlab"):  # both are started by the other tests
        monkeypatch.setattr(checks, name, lambda: Trial("it does", 1.0, "it does not"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "file").write_bytes(b"")
    done = CliRunner().invoke(main, ["lab", "--check", "--no-browser", "--folder", str(tmp_path / "file" / "below")])
    assert done.exit_code == 1
    assert [line.split()[1] for line in done.output.splitlines() if line.startswith("lacks")] == [
        "folder",
        "kernel",
        "JupyterLab",
    ]
    assert done.output.splitlines()[-1] == "3 things to do first."

"""The bundle: which wheels for whom, and what a person is told; .ci/run makes one, installs it, and runs a lesson there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

import regviz
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOCK = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
PINNED = set(re.findall(r"(?m)^([a-z0-9-]+)==", LOCK))
# What the lock's conditions say, read by hand.
ONLY_WINDOWS = {"colorama", "pywin32", "pywinpty"}
NOT_WINDOWS = {"pexpect", "ptyprocess"}
ONLY_MACOS = {"appnope"}
BEFORE_3_12 = {"overrides"}


@pytest.fixture(scope="module")
def bundle() -> Any:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("bundle", ROOT / "scripts" / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("platform", "python", "without"),
    [
        ("win_amd64", "3.11", NOT_WINDOWS | ONLY_MACOS),
        ("win_amd64", "3.12", NOT_WINDOWS | ONLY_MACOS | BEFORE_3_12),
        ("macosx_11_0_arm64", "3.11", ONLY_WINDOWS),
        ("manylinux_2_28_x86_64", "3.14", ONLY_WINDOWS | ONLY_MACOS | BEFORE_3_12),
    ],
)
def test_each_system_gets_what_it_needs(bundle: Any, platform: str, python: str, without: set[str]) -> None:
    lines = bundle.wanted_lines(LOCK, platform, python)
    assert {line.partition("==")[0] for line in lines} == PINNED - without
    assert all(re.fullmatch(r"[\w.-]+==\S+( --hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    assert sum(line.count("--hash=") for line in lines) <= LOCK.count("--hash=")


def test_older_c_libraries_do_too(bundle: Any) -> None:
    """PEP 600: a wheel for glibc 2.5 fits every later one; and three of the tags have an older name."""
    assert bundle.platform_tags("win_amd64") == ["win_amd64"]
    tags = bundle.platform_tags("manylinux_2_28_aarch64")
    assert tags[0] == "manylinux_2_28_aarch64"
    assert {"manylinux_2_17_aarch64", "manylinux2014_aarch64", "manylinux1_aarch64"} <= {*tags}
    assert len(tags) == 24 + 3
    assert bundle.platform_tags("manylinux2014_x86_64")[0] == "manylinux_2_17_x86_64"


def test_its_wheel_fits_every_system_and_the_checkout_is_left_alone(bundle: Any, tmp_path: Path) -> None:
    native = ROOT / "regviz" / "native"
    before = {path.name: path.stat().st_mtime_ns for path in native.iterdir()}
    wheel = bundle.build_wheel(tmp_path)
    assert wheel.name == f"regviz-{regviz.__version__}-py3-none-any.whl"
    assert {path.name: path.stat().st_mtime_ns for path in native.iterdir()} == before
    names = zipfile.ZipFile(wheel).namelist()
    assert "regviz/_share/notebooks/01-push.ipynb" in names
    assert "regviz/_share/data/first-push.tar.gz" in names
    assert not [name for name in names if name.endswith((".so", ".pyc"))]


def test_what_a_person_meets_first(bundle: Any, tmp_path: Path) -> None:
    bundle.write_instructions(tmp_path, "1.2.3", ["win_amd64, Python 3.12", "this system, Python 3.11"])
    said = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert said.keys() == {"README.txt", "install.sh", "install.bat"}
    assert b"\r" not in said["install.sh"]
    for name in ("README.txt", "install.bat"):
        assert said[name].count(b"\n") == said[name].count(b"\r\n")
    assert b"regviz 1.2.3" in said["README.txt"]
    assert b"win_amd64, Python 3.12; this system, Python 3.11" in said["README.txt"]
    for name in ("install.sh", "install.bat"):
        assert b"--no-index --find-links" in said[name]
        assert b'"regviz==1.2.3"' in said[name]
        assert b"{version}" not in said[name]
        assert b"{{" not in said[name]
    checked = subprocess.run(["sh", "-n", str(tmp_path / "install.sh")], check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_without_a_python_it_says_so(bundle: Any, tmp_path: Path) -> None:
    bundle.write_instructions(tmp_path, "1.2.3", [])
    done = subprocess.run(
        ["sh", str(tmp_path / "install.sh"), str(tmp_path / "room")],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHON": "/no/such/python3"},
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == "regviz: /no/such/python3 is no Python 3.11 or newer; PYTHON=python3.12 sh install.sh names another\n"
    )
    assert not (tmp_path / "room").exists()


def test_one_file(bundle: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "a.whl").write_bytes(b"wheel")
    (folder / "README.txt").write_bytes(b"read")
    packed = bundle.pack(folder)
    assert zipfile.ZipFile(packed).namelist() == ["regviz-bundle/README.txt", "regviz-bundle/wheels/a.whl"]


@pytest.mark.parametrize("wrong", [["--platform", "windows"], ["--python", "2.7"], ["--platform", "linux; rm"]])
def test_what_it_does_not_know(wrong: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bundle.py"), "--directory", str(tmp_path / "new"), *wrong]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is none that is known" in done.stderr
    assert not (tmp_path / "new").exists()

"""Makes dist/bundle: regviz and all it needs as wheels, and what installs them where there is no package index.

The versions are those that requirements/run.txt pins, each file checked by its hash; they come from whichever index or
mirror pip is configured for. Without options it is made for this machine's system and this Python.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "run.txt"
OWN = "own"
"""The platform, and the Python, of whoever makes the bundle."""

_BUILT_FROM = ("regviz", "notebooks", "data", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "_native.so*", ".ipynb_checkpoints", ".mypy_cache")
_PLATFORM = re.compile(r"win_amd64|win_arm64|macosx_\d+_\d+_\w+|manylinux_2_\d+_\w+|manylinux2014_\w+")
_PYTHON = re.compile(r"3\.(\d+)")
_OLDEST_GLIBC = 5
_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_SYSTEMS = {
    "win": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
    "macosx": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
    "manylinux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", action="append", metavar="TAG", help="win_amd64, macosx_12_0_arm64 …; repeat it")
    parser.add_argument("--python", action="append", metavar="VERSION", help="3.12; repeat it")
    parser.add_argument("--directory", type=Path, default=ROOT / "dist" / "bundle", help="default: dist/bundle")
    parser.add_argument("--zip", action="store_true", help="pack it into one file beside the folder, too")
    options = parser.parse_args()
    platforms, pythons = options.platform or [OWN], options.python or [OWN]
    for given, pattern in ((platforms, _PLATFORM), (pythons, _PYTHON)):
        for wrong in (one for one in given if one != OWN and not pattern.fullmatch(one)):
            parser.error(
                f"{wrong!r} is none that is known, as win_amd64, macosx_12_0_arm64, manylinux_2_28_x86_64; 3.12"
            )
    make(options.directory, platforms, pythons)
    if options.zip:
        print(f"{pack(options.directory)}: all of it in one file")
    return 0


def make(folder: Path, platforms: list[str], pythons: list[str]) -> None:
    """Make the folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    wheel = build_wheel(wheels)
    for platform in platforms:
        for python in pythons:
            print(f"wheels for {_named(platform, python)} ...", flush=True)
            download(wheels, platform, python)
    version = wheel.name.split("-")[1]
    made_for = [_named(platform, python) for platform in platforms for python in pythons]
    write_instructions(folder, version, made_for)
    files = [path for path in wheels.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{folder}: {len(files)} wheels, {size / (1 << 20):.0f} MiB; README.txt says what to do")


def _named(platform: str, python: str) -> str:
    system, own = "this system" if platform == OWN else platform, f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{system}, {f'this Python, {own}' if python == OWN else f'Python {python}'}"


def build_wheel(folder: Path) -> Path:
    """The wheel of regviz that fits every system: nothing in it is compiled, so it reads more slowly, and the same."""
    with tempfile.TemporaryDirectory(prefix="regviz-bundle-") as place:
        for name in _BUILT_FROM:  # a copy, as building would remove what is compiled in the checkout
            source, target = ROOT / name, Path(place, name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                shutil.copyfile(source, target)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
        _run(command, cwd=place, env=os.environ | {"REGVIZ_NATIVE": "0"})
    [wheel] = folder.glob("regviz-*.whl")
    return wheel


def download(wheels: Path, platform: str, python: str) -> None:
    """Have pip fetch every pinned wheel for a system and a Python."""
    with tempfile.TemporaryDirectory(prefix="regviz-bundle-") as place:
        wanted = Path(place, "wanted.txt")
        lines = wanted_lines(LOCK.read_text(encoding="utf-8"), platform, python)
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "-r", str(wanted), "-d", str(wheels)]
        for tag in () if platform == OWN else platform_tags(platform):
            command += ["--platform", tag]
        if python != OWN:
            command += ["--python-version", python, "--implementation", "cp"]
        _run(command, hint="Where a package has no wheel for a system, name a newer one of its kind: macosx_14_0_arm64")


def wanted_lines(lock: str, platform: str, python: str) -> list[str]:
    """The lock's requirements that a system and a Python need, with their hashes, and no conditions any more.

    pip itself would judge the conditions by the machine that it runs on.
    """
    logical = re.sub(r"\s*\\\n\s*", " ", lock).splitlines()
    found = []
    for line in logical:
        said, *hashes = line.partition("#")[0].strip().split(" --hash=")
        if said:
            requirement = Requirement(said)
            if requirement.marker is None or requirement.marker.evaluate(environment(platform, python)):
                pinned = f"{requirement.name}{requirement.specifier}"
                found.append(" ".join([pinned, *(f"--hash={one.strip()}" for one in hashes)]))
    return found


def environment(platform: str, python: str) -> dict[str, str]:
    """What conditions in requirements ask for: PEP 508, environment markers."""
    known = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    if python != OWN:
        known |= {"python_version": python, "python_full_version": f"{python}.0"}
    if platform != OWN:
        known |= _SYSTEMS[re.match(r"[a-z]+", platform)[0]]  # type: ignore[index]  # its pattern was checked
        known["platform_machine"] = platform.split("_", 1)[1] if platform.startswith("win") else _machine(platform)
    return known


def _machine(platform: str) -> str:
    """The machine at the end of a tag."""
    return re.sub(r"^(macosx_\d+_\d+|manylinux_2_\d+|manylinux2014)_", "", platform)


def platform_tags(platform: str) -> list[str]:
    """The tags of all wheels that fit: of Linux also those for an older C library (PEP 600); pip knows macOS's."""
    match = re.fullmatch(r"manylinux(?:_2_(\d+)|2014)_(\w+)", platform)
    if match is None:
        return [platform]
    newest, machine = int(match[1] or 17), match[2]
    tags = []
    for minor in range(newest, _OLDEST_GLIBC - 1, -1):
        tags.append(f"manylinux_2_{minor}_{machine}")
        if minor in _ALIASES:
            tags.append(f"{_ALIASES[minor]}_{machine}")
    return tags


README = """\
regviz {version}, with all it needs, to be installed where there is no internet
===============================================================================

Made for: {made_for}.

What you need: a Python of one of these versions, with its venv module (on Debian and Ubuntu: python3-venv).

    Linux, macOS    sh install.sh
    Windows         install.bat, by a double click or in a terminal

makes the folder "regviz" in your home, installs into it, looks whether this machine is ready, and says how to start.
Another folder: sh install.sh FOLDER, install.bat FOLDER. Another Python: PYTHON=python3.12 sh install.sh, and on
Windows: set PYTHON=C:\\path\\to\\python.exe before install.bat. To remove everything, delete the folder.

By hand, into an environment of your own:

    python -m pip install --no-index --find-links wheels regviz
"""
INSTALL_SH = """\
#!/bin/sh
# Installs regviz from the wheels beside this file; nothing is asked of a network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${{1:-$HOME/regviz}}
python=${{PYTHON:-python3}}
fail() {{
    echo "regviz: $1" >&2
    exit 1
}}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null ||
    fail "$python is no Python 3.11 or newer; PYTHON=python3.12 sh install.sh names another"
"$python" -m venv "$folder/python" ||
    fail "$python made no environment; it needs its venv module (on Debian and Ubuntu: python3-venv)"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check \\
    --no-index --find-links "$here/wheels" "regviz=={version}"
cd "$folder"
python/bin/regviz lab --check || true
echo
echo "To start: cd $folder && python/bin/regviz lab"
"""
INSTALL_BAT = """\
@echo off
rem Installs regviz from the wheels beside this file; nothing is asked of a network.
setlocal
set "here=%~dp0"
set "folder=%~1"
if "%folder%"=="" set "folder=%USERPROFILE%\\regviz"
if not "%PYTHON%"=="" goto chosen
set "PYTHON=py"
where /q py || set "PYTHON=python"
:chosen
"%PYTHON%" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2])" || goto failed
"%PYTHON%" -m venv "%folder%\\python" || goto failed
set "own=%folder%\\python\\Scripts\\python.exe"
set "wheels=%here%wheels"
"%own%" -m pip --quiet install --no-index --find-links "%wheels%" "regviz=={version}" || goto failed
cd /d "%folder%"
python\\Scripts\\regviz.exe lab --check
echo.
echo To start: cd /d "%folder%" and then python\\Scripts\\regviz lab
pause
exit /b 0
:failed
echo regviz: it was not installed. Is there a 64-bit Python 3.11 or newer? The variable PYTHON names one.
pause
exit /b 1
"""


def write_instructions(folder: Path, version: str, made_for: list[str]) -> None:
    """Write the files that a person meets first; each has the line ends of its system, whatever wrote it."""
    said = {"version": version, "made_for": "; ".join(made_for)}
    for name, text, ends in (
        ("README.txt", README, "\r\n"),
        ("install.sh", INSTALL_SH, "\n"),
        ("install.bat", INSTALL_BAT, "\r\n"),
    ):
        (folder / name).write_text(text.format(**said), encoding="utf-8", newline=ends)


def pack(folder: Path) -> Path:
    """The folder as one file beside it; wheels are compressed already."""
    target = folder.with_name("regviz-bundle.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"regviz-bundle/{path.relative_to(folder).as_posix()}")
    return target


def _run(command: list[str], *, cwd: str | None = None, env: dict[str, str] | None = None, hint: str = "") -> None:
    done = subprocess.run(command, check=False, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ... failed:\n{done.stderr[-4000:] or done.stdout[-4000:]}{hint}")


if __name__ == "__main__":
    sys.exit(main())

"""Whether a machine is ready for notebooks and lessons, and what lacks: one finding a thing, within a minute."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import struct
import sys
import tarfile
import tempfile
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError
from regviz.lesson.shipped import FOLDER as FOLDER_OF_LESSONS
from regviz.lesson.shipped import archive
from regviz.report.lab import FOLDER
from regviz.report.lab_trial import Trial, try_jupyterlab, try_kernel
from regviz.text import count_noun, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLDEST, NEWEST = (3, 11), (3, 14)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([0-9.]+)\s*(;.*)?")
_SHARED = "regviz/_share/"
_LAID_OUT = re.compile(r'lay_out\(\\"([\w-]+)\\"\)')
_NEEDED_DISK = 200 << 20
"""Bytes that notebooks, what lessons lay out, and a kernel's own files take at most."""
_NEEDED_MEMORY = 1 << 30
_SLOW_SECONDS = 30
_PART = 100  # characters: no system has shorter names


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        Such as ``JupyterLab``.
    ok : bool or None
        None: it is optional, and is not there.
    said : str
        What was found.
    todo : str
        What to do where it lacks.
    """

    what: str
    ok: bool | None
    said: str
    todo: str = ""

    def __str__(self) -> str:
        mark = {True: "ok", False: "lacks", None: "-"}[self.ok]
        return f"{mark:5}  {self.what:14}  {self.said}" + (f": {self.todo}" if self.todo else "")


def lab_check(
    folder: str | os.PathLike[str] = FOLDER,
    *,
    open_browser: bool = True,
    engine: Callable[[], Finding] | None = None,
) -> Iterator[Finding]:
    """Look whether ``regviz lab`` and the lessons will work here; nothing is changed, and nothing asked of a network.

    Parameters
    ----------
    folder : path
        Where the work would be done.
    open_browser : bool
        Whether a browser is needed.
    engine : callable, optional
        Looks for a Docker Engine, which is optional.

    Yields
    ------
    Finding
        As soon as it is known, the quick ones first.

    Examples
    --------
    >>> print(str(next(lab_check()))[:13])
    ok     Python
    """
    began = time.monotonic()
    yield _python(sys.version_info[:3], struct.calcsize("P") * 8)
    yield _packages()
    yield _shipped()
    yield _folder(Path(folder).absolute())
    yield _memory()
    yield _browser(needed=open_browser)
    with ThreadPoolExecutor() as pool:  # both start programs, and wait for them
        kernel, lab = pool.submit(try_kernel), pool.submit(try_jupyterlab)
        yield engine() if engine is not None else Finding("Docker", None, "optional, and was not looked for")
        yield _tried("kernel", kernel.result(), f"{sys.executable} -m pip install --force-reinstall ipykernel")
        yield _tried("JupyterLab", lab.result(), f"{sys.executable} -m pip install --force-reinstall jupyterlab")
    yield Finding("time", True, f"all of this took {time.monotonic() - began:.0f} s")


def _python(version: tuple[int, ...], bits: int) -> Finding:
    said = f"{'.'.join(map(str, version))}, {bits} bit, {platform.system()} {platform.machine()}, {sys.executable}"
    wanted = f"install a 64-bit Python from {_dotted(OLDEST)} to {_dotted(NEWEST)}"
    ready = version[:2] >= OLDEST and bits == 64
    newer = "" if version[:2] <= NEWEST else f" (newer than any it was tried with; {_dotted(NEWEST)} is the newest)"
    return Finding("Python", ready, said + newer, "" if ready else wanted)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _packages() -> Finding:
    """Every package that regviz needs, at least as new as it needs it."""
    count, lacking, upgrades = 0, [], []
    for line in importlib.metadata.requires("regviz") or ():
        match = _REQUIREMENT.fullmatch(line)
        if match is None or match[3]:  # an extra's, which nobody needs here
            continue
        count += 1
        try:
            have = importlib.metadata.version(match[1])
        except importlib.metadata.PackageNotFoundError:
            lacking.append(match[1])
            upgrades.append(f"{match[1]}>={match[2]}")
            continue
        if _numbers(have) < _numbers(match[2]):
            lacking.append(f"{match[1]} {have}, and {match[2]} is needed")
            upgrades.append(f"{match[1]}>={match[2]}")
    if lacking:
        quoted = " ".join(f'"{one}"' for one in upgrades)
        return Finding("packages", False, "; ".join(lacking), f"{sys.executable} -m pip install {quoted}")
    return Finding("packages", True, f"regviz {importlib.metadata.version('regviz')} and the {count} that it needs")


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version, for comparing.

    Examples
    --------
    >>> _numbers("3.0.0rc1") < _numbers("3.1"), _numbers("3.0") <= _numbers("3")
    (True, True)
    """
    match = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in match[0].split(".")] if match else []
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _shipped() -> Finding:
    """Notebooks and data, each file as it was when the wheel was made."""
    again = f"{sys.executable} -m pip install --force-reinstall --no-deps regviz"
    try:
        folders = [share.folder("notebooks"), share.folder("data")]
    except RegvizError as error:
        return Finding("notebooks", False, str(error), again)
    count = sum(path.is_file() for folder in folders for path in folder.iterdir())
    said = f"{count_noun(count, 'file')} of notebooks and data"
    listed = [file for file in importlib.metadata.files("regviz") or () if str(file).startswith(_SHARED)]
    if "_share" not in folders[0].parts:
        return Finding("notebooks", True, f"{said}, in a checkout")
    damaged = [file.name for file in listed if not _is_whole(Path(str(file.locate())), file.hash)]
    if damaged or not listed:
        return Finding("notebooks", False, f"missing or changed: {', '.join(damaged) or 'all'}", again)
    return Finding("notebooks", True, f"{said}, none of them changed")


def _is_whole(path: Path, wanted: importlib.metadata.FileHash | None) -> bool:
    if not path.is_file() or wanted is None:
        return False
    digest = hashlib.new(wanted.mode, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == wanted.value


def longest_path() -> str:
    """The longest path that a lesson lays out, below the folder it runs in.

    Examples
    --------
    >>> longest_path().startswith("lesson-data/"), len(longest_path()) < 200
    (True, True)
    """
    notebooks = [path.read_text(encoding="utf-8") for path in share.folder("notebooks").glob("*.ipynb")]
    found = [""]
    for name in sorted({name for text in notebooks for name in _LAID_OUT.findall(text)}):
        with tarfile.open(archive(name)) as opened:
            found.append(f"{FOLDER_OF_LESSONS.as_posix()}/{name}/{max(opened.getnames(), key=len)}")
    return max(found, key=len)


def _folder(place: Path) -> Finding:
    """Whether the longest path of all can be made in the folder, which is left as it was."""
    above = place
    while not above.exists():
        above = above.parent
    inside = longest_path()
    # What is not there yet is tried beside it, under a name as long as the one it will have.
    missing = len(str(place)) - len(str(above))
    try:
        with tempfile.TemporaryDirectory(prefix=".regviz-", dir=above) as tried:
            filler = "x" * max(missing - (len(tried) - len(str(above))) - 1, 0)
            parts = [filler[at : at + _PART - 1] for at in range(0, len(filler), _PART)]
            file = Path(tried, *parts, *inside.split("/"))
            file.parent.mkdir(parents=True)
            file.write_bytes(b"")
    except OSError as error:
        shorter = "C:\\regviz" if os.name == "nt" else "~/regviz"
        todo = f"name another folder, with a short path: regviz lab --folder {shorter}"
        return Finding("folder", False, f"{place} ({error.strerror or error})", todo)
    free = shutil.disk_usage(above).free
    if free < _NEEDED_DISK:
        todo = f"make room, {format_bytes(_NEEDED_DISK)} are needed"
        return Finding("folder", False, f"{place} has only {format_bytes(free)} left", todo)
    return Finding(
        "folder", True, f"{place} can be written, the longest path of a lesson too; {format_bytes(free)} free"
    )


def _memory() -> Finding:
    total = memory_bytes()
    if total is None:
        return Finding("memory", True, "this system does not say how much it has")
    said = format_bytes(total)
    if total < _NEEDED_MEMORY:
        return Finding("memory", False, said, f"{format_bytes(_NEEDED_MEMORY)} are needed; close other programs")
    return Finding("memory", True, said)


def memory_bytes() -> int | None:
    """Memory of this machine; None where the system does not say.

    Examples
    --------
    >>> memory_bytes() is None or memory_bytes() > 1 << 28
    True
    """
    if sys.platform == "win32":
        import ctypes

        status = ctypes.create_string_buffer(struct.pack("<II7Q", 64, 0, *[0] * 7), 64)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(status):  # MEMORYSTATUSEX: length, load, total, …
            return None
        return int(struct.unpack_from("<Q", status, 8)[0])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _browser(*, needed: bool) -> Finding:
    if not needed:
        return Finding("browser", None, "none is to be opened")
    try:
        webbrowser.get()
    except webbrowser.Error:
        todo = "install one; or open the address that regviz lab --no-browser prints, in any browser of this machine"
        return Finding("browser", False, "none can be opened", todo)
    return Finding("browser", True, "one can be opened")


def _tried(what: str, trial: Trial, again: str) -> Finding:
    if trial.complaint:
        return Finding(what, False, trial.complaint, again)
    slow = f", which is slow: more than {_SLOW_SECONDS} s" if trial.seconds > _SLOW_SECONDS else ""
    return Finding(what, True, f"{trial.said}, after {trial.seconds:.1f} s{slow}")

"""What came out, as Markdown: which floors are met, and the medians they rest on."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.corpus import SizeName
    from benchmarks.measure import Figures, Floor, Work

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = """\
# Results

Written by the command that each section names; README.md says what is compared and how. Only ratios within
one run mean something: the seconds are that machine's, on that day.
"""
_NAMES = {"cpu": "CPU", "wall": "wall time", "peak": "memory", "output": "bytes written"}


def section(size: SizeName, works: Sequence[Work], rounds: int, left_out: Sequence[str], load: float) -> str:
    """The results of one run."""
    runs = f"medians of {rounds} interleaved rounds" if rounds > 1 else "one round"
    today = f"{dt.datetime.now(dt.UTC):%d %B %Y}"
    lines = [
        f"## Size {size}",
        "",
        f"`{' '.join(['python -m benchmarks', *sys.argv[1:]])}`: {runs}, {today}.",
        f"{_machine()}; load at the start {load:.1f}. Peers: {_peers()}.",
        "",
        *(f"- {work.title}: {work.subject}" for work in works),
        *(f"- {line}" for line in left_out),
        "",
        "| work | of | measured | here | floor | aim | met |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    lines += [_floor_line(work, floor, size) for work in works for floor in work.floors]
    lines += ["", "| work | program | CPU s | wall s | peak MB | written MB |", "|---|---|---:|---:|---:|---:|"]
    for work in works:
        medians = work.medians()
        lines += [_figures_line(work, name, medians[name]) for name in medians]
        lines += [f"| {work.title} | {name} | {reason} | | | |" for name, reason in work.missing.items()]
    return "\n".join(lines) + "\n"


def missed(works: Sequence[Work]) -> list[str]:
    """Floors that are not met, or could not be held against what was measured because something failed."""
    lines = []
    for work in works:
        medians = work.medians()
        for floor in work.floors:
            value = floor.value(medians)
            if value is not None and not floor.is_met(value):
                shown, bound = _amount(floor, value), _bound(floor, floor.floor)
                lines.append(f"{work.title}, {floor.of}: {_measured(floor)}: {shown}, floor {bound}")
        failed = {name: reason for name, reason in work.missing.items() if reason.startswith("failed")}
        lines += [f"{work.title}, {name}: {reason}" for name, reason in failed.items()]
    return lines


def write(size: SizeName, text: str) -> None:
    """Put a section into RESULTS.md, in place of the one of that size."""
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = {part[:1]: part for part in re.split(r"^## Size ", old, flags=re.MULTILINE)[1:]}
    sections[size] = text.removeprefix("## Size ")
    kept = [f"## Size {sections[name].strip()}\n" for name in "SML" if name in sections]
    RESULTS.write_text("\n".join([_HEAD, *kept]), encoding="utf-8")


def _floor_line(work: Work, floor: Floor, size: SizeName) -> str:
    value = floor.value(work.medians())
    aim = _bound(floor, floor.aim) if floor.aim is not None else ""
    shown, met = "not measured", ""
    if value is not None:
        shown = _amount(floor, value)
        met = "(too small to say)" if size == "S" else "yes" if floor.is_met(value) else "**no**"
    cells = [work.title, floor.of, _measured(floor), shown, _bound(floor, floor.floor), aim, met]
    return f"| {' | '.join(cells)} |"


def _figures_line(work: Work, name: str, figures: Figures) -> str:
    written = f"{figures.output / 1e6:.2f}" if figures.output else ""
    return f"| {work.title} | {name} | {figures.cpu:.2f} | {figures.wall:.2f} | {figures.peak / 1e6:.0f} | {written} |"


def _measured(floor: Floor) -> str:
    what = _NAMES[floor.measure]
    if floor.against:
        return f"{what} of `{floor.against}` ÷ ours" if floor.at_least else f"{what} ÷ that of `{floor.against}`"
    return f"{what} above `{floor.above}`" if floor.above else what


def _bound(floor: Floor, value: float) -> str:
    return f"{'≥' if floor.at_least else '≤'} {_amount(floor, value, digits=1)}"


def _amount(floor: Floor, value: float, digits: int = 2) -> str:
    if floor.against:
        return f"{value:.{digits}f}×"
    if floor.measure == "output":
        return f"{value / 1e6:.{digits}f} MB"
    return f"{value / 1e6:.0f} MB" if floor.measure == "peak" else f"{value:.{digits}f} s"


def _machine() -> str:
    release = ".".join(platform.release().split("-")[0].split(".")[:2])
    system = f"{platform.system()} {release}"
    parts = [f"{os.cpu_count()} cores", system, f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("numpy", "pandas", "pyarrow")]
    return ", ".join(parts)


def _peers() -> str:
    said = []
    for program, pattern in (
        ("docker-registry", r"\d+\.\d+\.\d+"),
        ("tar", r"[\d.]+$"),
        ("skopeo", r"\d+\.\d+\.\d+"),
        ("wrk", r"\d+\.\d+\.\d+"),
    ):
        if shutil.which(program):
            text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            number = re.search(pattern, text.partition("\n")[0])
            said.append(f"{program} {number.group() if number else ''}".strip())
    return ", ".join(said) or "none on this machine"

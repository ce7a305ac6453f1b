"""Running what is compared, round by round, each in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

from benchmarks.corpus import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Measure = Literal["cpu", "wall", "peak", "output"]
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figures:
    """CPU and wall in seconds, highest memory and what was written in bytes."""

    cpu: float
    wall: float
    peak: float
    output: float = 0


@dataclass(frozen=True)
class Contender:
    """A command that does a work, or shows how little it can cost.

    With `reports` it is one of :mod:`benchmarks.work`, which says itself what its work took.
    """

    name: str
    command: tuple[str, ...]
    reports: bool = False

    def run(self) -> Figures:
        """Run it once; RuntimeError with the last line of its complaint if it fails."""
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
            began = time.perf_counter()
            out = said if self.reports else subprocess.DEVNULL
            process = subprocess.Popen(self.command, stdout=out, stderr=complaint, cwd=_HERE.parent, env=_environment())
            _, status, usage = os.wait4(process.pid, 0)  # it alone says what one child took
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                complaint.seek(0)
                lines = complaint.read().decode(errors="replace").strip().splitlines()
                raise RuntimeError(lines[-1] if lines else f"exit status {process.returncode}")
            cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _PEAK_UNIT
            said.seek(0)
            reported = json.loads(said.read()) if self.reports else {}
        return Figures(**{"cpu": cpu, "wall": wall, "peak": peak, **reported})


def _environment() -> dict[str, str]:
    """What programs are given: our own, but that Python keeps what it compiled, as it does for people."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Floor:
    """What must hold of a contender.

    `against` another one it is a ratio: theirs by ours where `at_least` is set, else ours by theirs.
    Without, it is an amount (seconds or bytes), `above` that of another one.
    """

    of: str
    measure: Measure
    floor: float
    aim: float | None = None
    against: str | None = None
    at_least: bool = False
    above: str | None = None

    def value(self, medians: dict[str, Figures]) -> float | None:
        """The ratio or the amount; None where one of the two was not measured."""
        if not {self.of, self.against or self.of, self.above or self.of} <= medians.keys():
            return None
        ours = getattr(medians[self.of], self.measure)
        if self.against:
            theirs = getattr(medians[self.against], self.measure)
            return theirs / ours if self.at_least else ours / theirs
        return ours - (getattr(medians[self.above], self.measure) if self.above else 0)

    def is_met(self, value: float) -> bool:
        """Whether a value does."""
        return value >= self.floor if self.at_least else value <= self.floor


@dataclass
class Work:
    """One thing to do, who does it, and what must hold."""

    title: str
    subject: str
    floors: tuple[Floor, ...] = ()
    contenders: list[Contender] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    figures: dict[str, list[Figures]] = field(default_factory=dict)

    def add(self, name: str, command: Callable[[], Iterable[str | Path]], *, reports: bool = False) -> None:
        """Let one more do it, if this machine has what its command needs."""
        try:
            self.contenders.append(Contender(name, tuple(str(word) for word in command()), reports))
        except Unavailable as reason:
            self.missing[name] = f"skipped: needs {reason}"

    def add_python(self, name: str, *words: str | Path | int) -> None:
        """Let one of :mod:`benchmarks.work` do it."""
        self.add(name, lambda: [sys.executable, "-m", "benchmarks.work", *map(str, words)], reports=True)

    def add_shown(self, name: str, *words: str | Path | int) -> None:
        """Let one of :mod:`benchmarks.shown` do it."""
        self.add(name, lambda: [sys.executable, "-m", "benchmarks.shown", *map(str, words)], reports=True)

    def measure(self, rounds: int) -> None:
        """Run everyone `rounds` times, in turns, after one run of regviz, which warms the caches: it looks at most."""
        print(f"\n{self.title} ({self.subject})")
        for name, reason in self.missing.items():
            print(f"  {name}: {reason}")
        warming = [contender for contender in self.contenders if contender.name == "regviz"] or self.contenders
        for number in range(-1, rounds):
            turn = number % max(len(self.contenders), 1)
            order = self.contenders[turn:] + self.contenders[:turn] if number >= 0 else warming[:1]
            for contender in order:
                if contender.name not in self.missing:
                    self._run(contender, keep=number >= 0)

    def medians(self) -> dict[str, Figures]:
        """Each one's median CPU, wall time, peak and output."""
        return {
            name: Figures(*(median(getattr(run, measure) for run in runs) for measure in get_args(Measure)))
            for name, runs in self.figures.items()
            if name not in self.missing
        }

    def _run(self, contender: Contender, *, keep: bool) -> None:
        try:
            figures = contender.run()
        except RuntimeError as error:
            self.missing[contender.name] = f"failed: {error}"
            print(f"  {contender.name}: failed: {error}", flush=True)
            return
        if keep:
            self.figures.setdefault(contender.name, []).append(figures)
            cpu, wall, peak = figures.cpu, figures.wall, figures.peak / 1e6
            print(f"  {contender.name:32} {cpu:8.2f} s CPU {wall:8.2f} s wall {peak:8.0f} MB", flush=True)

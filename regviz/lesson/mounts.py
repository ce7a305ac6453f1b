"""A small model of an engine's containers and volumes: who mounts what, and what goes with whom.

Folders stand for volumes, so that what lies in one can be listed. It does to volumes what ``docker run``, ``docker rm``
and ``docker volume rm`` do; nothing runs in its containers.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.lesson.shipped import FOLDER
from regviz.plot.canvas import Text
from regviz.plot.labels import fit
from regviz.plot.marks import Mark, in_lines
from regviz.plot.palette import EXCLUSIVE, INK, MUTED, SEVERAL, STATES
from regviz.plot.sheet import Rect, Sheet, Stroke, key, paint, shares, wide
from regviz.plot.style import SMALL_SIZE, TEXT_SIZE
from regviz.text import count_noun

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

RUNNING, ENDED, REMOVED, GONE = "running", "ended", "removed", "deleted"
_ROW, _BOX = 46.0, 30.0
_WIDE = 190.0


@dataclass
class _Container:
    """A container: its state, and the volume at each path."""

    state: str
    mounts: dict[str, str]


@dataclass
class _Volume:
    """A volume: its folder, whether it was named, and whether it is still there."""

    folder: Path
    is_named: bool
    state: str = "there"


class Engine:
    """Containers and volumes, as far as they concern each other.

    Parameters
    ----------
    folder : path, optional
        Where the volumes lie; it is emptied. Left out, beside the notebook.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     engine = Engine(folder)
    ...     engine.run("DATA", volume="/tmp/registry", ends=True)
    ...     engine.run("registry", volumes_from="DATA")
    ...     engine.write("registry", "/tmp/registry/hello", b"hi")
    ...     engine.remove("registry")
    ...     engine.find("DATA"), engine.files()
    (['/tmp/registry/hello'], 1)
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = FOLDER / "volumes" if folder is None else Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._containers: dict[str, _Container] = {}
        self._volumes: dict[str, _Volume] = {}

    # --- what one types

    def run(self, name: str, *, volume: str = "", volumes_from: str = "", ends: bool = False) -> None:
        """A new container: ``docker run``.

        Parameters
        ----------
        name : str
        volume : str
            A path in the container, which gets a new volume without a name; ``NAME:/path`` for one with a name, which
            may be there already.
        volumes_from : str
            A container, running or not, whose volumes this one gets, at the same paths.
        ends : bool
            Its program ends at once, as ``true`` does.

        Raises
        ------
        RegvizError
            The name is taken, or there is no such container to take volumes from.
        """
        if self._is_there(name):
            raise RegvizError(f"there is a container {name} already: remove it, or call this one otherwise")
        mounts = dict(self._container(volumes_from).mounts) if volumes_from else {}
        if volume:
            named, _, path = volume.rpartition(":")
            # An engine draws the name of a volume that is given none; a lesson's is the same each time.
            called = named or hashlib.sha256(f"{name} {path} {len(self._volumes)}".encode()).hexdigest()
            found = self._volumes.get(called)
            if found is None or found.state == GONE:
                self._volumes[called] = _Volume(self.folder / called[:12], is_named=bool(named))
                self._volumes[called].folder.mkdir(exist_ok=True)
            mounts[path] = called
        self._containers[name] = _Container(ENDED if ends else RUNNING, mounts)

    def stop(self, name: str) -> None:
        """The container's program ends: ``docker stop``."""
        self._container(name).state = ENDED

    def remove(self, name: str, *, volumes: bool = False) -> None:
        """The container goes: ``docker rm -f``, and with ``volumes`` ``docker rm -f -v``.

        With ``volumes`` those of its volumes go too that have no name and that no other container has.
        """
        container = self._container(name)
        container.state = REMOVED
        for mounted in container.mounts.values() if volumes else ():
            if not self._volumes[mounted].is_named and not self._users(mounted):
                self._delete(mounted)

    def remove_volume(self, name: str) -> None:
        """A volume goes with all that is in it: ``docker volume rm``.

        Parameters
        ----------
        name : str
            Its name, or the first digits of one that has none.

        Raises
        ------
        RegvizError
            A container has it, running or not; or there is no such volume.
        """
        found = [each for each, volume in self._volumes.items() if each.startswith(name) and volume.state != GONE]
        if len(found) != 1:
            raise RegvizError(f"there is no volume {name}: there are {', '.join(each[:12] for each in self._there())}")
        if users := self._users(found[0]):
            raise RegvizError(f"the volume is in use by {' and '.join(users)}: remove them first")
        self._delete(found[0])

    # --- what one sees

    def write(self, name: str, path: str, content: bytes) -> None:
        """What a container's program writes at a path below one of its mounts."""
        place = self._place(name, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def copy(self, source: str | Path, name: str, path: str) -> None:
        """Files of a folder, written by a container's program below a path."""
        for each in sorted(Path(source).rglob("*")):
            if each.is_file():
                self.write(name, f"{path}/{each.relative_to(source).as_posix()}", each.read_bytes())

    def find(self, name: str) -> list[str]:
        """Every file in the container's volumes, by its path there: ``find PATH -type f``."""
        return [
            f"{path}/{each.relative_to(folder).as_posix()}"
            for path, mounted in self._container(name).mounts.items()
            for folder in [self._volumes[mounted].folder]
            for each in sorted(folder.rglob("*"))
            if each.is_file()
        ]

    def files(self) -> int:
        """How many files lie in all volumes together."""
        return sum(self._count(name) for name in self._volumes)

    def table(self) -> pd.DataFrame:
        """A row for each mount that there is or was: container, state, path, volume, files in it."""
        import pandas as pd

        rows = [
            (name, each.state, path, mounted[:12], self._volumes[mounted].state, self._count(mounted))
            for name, each in self._containers.items()
            for path, mounted in each.mounts.items()
        ]
        columns = ["container", "state", "path", "volume", "volume_state", "files"]
        return pd.DataFrame(rows, columns=columns).astype({"files": "Int64"})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Containers at the left, volumes at the right, and which has which."""
        return paint(lambda width, _: self._sheet(width), ax)

    # ---

    def _sheet(self, width: float) -> Sheet:
        looks = {RUNNING: EXCLUSIVE, ENDED: SEVERAL, REMOVED: STATES["absent"]}
        meanings = [(colour, f"container {state}") for state, colour in looks.items() if state in self._states()]
        meanings.append((STATES["tagged"], "volume"))
        keys, texts, top = key(meanings, width, hollow=STATES["absent"])
        right = max(_WIDE * 1.4, width - _WIDE)
        middle: dict[str, dict[str, float]] = {"container": {}, "volume": {}}
        boxes: dict[str, list[Rect]] = {"containers": [], "volumes": []}
        marks: dict[str, list[Mark]] = {"containers": [], "volumes": []}
        wires = []
        for at, (name, container) in enumerate(self._containers.items()):
            y = middle["container"][name] = top + 10 + _ROW * (at + 0.5)
            gone = container.state == REMOVED
            boxes["containers"].append(Rect(0, y - _BOX / 2, 6, _BOX, looks[container.state], hollow=gone))
            texts.append(Text(14, y - 7, fit(name, _WIDE - 20, TEXT_SIZE), TEXT_SIZE, MUTED if gone else INK))
            texts.append(Text(14, y + 8, container.state, SMALL_SIZE, MUTED))
            marks["containers"].append(Mark(in_lines(f"Container {name}", container.state)))
        for at, (name, volume) in enumerate(self._volumes.items()):
            y = middle["volume"][name] = top + 10 + _ROW * (at + (len(self._containers) - len(self._volumes)) / 2 + 0.5)
            gone = volume.state == GONE
            boxes["volumes"].append(
                Rect(right, y - _BOX / 2, 6, _BOX, STATES["absent"] if gone else STATES["tagged"], hollow=gone)
            )
            words = f"deleted volume {name[:12]}" if gone else f"volume {name[:12]}"
            texts.append(Text(right + 14, y - 7, fit(words, _WIDE - 20, TEXT_SIZE), TEXT_SIZE, MUTED if gone else INK))
            texts.append(Text(right + 14, y + 8, count_noun(self._count(name), "file"), SMALL_SIZE, MUTED))
            marks["volumes"].append(Mark(in_lines(f"Volume {name}", count_noun(self._count(name), "file"))))
        for name, container in self._containers.items():
            if container.state == REMOVED:
                continue
            for path, mounted in container.mounts.items():
                start, end = middle["container"][name], middle["volume"][mounted]
                bend, left = _WIDE + 20, 24 + wide(fit(name, _WIDE - 20, TEXT_SIZE), TEXT_SIZE)
                wires.append(Stroke(((left, start), (bend, start), (right - 24, end), (right - 6, end)), MUTED))
                texts.append(Text(bend - 50, start - 8, fit(path, right - bend, SMALL_SIZE), SMALL_SIZE, MUTED))
        rows = max(len(self._containers), len(self._volumes), 1)
        return Sheet(
            self._title(),
            "A line is a mount: the path at which a container has the volume.",
            f"{self._title()}. {self._told()}",
            width,
            top + 20 + _ROW * rows,
            shares(boxes, marks),
            tuple(keys),
            tuple(wires),
            texts=tuple(texts),
        )

    def _title(self) -> str:
        using = sum(each.state != REMOVED for each in self._containers.values())
        there = len(self._there())
        files = count_noun(self.files(), "file")
        if not there:
            return "No volume is left, and no file"
        if not using:
            return f"No container is left, but {count_noun(there, 'volume')} with {files}"
        return f"{count_noun(using, 'container')} and {count_noun(there, 'volume')} with {files}"

    def _told(self) -> str:
        said = [
            f"{name} is removed" if each.state == REMOVED else f"{name} ({each.state}) has {mounted[:12]} at {path}"
            for name, each in self._containers.items()
            for path, mounted in each.mounts.items()
        ]
        return "; ".join(said)

    def _states(self) -> set[str]:
        return {each.state for each in self._containers.values()}

    def _is_there(self, name: str) -> bool:
        return name in self._containers and self._containers[name].state != REMOVED

    def _container(self, name: str) -> _Container:
        if not self._is_there(name):
            there = [each for each in self._containers if self._is_there(each)]
            raise RegvizError(f"there is no container {name}: there are {', '.join(there) or 'none'}")
        return self._containers[name]

    def _there(self) -> list[str]:
        return [name for name, volume in self._volumes.items() if volume.state != GONE]

    def _users(self, volume: str) -> list[str]:
        """Containers that have a volume, running or not."""
        return [
            name for name, each in self._containers.items() if each.state != REMOVED and volume in each.mounts.values()
        ]

    def _delete(self, name: str) -> None:
        shutil.rmtree(self._volumes[name].folder)
        self._volumes[name].state = GONE

    def _count(self, name: str) -> int:
        return sum(path.is_file() for path in self._volumes[name].folder.rglob("*"))

    def _place(self, name: str, path: str) -> Path:
        for mount, mounted in self._container(name).mounts.items():
            parts = path.removeprefix(f"{mount}/").split("/")
            if path.startswith(f"{mount}/") and not {"", ".", ".."} & {*parts}:
                return self._volumes[mounted].folder.joinpath(*parts)
        raise RegvizError(f"{path} lies in no volume of {name}")

"""The recorded run: the experiment as a real engine did it once, for where there is none."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from regviz import share
from regviz.errors import RegvizError
from regviz.experiment.plan import plan_of
from regviz.experiment.step import Step
from regviz.experiment.trouble import one_line

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import pandas as pd

FILE = "experiment.json.gz"
_FORMAT = "regviz experiment 1"
_MOST_BYTES = 16 << 20
_MOST_STEPS = 100


def recorded(path: str | os.PathLike[str] | None = None) -> list[Step]:
    """The steps of the run that ships with regviz, in order.

    The pull is there twice: another host's engine refuses plain HTTP, and does as it is asked once it was told to.

    Parameters
    ----------
    path : path, optional
        Another recording.

    Raises
    ------
    RegvizError
        It is not there, or is no recording.

    Examples
    --------
    >>> [step.name for step in recorded()][:5]
    ['volume', 'registry', 'build', 'tag', 'push']
    """
    return _read(path)[1]


def about(path: str | os.PathLike[str] | None = None) -> str:
    """What the recording is of: which engine and which registry.

    Examples
    --------
    >>> about()
    'Docker Engine ... and Distribution ...'
    """
    return _read(path)[0]


def record(steps: Iterable[Step], path: str | os.PathLike[str], *, of: str) -> None:
    """Write a recording, which says what it is of; equal steps make equal bytes."""
    document = {"format": _FORMAT, "about": of, "steps": [step.to_json() for step in steps]}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    Path(path).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


class Recorded:
    """The recorded run in the place of an experiment: each step is a method, and shows what was recorded.

    Attributes
    ----------
    why : str
        Why there is no experiment, in one line.

    Examples
    --------
    >>> Recorded("no engine").push().title
    'The image goes to the registry'
    """

    def __init__(self, why: str, steps: Iterable[Step] | None = None) -> None:
        self.why = why
        self._steps = {step.name: step for step in (recorded() if steps is None else steps)}  # of two pulls, the second

    def do(self, step: str) -> Step:
        """The step of that name.

        Raises
        ------
        RegvizError
            It was not recorded.
        """
        name = plan_of(step).name
        if name not in self._steps:
            raise RegvizError(f"the recorded run has no step {name}")
        return self._steps[name]

    def volume(self) -> Step:
        """A data volume at /tmp/registry, and the container DATA that only holds it."""
        return self.do("volume")

    def registry(self) -> Step:
        """A registry that stores in the volume."""
        return self.do("registry")

    def build(self) -> Step:
        """The article's image: base, install, profile line."""
        return self.do("build")

    def tag(self) -> Step:
        """A second name for it, with the registry's address."""
        return self.do("tag")

    def push(self) -> Step:
        """The image goes to the registry."""
        return self.do("push")

    def look(self) -> Step:
        """The volume, listed from a second container."""
        return self.do("look")

    def share(self) -> Step:
        """A second image on the same base is pushed."""
        return self.do("share")

    def overwrite(self) -> Step:
        """The image is built anew with a change, and pushed under the same tag."""
        return self.do("overwrite")

    def untag(self) -> Step:
        """A tag is deleted."""
        return self.do("untag")

    def collect(self) -> Step:
        """Garbage is collected while the registry stands still."""
        return self.do("collect")

    def collect_wrongly(self) -> Step:
        """Garbage is collected while the registry runs, and remembers what is gone."""
        return self.do("collect_wrongly")

    def pull(self, host: object = None, address: str | None = None) -> Step:
        """The image is pulled on another host."""
        del host, address
        return self.do("pull")

    def run(self, host: object = None) -> Step:
        """The pulled image runs and prints its version."""
        del host
        return self.do("run")

    def steps(self) -> pd.DataFrame:
        """The steps in order: step, title, question, state (recorded)."""
        import pandas as pd

        rows = [(step.name, step.title, step.question, "recorded") for step in self._steps.values()]
        return pd.DataFrame(rows, columns=["step", "title", "question", "state"]).astype("str")

    def undo(self, step: str) -> str:
        """Nothing was made, so nothing is taken back."""
        del step
        return self.clean()

    def clean(self) -> str:
        """Nothing was made, so nothing is removed."""
        return "nothing was made here: this was the recorded run"


def _read(path: str | os.PathLike[str] | None) -> tuple[str, list[Step]]:
    place = share.folder("data") / FILE if path is None else Path(path)
    try:
        with gzip.open(place, "rb") as file:
            text = file.read(_MOST_BYTES)  # what is longer ends early, and is no JSON
        document = json.loads(text)
    except FileNotFoundError:
        raise RegvizError(f"there is no recorded experiment at {place}") from None
    except OSError as error:
        raise RegvizError(f"{place} cannot be read as a recorded experiment: {error}") from error
    except (ValueError, EOFError, zlib.error, RecursionError) as error:
        raise RegvizError(f"{place} is no recorded experiment, or a damaged one: {error}") from error
    fields = document if isinstance(document, dict) and document.get("format") == _FORMAT else {}
    steps, said = fields.get("steps"), fields.get("about")
    if not isinstance(steps, list) or not isinstance(said, str) or not 0 < len(steps) <= _MOST_STEPS:
        raise RegvizError(f"{place} is no recorded experiment, or has not the steps of one")
    try:
        return one_line(said), [Step.from_json(step) for step in steps]
    except RegvizError as error:
        raise RegvizError(f"{place}: {error}") from None

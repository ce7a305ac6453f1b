"""How a notebook begins the experiment: on an engine, and where there is none with the recorded run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from regviz.experiment.experiment import BASE, REGISTRY_IMAGE, Experiment
from regviz.experiment.ready import ready
from regviz.experiment.recording import Recorded, about

if TYPE_CHECKING:
    from docker import DockerClient

_PAGE_VARIABLE = "REGVIZ_PAGE"


def begin(engine: str | DockerClient | None = None, **options: Any) -> Experiment | Recorded:
    """The experiment on an engine; where there is none, the recorded run, and why is printed in one line.

    A notebook that runs for a page, as in `regviz site`, makes nothing on anybody's engine unless one is named.

    Parameters
    ----------
    engine : str or DockerClient, optional
        As for :class:`Experiment`.
    **options
        As for :class:`Experiment`.

    Examples
    --------
    >>> article = begin("unix:///no/such/docker.sock")
    No Docker Engine at unix:///no/such/docker.sock, its socket is not there: ...
    What follows is a recorded run: a real one, with Docker Engine ...
    >>> article.push().name
    'push'
    """
    why = "A page makes nothing on an engine" if engine is None and os.environ.get(_PAGE_VARIABLE) else ""
    if not why:
        images = (str(options.get("registry_image", REGISTRY_IMAGE)), str(options.get("base", BASE)))
        there = ready(engine, images=images)
        if there.ok:
            print(f"Docker Engine {there.version} at {there.host}, {there.platform}, {there.storage}.")  # noqa: T201  # a notebook's first cell says what all others work on
            return Experiment(engine, **options)
        why = f"{there.why[:1].upper()}{there.why[1:]}"
    print(f"{why}.\nWhat follows is a recorded run: a real one, with {about()}.")  # noqa: T201  # as above
    return Recorded(why)

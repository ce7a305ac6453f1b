"""How a notebook begins the experiment: on an engine, and where there is none with the recorded run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from regviz.experiment.experiment import BASE, REGISTRY_IMAGE, Experiment
from regviz.experiment.ready import ready
from regviz.experiment.recorded import Recorded

if TYPE_CHECKING:
    from docker import DockerClient

RECORDED_VARIABLE = "REGVIZ_RECORDED"
"""Set where no experiment should be made: to 1, or to why."""
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
    no Docker Engine at unix:///no/such/docker.sock, its socket is not there: ...
    What follows is a recorded run: a real one, on another engine.
    >>> article.push().name
    'push'
    """
    why = os.environ.get(RECORDED_VARIABLE, "")
    if not why and engine is None and os.environ.get(_PAGE_VARIABLE):
        why = "a page makes nothing on an engine"
    if not why:
        images = (str(options.get("registry_image", REGISTRY_IMAGE)), str(options.get("base", BASE)))
        there = ready(engine, images=images)
        if there.ok:
            print(f"Docker Engine {there.version} at {there.host}, {there.platform}, {there.storage}.")  # noqa: T201
            return Experiment(engine, **options)
        why = there.why
    print(f"{why if why != '1' else 'No experiment is wanted here'}.\n"  # noqa: T201
          "What follows is a recorded run: a real one, on another engine.")
    return Recorded(why)

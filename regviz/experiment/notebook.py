"""How a notebook begins the experiment: on an engine, and where there is none with the recorded run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment.experiment import BASE, REGISTRY_IMAGE, Experiment
from regviz.experiment.ready import attached, ready
from regviz.experiment.recording import Recorded, about
from regviz.shown import PAGE_VARIABLE

if TYPE_CHECKING:
    from docker import DockerClient

    from regviz.experiment.ready import Readiness


def begin(engine: str | DockerClient | None = None, **options: Any) -> Experiment | Recorded:
    """The experiment on an engine; where there is none, the recorded run, and why is printed in one line.

    Images that the engine lacks are pulled now, so that what cannot be had is known before the first step.
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
    why = "A page makes nothing on an engine" if engine is None and os.environ.get(PAGE_VARIABLE) else ""
    if not why:
        try:
            there, made = _made(engine, options)
        except RegvizError as error:
            why = f"{str(error)[:1].upper()}{str(error)[1:]}"
        else:
            print(f"Docker Engine {there.version} at {there.host}, {there.platform}, {there.storage}.")  # noqa: T201  # for a notebook's reader
            return made
    print(f"{why}.\nWhat follows is a recorded run: a real one, with {about()}.")  # noqa: T201  # as above
    return Recorded(why)


def _made(engine: str | DockerClient | None, options: dict[str, Any]) -> tuple[Readiness, Experiment]:
    """An experiment on an engine that is ready, and has the images or can have them."""
    images = (str(options.get("registry_image", REGISTRY_IMAGE)), str(options.get("base", BASE)))
    there = ready(engine, images=images)
    if not there.ok:
        raise RegvizError(there.why)
    made = Experiment(engine, **options)
    if not options.get("images"):
        with attached(made.client):
            for step, image in zip(("registry", "volume"), images, strict=True):
                made.hand.ensure_image(image, step)
    return there, made

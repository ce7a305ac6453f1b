"""The steps of the article, in order: what each asks, what one typed in 2014, and what must be done before."""

from __future__ import annotations

from typing import NamedTuple

from regviz.errors import RegvizError


class Plan(NamedTuple):
    """One step, before it is done."""

    name: str
    title: str
    question: str
    then: tuple[str, ...]
    """What one typed in 2014."""
    needs: tuple[str, ...]
    """The steps that must have been done."""
    keeps: bool = False
    """Whether it changes the registry's storage, so that a copy of it is kept for :meth:`Experiment.undo`."""


PLAN = (
    Plan(
        "volume",
        "A data volume, and a container that only holds it",
        "Where do the bytes lie when the container DATA has ended?",
        ("docker run -v /tmp/registry -name DATA busybox true",),
        (),
    ),
    Plan(
        "registry",
        "A registry that stores in that volume",
        "What does a registry store before anything is pushed?",
        ("docker run -d -p 5000:5000 -volumes-from DATA samalba/docker-registry",),
        ("volume",),
    ),
    Plan(
        "build",
        "An image: base, install, profile line",
        "How many layers do these lines of a Dockerfile make?",
        ("docker build -t yagamy/nodejs .",),
        (),
    ),
    Plan(
        "tag",
        "A second name for the image, with the registry's address in it",
        "How many images are there now?",
        ("docker tag yagamy/nodejs localhost:5000/nodejs",),
        ("registry", "build"),
    ),
    Plan(
        "push",
        "The image goes to the registry",
        "How many files does one push write?",
        ("docker push localhost:5000/nodejs",),
        ("tag",),
        keeps=True,
    ),
    Plan(
        "look",
        "The volume, listed from a second container",
        "Where is the registry's address in these paths?",
        ('docker run -volumes-from DATA busybox sh -c "find /tmp/registry"',),
        ("volume",),
    ),
    Plan(
        "share",
        "A second image on the same base",
        "How many of its bytes travel?",
        (
            "docker build -t yagamy/python:2.7 .",
            "docker tag yagamy/python:2.7 localhost:5000/python:2.7",
            "docker push localhost:5000/python:2.7",
        ),
        ("push",),
        keeps=True,
    ),
    Plan(
        "overwrite",
        "The image is built anew, and its tag pushed again",
        "What becomes of the manifest that the tag pointed to?",
        (
            "docker build -t yagamy/nodejs .",
            "docker tag yagamy/nodejs localhost:5000/nodejs",
            "docker push localhost:5000/nodejs",
        ),
        ("push",),
        keeps=True,
    ),
    Plan(
        "untag",
        "A tag is deleted",
        "How many bytes does a deleted tag free?",
        ("curl -X DELETE http://localhost:5000/v1/repositories/library/python/tags/2.7",),
        ("share",),
        keeps=True,
    ),
    Plan(
        "collect",
        "Garbage is collected, rightly: with the registry stopped",
        "Which blobs go, and which stay because another image needs them?",
        ("# nothing collected garbage in 2014: layers that no tag reached stayed where they were",),
        ("push",),
        keeps=True,
    ),
    Plan(
        "collect_wrongly",
        "Garbage is collected, wrongly: while the registry runs",
        "What does a registry say of a blob that it remembers, and that is gone?",
        ("# the registry of 2014 had the same weakness wherever a cache stood before its storage",),
        ("share",),
        keeps=True,
    ),
    Plan(
        "pull",
        "Another host pulls the image",
        "How many layers must come, and how many are there already?",
        ("docker pull 10.20.0.100:5000/nodejs",),
        ("push",),
    ),
    Plan(
        "run",
        "The pulled image runs, and prints its version",
        "Is it the same program?",
        ("docker run -t -i 10.20.0.100:5000/nodejs sh -c \"node -e 'console.log(process.version)'\"",),
        ("pull",),
    ),
)
STEPS = tuple(plan.name for plan in PLAN)
"""Names of the steps, in order."""
_BY_NAME = {plan.name: plan for plan in PLAN}


def plan_of(step: str) -> Plan:
    """The plan of a step.

    Raises
    ------
    RegvizError
        There is no such step.

    Examples
    --------
    >>> plan_of("push").needs
    ('tag',)
    """
    name = step.replace("-", "_")
    if name not in _BY_NAME:
        raise RegvizError(f"there is no step {step!r}: the steps are {', '.join(STEPS)}")
    return _BY_NAME[name]


def all_needs(step: str) -> list[str]:
    """Every step that one rests on, in order.

    Examples
    --------
    >>> all_needs("push")
    ['volume', 'registry', 'build', 'tag']
    """
    found: set[str] = set()
    pending = list(plan_of(step).needs)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _BY_NAME[name].needs
    return [name for name in STEPS if name in found]


def resting_on(step: str) -> list[str]:
    """Every later step that rests on one, in order.

    Examples
    --------
    >>> resting_on("share")
    ['untag', 'collect_wrongly']
    """
    return [name for name in STEPS if step in all_needs(name)]

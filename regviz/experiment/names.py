"""What the experiment's things are called and labelled, so that each is found again, and nothing else is touched."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regviz.errors import RegvizError

LABEL = "org.regviz.experiment"
"""On everything that the experiment makes; its value is the experiment's name."""
STEP_LABEL, PORT_LABEL, KIND_LABEL = f"{LABEL}.step", f"{LABEL}.port", f"{LABEL}.kind"
FACTS_LABEL, NUMBER_LABEL, IMAGE_LABEL = f"{LABEL}.facts", f"{LABEL}.number", f"{LABEL}.image"
DATA_KIND, BEFORE_KIND, DONE_KIND, FETCHED_KIND = "data", "before", "done", "fetched"
"""Kinds of volumes: the registry's storage, copies of it, marks of steps that are done, and of images that came."""
ELSEWHERE_KIND = "elsewhere"
"""Of those that remember what another host was given."""
ROOT = "/tmp/registry"  # noqa: S108  # the article's path, inside containers
DEFAULT = "regviz"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 30


@dataclass(frozen=True)
class Names:
    """The names of one experiment's things; those of two experiments never meet.

    Attributes
    ----------
    experiment : str
        Small letters, digits and single hyphens.

    Raises
    ------
    RegvizError
        An engine would not take names made of it.

    Examples
    --------
    >>> Names("regviz").data, Names("regviz").image, Names("ada").image
    ('regviz-DATA', 'yagamy/nodejs', 'yagamy-ada/nodejs')
    >>> Names("regviz").pushed("python", 5000)
    'localhost:5000/python'
    """

    experiment: str = DEFAULT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.experiment) or len(self.experiment) > _LONGEST:
            raise RegvizError(
                f"an experiment's name is made of small letters, digits and single hyphens, at most {_LONGEST} of "
                f"them, such as {DEFAULT}: {self.experiment!r} is not"
            )

    @property
    def data(self) -> str:
        """The article's DATA container."""
        return f"{self.experiment}-DATA"

    @property
    def volume(self) -> str:
        """The volume that the registry stores in."""
        return f"{self.experiment}-data"

    @property
    def registry(self) -> str:
        """The registry's container."""
        return f"{self.experiment}-registry"

    @property
    def before(self) -> str:
        """The volume with the storage as it was before each step that changed it."""
        return f"{self.experiment}-before"

    @property
    def author(self) -> str:
        """What images are called before the slash: the article's own, and another for another experiment."""
        return "yagamy" if self.experiment == DEFAULT else f"yagamy-{self.experiment}"

    @property
    def image(self) -> str:
        """The article's image."""
        return self.local("nodejs")

    @property
    def second(self) -> str:
        """The second image, on the same base."""
        return self.local("python")

    def local(self, repository: str) -> str:
        """An image's name on the engine."""
        return f"{self.author}/{repository}"

    def pushed(self, repository: str, port: int) -> str:
        """An image's name with the registry it is pushed to."""
        return f"localhost:{port}/{repository}"

    def done(self, step: str) -> str:
        """The mark of a step that is done."""
        return f"{self.experiment}-done-{step}"

    def fetched(self, reference: str) -> str:
        """The mark of an image that the experiment pulled or loaded, because the engine did not have it."""
        return f"{self.experiment}-fetched-{re.sub('[^a-z0-9]+', '-', reference.lower())}"

    def labels(self, step: str, **more: str) -> dict[str, str]:
        """The labels of what a step makes; more of them by the last part of their names."""
        return {LABEL: self.experiment, STEP_LABEL: step, **{f"{LABEL}.{name}": value for name, value in more.items()}}

    def is_own_reference(self, reference: str) -> bool:
        """Whether a reference is one that the experiment gives its images.

        Examples
        --------
        >>> names = Names()
        >>> [names.is_own_reference(each) for each in ("yagamy/nodejs:latest", "localhost:32768/python:2.7", "mine:1")]
        [True, True, False]
        """
        name = re.split("[@:](?!.*/)", reference)[0]
        host, _, rest = name.partition("/")
        return (host == self.author or re.fullmatch(r"(localhost|127\.0\.0\.1):\d+", host) is not None) and rest in (
            "nodejs",
            "python",
        )

"""All that an experiment made is removed from an engine, and nothing else: found by labels, whatever broke off when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment import elsewhere
from regviz.experiment.hand import Hand
from regviz.experiment.names import ELSEWHERE_KIND, FETCHED_KIND, IMAGE_LABEL, KIND_LABEL, LABEL, STEP_LABEL
from regviz.experiment.trouble import one_line
from regviz.live.helper import LABEL as HELPER_LABEL
from regviz.manifests.json import mapping, objects, text
from regviz.text import count_noun

if TYPE_CHECKING:
    from docker import DockerClient

    from regviz.experiment.names import Names

_IMAGE_STEPS = ("build", "share", "overwrite")
_ROUNDS = 5
"""What an engine was at when a client was killed may come to its end a moment later."""
_CONFLICT = 409
_PAUSE = 0.1
_REMEMBERED = (FETCHED_KIND, ELSEWHERE_KIND)
"""Kinds of volumes that go only when what they remember is gone."""


def clean(client: DockerClient, names: Names) -> str:
    """Remove what an experiment made; what that was, in a line.

    Raises
    ------
    RegvizError
        Something of a person's own uses what should go: everything else is gone.
    """
    left = elsewhere.clean(Hand(client, names, ""))
    cleaner = _Cleaner(client, names)
    for number in range(_ROUNDS):
        if not cleaner.round() and not cleaner.kept:
            break
        if cleaner.kept:
            time.sleep(_PAUSE * number)
    if cleaner.kept:
        raise RegvizError(
            f"{cleaner.said()}; what is in use by something else stays: {'; '.join(cleaner.kept.values())}. "
            "Remove what uses it, and clean again"
        )
    if left:
        raise RegvizError(f"{cleaner.said()}; on other hosts something is left: {'; '.join(left)}. Then clean again")
    return cleaner.said()


class _Cleaner:
    def __init__(self, client: DockerClient, names: Names) -> None:
        self._client, self._names = client, names
        self._hand = Hand(client, names, "")
        self._removed: dict[str, set[str]] = {"container": set(), "image": set(), "volume": set()}
        self.kept: dict[str, str] = {}

    def said(self) -> str:
        """What is gone."""
        counts = [count_noun(len(found), kind) for kind, found in self._removed.items() if found]
        return f"removed {', '.join(counts)}" if counts else "there was nothing to remove"

    def round(self) -> bool:
        """Whether anything was there to remove, and went."""
        self.kept.clear()
        before = sum(map(len, self._removed.values()))
        own, others = self._containers()
        for container in own:
            self._remove("container", container, self._hand.remove_container)
        self._images({text(each.get("ImageID")): _name(each) for each in others})
        for name in self._volumes():
            self._remove("volume", name, self._client.api.remove_volume)
        self._fetched()
        return sum(map(len, self._removed.values())) > before

    def _containers(self) -> tuple[list[str], list[dict[str, Any]]]:
        """The experiment's containers, and those of a person's own that have its label from one of its images.

        What a build leaves when it breaks off has that too; it is of an image in between, which has no name.
        """
        api = self._client.api
        labelled = objects(api.containers(all=True, filters={"label": [f"{LABEL}={self._names.experiment}"]}))
        helpers = objects(api.containers(all=True, filters={"label": [f"{HELPER_LABEL}={self._names.volume}"]}))
        named = {text(image.get("Id")) for image in self._hand.made_images() if _tags(image)}
        own = [text(each.get("Id")) for each in helpers]
        others = []
        for each in labelled:
            image, of_image = text(each.get("Image")), text(each.get("ImageID"))
            is_of_image = mapping(each.get("Labels")).get(STEP_LABEL) in _IMAGE_STEPS
            if is_of_image and (
                of_image in named or not of_image.removeprefix("sha256:").startswith(image.removeprefix("sha256:"))
            ):
                others.append(each)
            else:
                own.append(text(each.get("Id")))
        return own, others

    def _images(self, used: dict[str, str]) -> None:
        """Those it built or pulled again: its own names of them, and then all that have no name left."""
        for image in self._hand.made_images():
            name = text(image.get("Id"))
            for reference in _tags(image):
                if name in used:
                    self.kept[name] = f"image {reference} (container {used[name]} is made of it)"
                elif self._names.is_own_reference(reference):
                    self._remove("image", reference, self._client.api.remove_image, name)
        left = self._hand.made_images()
        parents = {text(image.get("ParentId")) for image in left}
        for image in left:
            name = text(image.get("Id"))
            if not _tags(image):
                self._remove("image", name, self._client.api.remove_image, name)
                if name in parents:  # another stands on it: it goes with that, or stays where that has a person's name
                    self.kept.pop(name, None)

    def _volumes(self) -> list[str]:
        return [name for name, labels in self._hand.volumes().items() if labels.get(KIND_LABEL) not in _REMEMBERED]

    def _fetched(self) -> None:
        """The images it pulled because they were not here, and then the marks that say so."""
        for name, labels in self._hand.volumes(FETCHED_KIND).items():
            reference = labels.get(IMAGE_LABEL, "")
            if self._remove("image", reference, self._client.api.remove_image):
                self._remove("volume", name, self._client.api.remove_volume)

    def _remove(self, kind: str, name: str, remove: Any, counted: str = "") -> bool:
        """Whether it is gone; what is in use stays, and is told."""
        import docker

        try:
            remove(name)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as error:
            if error.status_code != _CONFLICT:
                raise
            self.kept[name] = f"{kind} {name} ({one_line(str(error.explanation))})"
            return False
        self._removed[kind].add(counted or name)
        return True


def _tags(image: dict[str, Any]) -> list[str]:
    return [str(each) for each in image.get("RepoTags") or () if each != "<none>:<none>"]


def _name(container: dict[str, Any]) -> str:
    names = container.get("Names") or [container.get("Id")]
    return one_line(str(names[0]).removeprefix("/"))

"""The experiment's hand on an engine: finds what it made by its labels, and makes nothing without them."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment.bundle import with_tag
from regviz.experiment.commands import Run
from regviz.experiment.names import (
    BEFORE_KIND,
    DONE_KIND,
    FETCHED_KIND,
    KIND_LABEL,
    LABEL,
    NUMBER_LABEL,
    ROOT,
    STEP_LABEL,
    Names,
)
from regviz.experiment.ready import has_image
from regviz.experiment.trouble import complaint
from regviz.live.containers import open_source
from regviz.live.options import Access
from regviz.manifests.json import mapping, objects, text
from regviz.read import read
from regviz.tree import Row, tree
from regviz.tree.listing import everything

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

NO_NETWORK = "none"
_UNDO = "undo"
_PORT = re.compile(r"[^/]+:(\d{1,5})/")
_MOST_PORTS = 2
_LOG_LINES = 10_000
_PATIENCE = 3600


class Hand:
    """What the steps do on an engine.

    Parameters
    ----------
    client : DockerClient
    names : Names
    base : str
        An image with a shell, ``cp`` and ``find``.
    """

    def __init__(self, client: DockerClient, names: Names, base: str) -> None:
        self.client, self.names, self.base = client, names, base

    # --- what there is

    def container(self, name: str) -> dict[str, Any] | None:
        """What the engine says of one of the experiment's containers; None where there is none.

        Raises
        ------
        RegvizError
            There is one of that name that the experiment did not make.
        """
        import docker

        try:
            details = mapping(self.client.api.inspect_container(name))
        except docker.errors.NotFound:
            return None
        self._refuse_foreign("container", name, mapping(mapping(details.get("Config")).get("Labels")), "docker rename")
        return details

    def volume(self, name: str) -> dict[str, str] | None:
        """The labels of one of the experiment's volumes; None where there is none.

        Raises
        ------
        RegvizError
            There is one of that name that the experiment did not make.
        """
        import docker

        try:
            labels = mapping(mapping(self.client.api.inspect_volume(name)).get("Labels"))
        except docker.errors.NotFound:
            return None
        self._refuse_foreign("volume", name, labels, "docker volume rm")
        return {key: text(value) for key, value in labels.items()}

    def image(self, reference: str) -> dict[str, Any] | None:
        """What the engine says of an image that the experiment made or pulled; None where there is none.

        Raises
        ------
        RegvizError
            There is one of that name that the experiment did not make.
        """
        import docker

        try:
            details = mapping(self.client.api.inspect_image(reference))
        except docker.errors.NotFound:
            return None
        labels = mapping(mapping(details.get("Config")).get("Labels"))
        self._refuse_foreign("image", reference, labels, "docker tag … and docker rmi")
        return details

    def _refuse_foreign(self, kind: str, name: str, labels: Mapping[str, Any], way: str) -> None:
        if labels.get(LABEL) != self.names.experiment:
            article = "an" if kind == "image" else "a"
            raise RegvizError(
                f"the engine has {article} {kind} {name} that this experiment did not make, and that it leaves alone: "
                f"rename or remove it ({way}), or give the experiment another name (--name)"
            )

    def made_images(self) -> list[dict[str, Any]]:
        """The images that the experiment made, those in between too; the newest first."""
        found = objects(self.client.api.images(all=True, filters={"label": [f"{LABEL}={self.names.experiment}"]}))
        return sorted(found, key=lambda image: -int(image.get("Created") or 0))

    def newest_image(self, step: str) -> dict[str, Any] | None:
        """The last image that a step built."""
        made = self.made_images()
        parents = {text(image.get("ParentId")) for image in made}
        of_step = (image for image in made if mapping(image.get("Labels")).get(STEP_LABEL) == step)
        return next((image for image in of_step if image.get("Id") not in parents), None)

    def earlier_ports(self) -> list[int]:
        """Where registries of the experiment listened, as the names of its images tell; the newest image's last."""
        references = [str(each) for image in reversed(self.made_images()) for each in image.get("RepoTags") or ()]
        own = filter(self.names.is_own_reference, references)
        return [int(found[1]) for each in own if (found := _PORT.match(each))][-_MOST_PORTS:]

    def volumes(self, kind: str = "") -> dict[str, dict[str, str]]:
        """The experiment's volumes, of one kind or all: names and labels, the first that was made first."""
        wanted = [f"{LABEL}={self.names.experiment}", *([f"{KIND_LABEL}={kind}"] if kind else [])]
        found = objects(mapping(self.client.api.volumes(filters={"label": wanted})).get("Volumes"))
        found = sorted(found, key=lambda each: text(each.get("CreatedAt")))
        return {
            text(each.get("Name")): {key: text(value) for key, value in mapping(each.get("Labels")).items()}
            for each in found
        }

    # --- making

    def make_volume(self, name: str, step: str, kind: str, **more: str) -> None:
        """A volume, unless it is there."""
        if self.volume(name) is None:
            self.client.api.create_volume(name, labels=self.names.labels(step, kind=kind, **more))

    def ensure_image(self, reference: str, step: str) -> list[str]:
        """Pull an image that the engine does not have; what it said. It is remembered, so that `clean` removes it."""
        if has_image(self.client, reference):
            return []
        with self.fetching(reference, step):
            said = []
            for message in self.client.api.pull(with_tag(reference), stream=True, decode=True):
                if "error" in message:
                    raise complaint(message["error"])
                if "progress" not in message:
                    said.append(" ".join(filter(None, (str(message.get("id", "")), str(message.get("status", ""))))))
        return [f"{with_tag(reference)} was not here: docker pull {reference}", *said]

    @contextmanager
    def fetching(self, reference: str, step: str) -> Iterator[None]:
        """Remember that an image comes by the experiment's doing, as long as it does not fail to."""
        name = self.names.fetched(with_tag(reference))
        self.make_volume(name, step, FETCHED_KIND, image=with_tag(reference))
        try:
            yield
        finally:
            if not has_image(self.client, reference):
                self.client.api.remove_volume(name)

    def run(self, what: Run) -> tuple[int, list[str]]:
        """Make a container, let it end, and remove it; its exit code and what it printed."""
        container = what.create(self.client)
        try:
            return self.finish(container)
        finally:
            self.remove_container(container)

    def finish(self, container: str) -> tuple[int, list[str]]:
        """Start a container and wait for its end; its exit code and what it printed."""
        api = self.client.api
        api.start(container)
        code = int(api.wait(container, timeout=_PATIENCE)["StatusCode"])
        said = bytes(api.logs(container, tail=_LOG_LINES)).decode(errors="backslashreplace")
        return code, said.splitlines()

    def remove_container(self, container: str) -> None:
        """Remove a container, and the volumes without a name that its image asks for."""
        import docker

        try:
            self.client.api.remove_container(container, v=True, force=True)
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:  # the engine is at it already
            if error.status_code != 409:
                raise

    def copy_storage(self, script: str) -> int:
        """Run a script in a container that sees the storage at its usual path, and its copies at /before.

        Its label is no step's that builds: containers of those are told by it from a person's own.
        """
        self.make_volume(self.names.before, _UNDO, BEFORE_KIND)
        code, _ = self.run(
            Run(
                self.base,
                ("sh", "-c", script),
                labels=self.names.labels(_UNDO),
                volumes={self.names.volume: ROOT, self.names.before: "/before"},
                network=NO_NETWORK,
            )
        )
        return code

    # --- what was done

    def mark_done(self, step: str, facts: Mapping[str, int | str | bool]) -> None:
        """Remember that a step was done, and the numbers of it."""
        name, marks = self.names.done(step), self.done()
        number = marks.get(step, {}).get(NUMBER_LABEL) or str(
            1 + max((number_of(each) for each in marks.values()), default=0)
        )
        if step in marks:
            self.client.api.remove_volume(name)
        said = json.dumps(dict(facts), ensure_ascii=False)
        self.make_volume(name, step, DONE_KIND, number=number, facts=said)

    def done(self) -> dict[str, dict[str, str]]:
        """The steps that were done and left a mark, with its labels."""
        return {labels.get(STEP_LABEL, ""): labels for labels in self.volumes(DONE_KIND).values()}

    # --- the storage

    def storage(self) -> tuple[Row, ...]:
        """The volume, explained entry by entry; empty where there is no volume."""
        name = self.names.volume
        if self.volume(name) is None:
            return ()
        helped = Access(helper=True, helper_image=self.base if has_image(self.client, self.base) else None)
        opened = open_source(f"docker-volume://{name}", access=helped, client=self.client)
        if next(everything(opened.storage, lambda _: None, 1), None) is None:
            return (Row(opened.uri, 0, "directory", None, "nothing yet", None, last=True),)
        return tree(opened, registry=read(opened), full=True).rows


def number_of(labels: Mapping[str, str]) -> int:
    """Which of the steps that were done this one was."""
    number = labels.get(NUMBER_LABEL, "")
    return int(number) if number.isdecimal() else 0

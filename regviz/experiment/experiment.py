"""The article's experiment on an engine, step by step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.experiment import bundle, cleaning, doing, elsewhere, undoing
from regviz.experiment.hand import Hand
from regviz.experiment.names import DEFAULT, Names
from regviz.experiment.plan import PLAN, STEPS, all_needs, plan_of
from regviz.experiment.ready import attached, connect, has_image
from regviz.experiment.step import Step, bounded
from regviz.experiment.work import Choices, Work, measured
from regviz.manifests.json import mapping

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import pandas as pd
    from docker import DockerClient

    from regviz.tree import Row

REGISTRY_IMAGE, BASE = "registry:2", "busybox"
_LOOPBACK = "127.0.0.1"


class Experiment:
    """The article, on an engine: each step a method that can be called alone, also from another process later.

    What exists is found on the engine by its labels (``org.regviz.experiment``), and nothing else is touched.

    Parameters
    ----------
    engine : str or DockerClient, optional
        A URL (``unix://``, ``ssh://``, ``tcp://``, ``npipe://``), the name of a Docker context, or a client; left out,
        the engine that Docker's own programs would use.
    name : str
        Of the experiment: several can be on one engine.
    registry_image : str
        The registry: Distribution's own image, or one that is configured as it is.
    base : str
        What the images are built on, and what looks at the volume: an image with a shell, ``cp`` and ``find``.
    dockerfile : path, optional
        A Dockerfile of one's own in the place of the article's.
    port : int, optional
        Of the registry on the engine's machine; a free one, where left out.
    network : str, optional
        Of the registry's container and of builds, such as ``host``; left out, the engine's usual one.
    listen : str
        The address that the registry listens at: ``0.0.0.0`` lets other hosts pull, and whoever reaches the port push.
    images : path, optional
        An archive of the images (``regviz experiment bundle``), in the place of pulling those the engine lacks.

    Examples
    --------
    >>> from regviz.experiment import STEPS
    >>> STEPS[:5]
    ('volume', 'registry', 'build', 'tag', 'push')
    >>> experiment = Experiment()  # doctest: +SKIP
    >>> experiment.volume(), experiment.registry(), experiment.build(), experiment.tag()  # doctest: +SKIP
    >>> experiment.push().facts["files_after"]  # doctest: +SKIP
    14
    >>> experiment.clean()  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913  # a person chooses few of them, by their names
        self,
        engine: str | DockerClient | None = None,
        *,
        name: str = DEFAULT,
        registry_image: str = REGISTRY_IMAGE,
        base: str = BASE,
        dockerfile: str | os.PathLike[str] | None = None,
        port: int | None = None,
        network: str | None = None,
        listen: str = _LOOPBACK,
        images: str | os.PathLike[str] | None = None,
    ) -> None:
        self.names = Names(name)
        self.choices = Choices(registry_image, base, port, network, listen)
        self._connected = engine is None or isinstance(engine, str)
        self.client = connect(engine) if engine is None or isinstance(engine, str) else engine
        self.hand = Hand(self.client, self.names, base)
        self._dockerfile, self._archive = dockerfile, images

    def close(self) -> None:
        """Let go of the engine, unless it was a client that was given; what was made stays."""
        if self._connected:
            self.client.close()

    # --- the steps

    def volume(self) -> Step:
        """A data volume at /tmp/registry, and the container DATA that only holds it."""
        return self.perform("volume", doing.volume)

    def registry(self) -> Step:
        """A registry that stores in the volume, on a free port."""
        return self.perform("registry", doing.registry)

    def build(self) -> Step:
        """The article's image: base, install, profile line."""
        return self.perform("build", lambda work: doing.build(work, self._dockerfile))

    def tag(self) -> Step:
        """A second name for it, with the registry's address."""
        return self.perform("tag", doing.tag)

    def push(self) -> Step:
        """The image goes to the registry."""
        return self.perform("push", doing.push)

    def look(self) -> Step:
        """The volume, listed from a second container."""
        return self.perform("look", doing.look)

    def share(self) -> Step:
        """A second image on the same base is pushed."""
        return self.perform("share", lambda work: doing.share(work, self._dockerfile))

    def overwrite(self) -> Step:
        """The image is built anew with a change, and pushed under the same tag."""
        return self.perform("overwrite", lambda work: doing.overwrite(work, self._dockerfile))

    def untag(self) -> Step:
        """A tag is deleted."""
        return self.perform("untag", doing.untag)

    def collect(self) -> Step:
        """Garbage is collected while the registry stands still."""
        return self.perform("collect", doing.collect)

    def collect_wrongly(self) -> Step:
        """Garbage is collected while the registry runs, and remembers what is gone."""
        return self.perform("collect_wrongly", doing.collect_wrongly)

    def pull(self, host: str | DockerClient | None = None, address: str | None = None) -> Step:
        """The image is pulled on another host, or on the same once it has it no more; see `elsewhere.pull`."""
        return elsewhere.pull(self, host, address)

    def run(self, host: str | DockerClient | None = None) -> Step:
        """The pulled image runs and prints its version; see `elsewhere.run`."""
        return elsewhere.run(self, host)

    def do(self, step: str) -> Step:
        """The step of that name."""
        method: Callable[[], Step] = getattr(self, plan_of(step).name)
        return method()

    # --- around them

    def steps(self) -> pd.DataFrame:
        """The steps in order: step, title, question, and state (done, possible, or what it needs first)."""
        import pandas as pd

        with attached(self.client):
            done = self._done()
            rows = [(plan.name, plan.title, plan.question, self._state(plan.name, done)) for plan in PLAN]
        return pd.DataFrame(rows, columns=["step", "title", "question", "state"]).astype("str")

    def undo(self, step: str) -> str:
        """Take back one step; what was taken back, and which later steps rest on it.

        Raises
        ------
        RegvizError
            It was not done, or others that changed the storage later must be taken back first.
        """
        with attached(self.client):
            return undoing.undo(self._work(plan_of(step).name), self._done())

    def clean(self) -> str:
        """Remove all that the experiment made, and nothing else; what that was."""
        with attached(self.client):
            return cleaning.clean(self.client, self.names)

    def storage(self) -> tuple[Row, ...]:
        """The registry's storage as it is now, explained entry by entry."""
        with attached(self.client):
            return self.hand.storage()

    def perform(self, name: str, act: Callable[[Work], None]) -> Step:
        """Do a step: what it needs is there, the storage before and after is kept, what it counts is remembered.

        Raises
        ------
        RegvizError
            What it needs was not done, or the engine or the registry refuses.
        """
        plan = plan_of(name)
        with attached(self.client):
            self._require(name)
            work = self._work(name)
            with self._from_archive(name):
                before = self.hand.storage()
                if plan.keeps:
                    undoing.keep(work)
                act(work)
            after = self.hand.storage()
            for key, value in measured(before).items():
                work.facts |= {f"{key}_before": value, f"{key}_after": measured(after)[key]}
            if plan.keeps or (name in ("pull", "run") and not work.facts.get("refused")):
                self.hand.mark_done(name, work.facts)
        return Step(
            name, plan.title, plan.question, plan.then, tuple(work.now), bounded(work.said), before, after, work.facts
        )

    def _work(self, name: str) -> Work:
        return Work(self.hand, self.choices, name)

    @contextmanager
    def _from_archive(self, step: str) -> Iterator[None]:
        """Give the engine what it lacks from the archive, if there is one, before anything would be pulled."""
        needed = {
            "volume": [self.choices.base],
            "registry": [self.choices.registry_image],
            "build": [self.choices.base],
        }
        for reference in needed.get(step, []):
            if self._archive is not None and not has_image(self.client, reference):
                with self.hand.fetching(reference, step):
                    bundle.load(self._archive, engine=self.client, images=[reference])
        yield

    def _done(self) -> set[str]:
        hand, names = self.hand, self.names
        done = set(hand.done()) & set(STEPS)
        data = hand.container(names.data)
        if data and hand.volume(names.volume) is not None and mapping(data.get("State")).get("Status") == "exited":
            done.add("volume")
        if hand.container(names.registry) is not None:
            done.add("registry")
            if hand.image(f"{names.pushed('nodejs', self._work('tag').port())}:latest"):
                done.add("tag")
        if hand.image(f"{names.image}:latest"):
            done.add("build")
        return done

    def _state(self, name: str, done: set[str]) -> str:
        if name in done:
            return "done"
        missing = [each for each in all_needs(name) if each not in done]
        return f"needs {missing[0]} first" if missing else "possible"

    def _require(self, name: str) -> None:
        done = self._done()
        missing = [each for each in all_needs(name) if each not in done]
        if missing:
            rest = f", then {', '.join(missing[1:])}" if missing[1:] else ""
            raise RegvizError(
                f"the step {name} needs {missing[0]} first{rest}: `regviz experiment {missing[0]}`, or .{missing[0]}()"
            )


__all__ = ["BASE", "REGISTRY_IMAGE", "Experiment"]

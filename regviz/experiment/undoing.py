"""Steps are taken back: the storage as it was, and what was made for them is removed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.experiment import elsewhere
from regviz.experiment.doing import LATEST, NODEJS, SECOND, SECOND_TAG
from regviz.experiment.hand import number_of
from regviz.experiment.names import ROOT
from regviz.experiment.plan import STEPS, plan_of, resting_on
from regviz.manifests.json import text

if TYPE_CHECKING:
    from regviz.experiment.work import Work

_NO_COPY = 3


def keep(work: Work) -> None:
    """Copy the storage before a step changes it, unless a copy from before the step is there.

    Copies of steps that broke off before this one are of no use any more, and go.
    """
    place = f"/before/{work.step}"
    script = f"{_drop_copies({*work.hand.done(), work.step})} && {{ [ -d {place} ] || "
    script += f"{{ cp -a {ROOT} /before/part && mv /before/part {place}; }}; }}"
    if work.hand.copy_storage(script):
        raise RegvizError(
            f"the storage cannot be copied for undo: is there room on the engine's disk, and has {work.choices.base} "
            "a shell and cp?"
        )


def undo(work: Work, done: set[str]) -> str:
    """Take back a step; what was taken back, and what rests on it.

    Raises
    ------
    RegvizError
        It was not done, or later ones must be taken back first.
    """
    step = work.step
    rest = [each for each in resting_on(step) if each in done]
    if step == "look":
        return "look only looks: there is nothing to take back"
    if plan_of(step).keeps:
        _restore(work)
    elif step not in done and not _begun(work):
        raise RegvizError(f"the step {step} was not done: `regviz experiment list` says which were")
    elif step == "volume":
        _remove_volume(work)
    elif step == "registry":
        work.hand.remove_container(work.names.registry)
    elif step in ("build", "tag"):
        _untag(work, step)
    else:
        if step == "pull" and (left := elsewhere.clean(work.hand)):
            raise RegvizError(f"on other hosts something is left: {'; '.join(left)}")
        work.client.api.remove_volume(work.names.done(step))
    said = f"the step {step} is taken back"
    if rest and step != "volume":
        said += f"; {', '.join(rest)} rest{'s' if len(rest) == 1 else ''} on it: do it again before they go on"
    return said


def _begun(work: Work) -> bool:
    """Whether a volume was made, and its container not."""
    return work.step == "volume" and work.hand.volume(work.names.volume) is not None


def _restore(work: Work) -> None:
    """The storage as it was before the step, if no later one changed it."""
    hand, step = work.hand, work.step
    marks = hand.done()
    later = sorted(marks, key=lambda each: -number_of(marks[each]))
    later = [each for each in later if step in marks and number_of(marks[each]) > number_of(marks[step])]
    later = [each for each in later if plan_of(each).keeps]
    if later:
        raise RegvizError(f"{' and '.join(later)} changed the storage after {step}: take back {later[0]} first")
    not_done = RegvizError(f"the step {step} was not done: `regviz experiment list` says which were")
    if hand.volume(work.names.before) is None or hand.volume(work.names.volume) is None:
        raise not_done
    running = hand.container(work.names.registry) is not None
    if running:
        work.client.api.stop(work.names.registry)
    script = (
        f"[ -d /before/{step} ] || exit {_NO_COPY}; find {ROOT} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} + && "
        f"cp -a /before/{step}/. {ROOT}/ && {_drop_copies(set(marks) - {step})}"
    )
    code = hand.copy_storage(script)
    if running:
        work.api()
    if code == _NO_COPY:
        raise not_done
    if code:
        raise RegvizError(
            f"the storage cannot be put back as it was before {step}: is there room on the engine's disk?"
        )
    if step in ("share", "overwrite"):
        _untag(work, step)
    if step in marks:
        work.client.api.remove_volume(work.names.done(step))


def _drop_copies(needed: set[str]) -> str:
    """The command that removes every copy but some."""
    names = " ".join(f"! -name {shlex.quote(each)}" for each in sorted(needed))
    return f"find /before -mindepth 1 -maxdepth 1 {names} -exec rm -rf {{}} +"


def _untag(work: Work, step: str) -> None:
    """Remove the names that a step gave images, and the images that have none then."""
    names, hand = work.names, work.hand
    port = work.port() if hand.container(names.registry) else 0
    pushed = {repository: names.pushed(repository, port) for repository in (NODEJS, SECOND)}
    given = {
        "build": [f"{names.image}:{LATEST}"],
        "tag": [f"{pushed[NODEJS]}:{LATEST}"],
        "share": [f"{names.second}:{SECOND_TAG}", f"{pushed[SECOND]}:{SECOND_TAG}", f"{pushed[SECOND]}:{LATEST}"],
        "overwrite": [],
    }[step]
    for reference in given:
        if hand.image(reference):
            work.client.api.remove_image(reference)
    if step == "overwrite":
        _first_again(work, f"{names.image}:{LATEST}", f"{pushed[NODEJS]}:{LATEST}")


def _first_again(work: Work, *references: str) -> None:
    """The first image has its names again, and the one built anew goes."""
    first, second = work.hand.newest_image("build"), work.hand.newest_image("overwrite")
    if first is None:  # the step pull emptied the engine of it
        return
    for reference in references:
        repository, _, tag = reference.rpartition(":")
        work.client.api.tag(text(first["Id"]), repository, tag)
    if second is not None:
        work.client.api.remove_image(text(second["Id"]))


def _remove_volume(work: Work) -> None:
    """The volume and DATA, and with them all that lay there; the registry must be gone."""
    hand, names = work.hand, work.names
    if hand.container(names.registry) is not None:
        raise RegvizError("the registry stores in that volume: take back registry first")
    hand.remove_container(names.data)
    for name in (*(names.done(each) for each in STEPS), names.before, names.volume):
        if hand.volume(name) is not None:
            work.client.api.remove_volume(name)

"""The steps of the article at work, each a function of :class:`~regviz.experiment.work.Work`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regviz.errors import RegvizError
from regviz.experiment import images
from regviz.experiment.commands import Run
from regviz.experiment.names import DATA_KIND, ROOT
from regviz.experiment.pulling import pull
from regviz.experiment.work import blobs_of, is_ok, measured
from regviz.manifests.json import mapping, text

if TYPE_CHECKING:
    import os

    from regviz.experiment.api import Api
    from regviz.experiment.images import Recipe
    from regviz.experiment.work import Work

NODEJS, SECOND = "nodejs", "python"
LATEST, SECOND_TAG = "latest", "2.7"
_ELIGIBLE = re.compile(r"blob eligible for deletion: ([a-z0-9]+:[0-9a-f]+)")


def volume(work: Work) -> None:
    """A named volume at the article's path, and the container DATA, which has it and ends at once."""
    names, hand = work.names, work.hand
    work.say(hand.ensure_image(work.choices.base, work.step))
    labels = names.labels(work.step, kind=DATA_KIND)
    work.type(
        f"docker volume create {' '.join(f'--label {key}={value}' for key, value in labels.items())} {names.volume}"
    )
    hand.make_volume(names.volume, work.step, DATA_KIND)
    what = Run(work.choices.base, ("true",), names.data, work.labels, volumes={names.volume: ROOT})
    work.type(what.text())
    made = hand.container(names.data)
    container = text(made["Id"]) if made else what.create(work.client)
    code, lines = hand.finish(container)
    work.say([container, *lines, f"{names.data} has ended with code {code}; its volume stays"])
    if code:
        raise RegvizError(
            f"`true` ended with code {code} in a container of {work.choices.base}: choose another with --base"
        )
    work.facts |= {"container": container, "volume": names.volume, "exit_code": code}


def registry(work: Work) -> None:
    """The registry, on the volumes of DATA."""
    work.say(work.hand.ensure_image(work.choices.registry_image, work.step))
    details = work.hand.container(work.names.registry)
    if details is None:
        work.start_registry()
    else:
        work.type(f"docker start {work.names.registry}")
    api = work.api()
    status = work.ask(api, "GET", "/v2/").status
    work.facts |= {"port": work.port(), "status": status}


def build(work: Work, dockerfile: str | os.PathLike[str] | None) -> None:
    """The article's image in spirit, or a person's own."""
    made = work.build(recipe(work, dockerfile), f"{work.names.image}:{LATEST}")
    base = work.client.api.inspect_image(work.choices.base) if dockerfile is None else {}
    layers = mapping(base.get("RootFS")).get("Layers") or []
    work.facts |= images.details(made) | ({"base_layers": len(layers)} if base else {})


def tag(work: Work) -> None:
    """A second name of the same image, which says where it goes."""
    name = _pushed(work, NODEJS, LATEST)
    work.give_name(f"{work.names.image}:{LATEST}", name)
    made = work.hand.image(name) or {}
    listed = sorted(each for each in made.get("RepoTags") or () if work.names.is_own_reference(each))
    work.say([f"{each}  {made.get('Id', '')}" for each in listed])
    work.say([f"on disk, once it is pushed: repositories/{NODEJS}, where the host is not stored"])
    work.facts |= {
        "image": text(made.get("Id")),
        "names": len(listed),
        "name": name,
        "on_disk": f"repositories/{NODEJS}",
    }


def push(work: Work) -> None:
    """The image goes to the registry."""
    _push(work, work.api(), NODEJS, LATEST)


def look(work: Work) -> None:
    """What the article did: ``find`` in another container with the same volumes."""
    found = work.run(
        Run(
            work.choices.base,
            ("find", ROOT),
            labels=work.labels,
            volumes_from=work.names.data,
            network="none",
        )
    )
    rows = work.hand.storage()
    kinds = [row.type for row in rows[1:]]
    work.facts |= {
        "lines": len(found),
        "files_found": kinds.count("file"),
        "directories_found": kinds.count("directory"),
    }


def share(work: Work, dockerfile: str | os.PathLike[str] | None) -> None:
    """A second image on the base of the first, pushed under two tags."""
    bases = recipe(work, dockerfile).bases
    api = work.api()
    local = f"{work.names.second}:{SECOND_TAG}"
    made = work.build(images.second(bases[-1] if bases else f"{work.names.image}:{LATEST}"), local)
    work.facts |= images.details(made)
    for each in (SECOND_TAG, LATEST):
        work.give_name(local, _pushed(work, SECOND, each))
    _push(work, api, SECOND, SECOND_TAG)
    _push_again(work, SECOND, LATEST)


def overwrite(work: Work, dockerfile: str | os.PathLike[str] | None) -> None:
    """The image with a change, under the tag that was pushed before."""
    api = work.api()
    old = api.digest(NODEJS, LATEST)
    local = f"{work.names.image}:{LATEST}"
    work.facts |= images.details(work.build(recipe(work, dockerfile, changed=True), local))
    work.give_name(local, _pushed(work, NODEJS, LATEST))
    _push(work, api, NODEJS, LATEST)
    kept = is_ok(work.ask(api, "GET", f"/v2/{NODEJS}/manifests/{old}", manifests=True).status) if old else False
    work.facts |= {"old_manifest": old, "old_manifest_answers": kept}


def untag(work: Work) -> None:
    """A tag is deleted as the server can: by its name, or by the digest, which takes every tag of it along."""
    api = work.api()
    before = api.tags(SECOND)
    digest = api.digest(SECOND, SECOND_TAG)
    if not digest:
        raise RegvizError(f"the registry has no {SECOND}:{SECOND_TAG} to delete: the step share pushes it")
    by_name = work.ask(api, "DELETE", f"/v2/{SECOND}/manifests/{SECOND_TAG}").status
    if not is_ok(by_name):
        work.ask(api, "HEAD", f"/v2/{SECOND}/manifests/{SECOND_TAG}", manifests=True)
        status = work.ask(api, "DELETE", f"/v2/{SECOND}/manifests/{digest}").status
        if not is_ok(status):
            raise RegvizError(f"the registry deletes neither the tag {SECOND}:{SECOND_TAG} nor its manifest ({status})")
    work.ask(api, "GET", f"/v2/{SECOND}/tags/list")
    after = api.tags(SECOND)
    work.say([f"tags of {SECOND} before: {', '.join(before)}", f"tags of {SECOND} after: {', '.join(after) or 'none'}"])
    work.facts |= {
        "manifest": digest,
        "tags_before": len(before),
        "tags_after": len(after),
        "status_by_tag": by_name,
        "by_digest": not is_ok(by_name),
    }


def collect(work: Work) -> None:
    """The registry stops, its collector runs on the volume, and it starts again."""
    name = work.names.registry
    port = work.port()
    before = blobs_of(work.hand.storage())
    collector = work.collector_run()
    work.type(f"docker stop {name}")
    work.client.api.stop(name)
    lines = work.run(collector)
    work.type(f"docker start {name}")
    api = work.api()
    _collected(work, lines, before)
    held = [(repository, each) for repository in (NODEJS, SECOND) for each in api.tags(repository)]
    whole = [one for one in held if _pulls(api, *one)]
    work.facts |= {"port": port, "tags": len(held), "tags_whole": len(whole)}


def collect_wrongly(work: Work) -> None:
    """The same while the registry runs: it remembers what is gone, takes a push for done, and nothing can be pulled."""
    api = work.api()
    name = _pushed(work, SECOND, LATEST)
    work.push(name)
    digest = api.digest(SECOND, LATEST)
    needed = api.reachable(SECOND, LATEST)
    work.ask(api, "DELETE", f"/v2/{SECOND}/manifests/{digest}")
    before = blobs_of(work.hand.storage())
    lines = work.run(work.collector_run())
    gone = _collected(work, lines, before)
    again = work.push(name)
    work.facts |= {"layers_skipped": len(again.there), "layers_sent_again": len(again.sent)}
    there = blobs_of(work.hand.storage())
    lost = next((each for each in needed if each in gone and each not in there and each != digest), "")
    if lost:
        path = f"/v2/{SECOND}/blobs/{lost}"
        head, answer = work.ask(api, "HEAD", path), work.ask(api, "GET", path)
        work.facts |= {
            "lost_blob": lost,
            "lost_bytes": needed[lost],
            "head_status": head.status,
            "get_status": answer.status,
            "got_bytes": len(answer.body) if is_ok(answer.status) else 0,
        }
    status = work.ask(api, "GET", f"/v2/{SECOND}/manifests/{LATEST}", manifests=True).status
    work.type(f"docker pull {name}")
    pulled = pull(work.client, name)
    work.say(pulled.said if not pulled.refused else [pulled.refused])
    work.facts |= {"manifest_status": status, "pull_works": not pulled.refused, "pull_said": pulled.refused}


def recipe(work: Work, dockerfile: str | os.PathLike[str] | None, *, changed: bool = False) -> Recipe:
    """The first image's recipe."""
    if dockerfile is None:
        return images.article(work.choices.base, changed=changed)
    return images.own(dockerfile, changed=changed)


def _pushed(work: Work, repository: str, tag: str) -> str:
    return f"{work.names.pushed(repository, work.port())}:{tag}"


def _push(work: Work, api: Api, repository: str, tag: str) -> None:
    """Push, and count what travelled by what was not there before."""
    there = blobs_of(work.hand.storage())
    done = work.push(_pushed(work, repository, tag))
    needed = api.reachable(repository, tag)
    new = {digest: size for digest, size in needed.items() if digest not in there}
    work.facts |= {
        "manifest": done.digest or api.digest(repository, tag),
        "layers_sent": len(done.sent),
        "layers_there": len(done.there) + len(done.mounted),
        "blobs_needed": len(needed),
        "blobs_new": len(new),
        "bytes_needed": sum(needed.values()),
        "bytes_new": sum(new.values()),
    }


def _push_again(work: Work, repository: str, tag: str) -> None:
    """The same manifest under another tag."""
    work.push(_pushed(work, repository, tag))


def _collected(work: Work, lines: list[str], before: dict[str, int]) -> dict[str, int]:
    """What the collector said, and what is gone."""
    after = measured(work.hand.storage())
    left = blobs_of(work.hand.storage())
    gone = {digest: size for digest, size in before.items() if digest not in left}
    said = {found[1] for line in lines if (found := _ELIGIBLE.search(line))}
    work.facts |= {
        "blobs_said_eligible": len(said),
        "blobs_gone": len(gone),
        "bytes_freed": sum(gone.values()),
        "blobs_left": after["blobs"],
    }
    return gone


def _pulls(api: Api, repository: str, tag: str) -> bool:
    """Whether the registry has all that a pull of a tag fetches."""
    needed = api.reachable(repository, tag)
    paths = [f"/v2/{repository}/{kind}/{digest}" for digest in needed for kind in ("manifests", "blobs") if digest]
    answers = [is_ok(api.ask("HEAD", path).status) for path in paths]
    return bool(needed) and all(one or other for one, other in zip(answers[::2], answers[1::2], strict=True))

"""The other half of the article: another host pulls the image, and runs it.

The other host is a second engine. Without one it is the same engine, emptied of the image before. What is done on
another engine is remembered on the first, in the labels of a volume, so that it can be taken back later.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from regviz.errors import RegvizError
from regviz.experiment.api import MANIFESTS
from regviz.experiment.commands import Run
from regviz.experiment.hand import Hand
from regviz.experiment.names import ELSEWHERE_KIND, LABEL, STEP_LABEL
from regviz.experiment.pulling import pull as pull_image
from regviz.experiment.pulling import ways_around
from regviz.experiment.ready import attached, has_image, host_of
from regviz.experiment.trouble import complaint, one_line
from regviz.manifests.json import length, mapping, objects, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from regviz.experiment.api import Api
    from regviz.experiment.experiment import Experiment
    from regviz.experiment.pulling import Pull
    from regviz.experiment.step import Step
    from regviz.experiment.work import Work

REPOSITORY, TAG = "nodejs", "latest"
VERSION_COMMAND = ("node", "-e", "console.log(process.version)")
_HOST_LABEL, _REFERENCE_LABEL, _BEFORE_LABEL = (f"{LABEL}.{word}" for word in ("host", "reference", "before"))
_SHORT = 12
_NOBODY_LISTENS = re.compile(
    r"connection refused|no route to host|i/o timeout|deadline exceeded|network is unreachable"
)


def pull(experiment: Experiment, host: str | DockerClient | None = None, address: str | None = None) -> Step:
    """Pull the image on another host; where its engine refuses, say why and what to do.

    Parameters
    ----------
    experiment : Experiment
    host : str or DockerClient, optional
        The other engine: a URL, or the name of a Docker context. Left out, it is the same engine, emptied of the image.
    address : str, optional
        HOST:PORT under which that host reaches the registry. Left out, it is that of this machine as that host sees it.

    Returns
    -------
    Step
        Its facts tell what moved, and `refused` why nothing did.

    Raises
    ------
    RegvizError
        The registry has no such image, or the other engine does not answer.

    Examples
    --------
    >>> pull(experiment, "ssh://teacher@10.20.0.199", "10.20.0.100:5000")  # doctest: +SKIP
    """
    return experiment.perform("pull", lambda work: _pull(work, host, address))


def run(experiment: Experiment, host: str | DockerClient | None = None) -> Step:
    """Run the pulled image, so that it prints its version.

    Parameters
    ----------
    experiment : Experiment
    host : str or DockerClient, optional
        The engine that pulled it; left out, the one that did so last.

    Returns
    -------
    Step

    Raises
    ------
    RegvizError
        The image is not there, or its program fails.

    Examples
    --------
    >>> run(experiment).facts["version"]  # doctest: +SKIP
    'v0.10.26'
    """
    return experiment.perform("run", lambda work: _run(work, host))


def _pull(work: Work, host: str | DockerClient | None, address: str | None) -> None:
    layers = _layers(work.api())
    if layers is None:
        raise RegvizError(f"the registry has no {REPOSITORY}:{TAG} any more: push it again, with the step push")
    port = work.port()
    if host is None:
        done = _emptied_and_pulled(work, f"{work.names.pushed(REPOSITORY, port)}:{TAG}")
        if done.refused:
            raise complaint(done.refused)
    else:
        done = _pulled_there(work, host, address or f"{near_address(host_of(work.client), host_of(host))}:{port}", port)
    pulled = [name for name in done.pulled if name in layers]  # some engines tell of configurations too
    work.facts |= {
        "layers_pulled": len(pulled),
        "layers_there": sum(name in layers for name in done.there),
        "bytes_pulled": sum(layers[name] for name in pulled),
    }
    if done.refused:
        work.facts["refused"] = "plain HTTP" if done.plain_http else done.refused
    else:
        work.facts["digest"] = done.digest


def _run(work: Work, host: str | DockerClient | None) -> None:
    marks = _marks(work.hand)
    wanted = host_of(host) if host is not None else ""
    given = [mark for mark in marks.values() if not wanted or mark[_HOST_LABEL] == wanted]
    if host is None and not given:
        _run_on(work, work.hand, f"{work.names.pushed(REPOSITORY, work.port())}:{TAG}", "")
        return
    if not given:
        raise RegvizError(f"{wanted} has not pulled the image: the step pull comes first, with the same host")
    there, reference = given[-1][_HOST_LABEL], given[-1][_REFERENCE_LABEL]
    with attached(there) as client:
        _run_on(work, Hand(client, work.names, work.hand.base), reference, there)


def clean(hand: Hand) -> list[str]:
    """Take back what other hosts were given; what could not be taken back, in words, and it stays remembered."""
    failures = []
    for name, mark in _marks(hand).items():
        try:
            with attached(mark[_HOST_LABEL]) as client:
                _take_back(Hand(client, hand.names, hand.base), mark)
        except RegvizError as error:
            failures.append(f"{mark[_REFERENCE_LABEL]} stays on {mark[_HOST_LABEL]}: {error}")
            continue
        hand.client.api.remove_volume(name)
    return failures


def _layers(api: Api) -> dict[str, int] | None:
    """The layers of the image on every platform, as pulls call them, and their bytes; None where there is no image."""
    found: dict[str, int] = {}
    pending, seen = [TAG], set[str]()
    while pending:
        reference = pending.pop()
        reply = api.ask("GET", f"/v2/{REPOSITORY}/manifests/{reference}", accept=MANIFESTS)
        if reply.status != http.client.OK:
            if reference == TAG:
                return None
            continue
        seen.add(reference)
        document = reply.json()
        pending += {text(each.get("digest")) for each in objects(document.get("manifests"))} - seen
        for layer in objects(document.get("layers")):
            found[text(layer.get("digest")).partition(":")[2][:_SHORT]] = max(length(layer.get("size")), 0)
    return found


def _emptied_and_pulled(work: Work, reference: str) -> Pull:
    """The same engine as another host: all that it has of the image goes, and comes back from the registry."""
    own = f"{work.names.image}:{TAG}"
    for name in list(_own_names(work)):
        if said := _removed(work.client, name):
            work.type(f"docker rmi {name}")
            work.say(said)
    work.type(f"docker pull {reference}")
    done = pull_image(work.client, reference)
    work.say(done.said)
    if not done.refused:
        work.give_name(reference, own)  # what rests on the step build finds its image again
    return done


def _own_names(work: Work) -> Iterator[str]:
    """The names of the experiment's image, and the IDs of its versions without one."""
    repositories = {work.names.image, work.names.pushed(REPOSITORY, work.port())}
    for image in work.hand.made_images():
        names = [name for name in image.get("RepoTags") or () if not name.startswith("<")]
        if not names and text(mapping(image.get("Labels")).get(STEP_LABEL)) in {"build", "overwrite"}:
            yield text(image.get("Id"))
        yield from (name for name in names if name.rpartition(":")[0] in repositories)


def _removed(client: DockerClient, name: str) -> list[str]:
    import docker

    try:
        answers = client.api.remove_image(name)
    except docker.errors.NotFound:  # it went with another
        return []
    except docker.errors.APIError as error:
        if error.status_code != 409:
            raise
        return [one_line(str(error.explanation))]  # another image, or a container, still needs it
    return [f"{word}: {one_line(str(value))}" for answer in answers or () for word, value in answer.items()]


def _pulled_there(work: Work, host: str | DockerClient, address: str, port: int) -> Pull:
    reference = f"{address}/{REPOSITORY}:{TAG}"
    where = host_of(host)
    flag = f"--context {host}" if isinstance(host, str) and "://" not in host else f"--host {where}"
    with attached(host) as client:
        before = _image_id(client, reference)
        told = hashlib.sha256(f"{where} {reference}".encode()).hexdigest()[:_SHORT]
        mark = f"{work.names.experiment}-{ELSEWHERE_KIND}-{told}"
        work.hand.make_volume(mark, work.step, ELSEWHERE_KIND, host=where, reference=reference, before=before)
        work.type(f"docker {flag} pull {reference}")
        done = pull_image(client, reference)
        if done.refused and _image_id(client, reference) == before:
            work.client.api.remove_volume(mark)
    work.say(done.said)
    work.facts["host"] = where
    if not done.refused:
        return done
    if not (done.plain_http or _NOBODY_LISTENS.search(done.refused)):
        raise complaint(done.refused, where)
    work.say([f"Error response from daemon: {done.refused}", ""])
    if not done.plain_http:
        work.say(
            [
                f"Nothing answers at {address} as that host sees it: the registry listens on this machine's loopback",
                "only, unless it was started to listen elsewhere (--listen), or a firewall is between.",
                "",
            ]
        )
    work.say(ways_around(address, port, where).splitlines())
    return done


def _run_on(work: Work, hand: Hand, reference: str, host: str) -> None:
    if not has_image(hand.client, reference):
        raise RegvizError(f"{host or 'the engine'} has no {reference}: the step pull comes first")
    what = Run(reference, VERSION_COMMAND, labels=work.labels, network="none")
    work.type(what.text().replace("docker ", f"docker --host {host} ", 1) if host else what.text())
    code, lines = hand.run(what)
    work.say(lines)
    if code or not lines:
        raise RegvizError(f"{reference} ended with code {code} and did not print its version: is it another image?")
    work.facts |= {"version": one_line(lines[-1])} | ({"host": host} if host else {})


def _take_back(hand: Hand, mark: Mapping[str, str]) -> None:
    api, reference, before = hand.client.api, mark[_REFERENCE_LABEL], mark[_BEFORE_LABEL]
    for container in api.containers(all=True, filters={"label": list(_run_labels(hand))}):
        hand.remove_container(text(container.get("Id")))
    if _image_id(hand.client, reference) not in {"", before}:
        _removed(hand.client, reference)
        if before and has_image(hand.client, before):
            repository, _, tag = reference.rpartition(":")
            api.tag(before, repository, tag)


def _run_labels(hand: Hand) -> Iterator[str]:
    return (f"{name}={value}" for name, value in hand.names.labels("run").items())


def _marks(hand: Hand) -> dict[str, dict[str, str]]:
    """What other hosts were given, the last one last."""
    needed = (_HOST_LABEL, _REFERENCE_LABEL, _BEFORE_LABEL)
    marks = hand.volumes(ELSEWHERE_KIND)
    return {name: {key: labels.get(key, "") for key in needed} for name, labels in marks.items()}


def _image_id(client: DockerClient, reference: str) -> str:
    import docker

    try:
        return text(mapping(client.api.inspect_image(reference)).get("Id"))
    except docker.errors.NotFound:
        return ""


def near_address(engine: str, host: str) -> str:
    """Where another host finds the engine's machine, as far as addresses and the way there tell; nothing is sent.

    Parameters
    ----------
    engine : str
        The URL of the engine that the registry is on.
    host : str
        That of the other host's engine.

    Examples
    --------
    >>> near_address("ssh://teacher@10.20.0.100", "ssh://teacher@10.20.0.199")
    '10.20.0.100'
    >>> near_address("unix:///var/run/docker.sock", "tcp://127.0.0.1:2375")
    '127.0.0.1'
    """
    own, parts = urlsplit(engine).hostname, urlsplit(host)
    if own is None and parts.hostname:
        try:
            family, kind, _, _, target = socket.getaddrinfo(parts.hostname, parts.port or 22, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as probe:
                probe.connect(target)
                own = str(probe.getsockname()[0])
        except OSError:
            own = None
    own = own or "localhost"
    return f"[{own}]" if ":" in own else own

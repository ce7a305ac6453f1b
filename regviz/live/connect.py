"""From a URL to the reader of what answers there."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

from regviz.errors import NotKnowableError, NotRecognisedError, UnreachableError
from regviz.live.address import parse_address
from regviz.live.cache import Cache
from regviz.live.credentials import Credentials
from regviz.live.http import Client, NoAnswerError
from regviz.live.marks import PROXY, is_proxy, marks, refuse
from regviz.live.options import Live
from regviz.source import Source
from regviz.text import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.layouts.common import Options
    from regviz.live.address import Address
    from regviz.live.http import Answer
    from regviz.registry import Registry

VERSION_HEADER = "Docker-Distribution-Api-Version"
_V1_HEADERS = ("X-Docker-Registry-Version", "X-Docker-Registry-Standalone", "X-Docker-Registry-Config")
_LONGEST_SHOWN = 100


def read_registry(source: str, options: Options, live: Live) -> Registry:
    """Read the registry at a URL.

    Raises
    ------
    RegvizError
        The URL cannot be used, nothing answers there, no registry does, or it refuses to.
    """
    began = dt.datetime.now(dt.UTC)
    address = parse_address(source, insecure=live.insecure)
    if options.measure:
        raise NotKnowableError(
            f"what files take is not told by {address.uri}: read the registry's storage folder, or an archive of it"
        )
    client = _client(address, live)
    try:
        version, ping, why = recognise(client)
        cache = Cache(live.cache, address)
        try:
            found = Source(
                uri=address.uri,
                layouts=(f"registry-{version}",),
                why=why,
                read_at=began,
                knows_untagged=False,
                knows_all_blobs=False,
                trusts_times=False,
            )
            if version == "v1":
                from regviz.live.registry_v1 import read_v1

                return read_v1(client, found, options, live)
            from regviz.live.registry_v2 import read_v2

            mark = marks(client, ping)
            if mark and not live.allow_pull_marks:
                refuse(client, mark)
            return read_v2(client, cache, found, options, live)
        finally:
            cache.close()
    finally:
        client.close()


def detect_registry(source: str, *, insecure: bool = False) -> tuple[str, str, str]:
    """What answers at a URL: its layout, its root, and why."""
    live = Live(insecure=insecure)
    client = _client(parse_address(source, insecure=insecure), live)
    try:
        version, ping, why = recognise(client)
        mark = marks(client, ping) if version == "v2" else ""
    finally:
        client.close()
    return f"registry-{version}", ".", f"{why}; reading it leaves marks: {mark}" if mark else why


class Look(NamedTuple):
    """What a few requests tell of a registry.

    Attributes
    ----------
    version, why : str
        The API that answers, and what told so.
    marks : str
        Which marks reading it would leave; empty for none.
    repositories : list of str
        Those to read.
    sampled, tags : int
        Of how many repositories the tags were counted, and how many they are.
    problem : str
        Why the catalog is not whole; empty where it is.
    """

    version: str
    why: str
    marks: str = ""
    repositories: Sequence[str] = ()
    sampled: int = 0
    tags: int = 0
    problem: str = ""


def look(source: str, options: Options, live: Live, most: int) -> Look:
    """Look at the registry at a URL: its catalog, and the tags of at most so many repositories; no manifest.

    Raises
    ------
    RegvizError
        As :func:`read_registry`.
    """
    from regviz.live.listing import catalog, tag_lists

    client = _client(parse_address(source, insecure=live.insecure), live)
    try:
        version, ping, why = recognise(client)
        if version == "v1":
            return Look(version, why)
        names, problem = catalog(client, live, options)
        mark = marks(client, ping)
        if not mark and names and is_proxy(client, names[0]):
            mark = PROXY
        chosen = names if len(names) <= most else [names[at * len(names) // most] for at in range(most)]
        lists = [*tag_lists(client, chosen, live, options)]
        sampled = sum(found.problem is None for found in lists)
        tags = sum(len(found.tags) for found in lists if found.problem is None)
        return Look(version, why, mark, names, sampled, tags, str(problem or ""))
    finally:
        client.close()


def _client(address: Address, live: Live) -> Client:
    return Client(
        address,
        Credentials(address.authority, address.login),
        connections=live.connections,
        rate=live.rate,
        insecure=live.insecure,
    )


def recognise(client: Client) -> tuple[str, Answer, str]:
    """Which API answers: its version, what it first said, and why.

    Raises
    ------
    UnreachableError
        Nothing answers.
    NotRecognisedError
        Something answers, and it is no registry.
    """
    address = client.address
    said: list[str] = []
    for version, path in (("v2", "/v2/"), ("v1", "/v1/_ping")):
        try:
            answer = client.probe(address.prefix + path)
        except NoAnswerError as error:
            if said:
                said.append(f"{path} {error}")
                continue
            raise UnreachableError(_unreachable(client, str(error))) from error
        kind = answer.content_type
        if version == "v2" and _is_v2(answer):
            client.auth.learn(answer.headers.get("WWW-Authenticate", ""))
            return version, answer, f"{path} answers with status {answer.status}, as the v2 API does"
        if version == "v1" and answer.status == 200 and _is_v1(answer):
            return version, answer, f"{path} answers, and /v2/ does not"
        said.append(f"{path} answered {answer.status} ({escape_terminal(kind)[:_LONGEST_SHOWN] or 'nothing'})")
    hint = ""
    if address.prefix:
        name = address.prefix.strip("/")
        hint = f"; if {name} is a repository there, read {address.origin} with repositories=[{name!r}]"
    raise NotRecognisedError(f"no registry answers at {address.uri}: {'; '.join(said)}{hint}")


def _is_v2(answer: Answer) -> bool:
    if answer.headers.get(VERSION_HEADER, "").startswith("registry/2"):
        return answer.status in (200, 401, 403, 429)
    if answer.status == 401:
        return re.search(r"\b(bearer|basic)\b", answer.headers.get("WWW-Authenticate", ""), re.IGNORECASE) is not None
    # the specification asks for no header and no body (distribution-spec, Determining Support)
    return answer.status == 200 and answer.content_type != "text/html"


def _is_v1(answer: Answer) -> bool:
    return any(header in answer.headers for header in _V1_HEADERS) or answer.body.strip() in (b"true", b"{}", b'""')


def _unreachable(client: Client, reason: str) -> str:
    address = client.address
    hint = ""
    if reason.startswith("TLS failed"):
        hint = "; if it speaks plain HTTP, write http://" if "WRONG_VERSION" in reason else ""
        hint = hint or "; if its certificate is your own authority's, name that in the variable SSL_CERT_FILE"
    return f"nothing answers at {address.uri}: {reason}{hint}"

"""What the tests push to a real v1 registry, and what they then overwrite, delete and leave half done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.real.v1_push import V1Image, push, push_json, push_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.real.v1_server import V1Server


def image(name: str, parent: V1Image | None, files: Mapping[str, str], id_: str = "") -> V1Image:
    """An image whose id follows from its name."""
    command = ("/bin/sh", "-c", f"#(nop) ADD {name} in /" if files else f"#(nop) ENV name={name}")
    seed = hashlib.sha256(name.encode()).hexdigest()
    second = int(seed[:4], 16) % 60
    created = f"2014-10-05T08:{second:02}:30.123456789Z" if parent else "2013-06-13T14:03:50.821769-07:00"
    return V1Image(id_ or seed, parent.id if parent else "", created, command, files)


# Ids of 16 digits are as old as docker itself; the best known base image of all has one.
BASE = image("base", None, {"etc/os-release": "ID=tiny\n", "bin/sh": "#!\n" * 700}, id_="27cf784147099545")
PACKAGES = image("packages", BASE, {"usr/bin/node": "node " * 3000, "usr/share/doc/é": "é"})
ENVIRONMENT = image("environment", PACKAGES, {})
SERVER = image("server.js", ENVIRONMENT, {"srv/server.js": "listen(80)\n"})
FIXED = image("server.js, fixed", ENVIRONMENT, {"srv/server.js": "listen(8080)\n"})
WORKER = image("worker.js", PACKAGES, {"srv/worker.js": "work()\n"})
ALONE = image("alone", None, {"alone": "alone\n"})
ABANDONED = image("abandoned", ALONE, {"abandoned": "abandoned\n"})

JSON_ONLY = image("only its json arrived", SERVER, {"never": "sent\n"})
NO_CHECKSUM = image("its checksum never came", SERVER, {"srv/late.js": "late()\n"})


@dataclass(slots=True)
class V1Content:
    """What was done to the registry."""

    images: dict[str, V1Image] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    """Repository as it is stored, and tag → id."""
    private: set[str] = field(default_factory=set)
    in_progress: set[str] = field(default_factory=set)
    without_layer: set[str] = field(default_factory=set)


def push_v1_content(server: V1Server) -> V1Content:
    """Fill the registry, then overwrite, delete and abandon some of it."""
    content = V1Content()
    _push(server, content, "nodejs", {"latest": SERVER}, BASE, PACKAGES, ENVIRONMENT, SERVER)
    _push(server, content, "team/app", {"1.0": SERVER, "latest": SERVER}, BASE, PACKAGES, ENVIRONMENT, SERVER)
    _push(server, content, "team/app", {"latest": FIXED}, BASE, PACKAGES, ENVIRONMENT, FIXED)
    _push(server, content, "team/worker", {"latest": WORKER}, BASE, PACKAGES, WORKER)
    _push(server, content, "a/b/c", {"deep": PACKAGES, "latest": ALONE}, BASE, PACKAGES, ALONE)
    _push(server, content, "team/gone", {"latest": ABANDONED, "keep": ALONE}, ALONE, ABANDONED)
    _push(server, content, "whole/gone", {"latest": ALONE}, ALONE)

    _delete(server, "repositories/team/gone/tags/latest")
    del content.tags["team/gone", "latest"]
    _delete(server, "repositories/whole/gone/")
    del content.tags["whole/gone", "latest"]

    access = json.dumps({"access": "private"}).encode()
    assert server.request("PUT", "repositories/team/worker/properties", access).status == 200
    content.private.add("team/worker")

    _half_push(server, content)
    return content


def _push(server: V1Server, content: V1Content, repository: str, tags: Mapping[str, V1Image], *images: V1Image) -> None:
    push(server, repository, {tag: tagged.id for tag, tagged in tags.items()}, images)
    stored = repository if "/" in repository else f"library/{repository}"
    content.tags |= {(stored, tag): tagged.id for tag, tagged in tags.items()}
    content.images |= {pushed.id: pushed for pushed in images}


def _delete(server: V1Server, path: str) -> None:
    answer = server.request("DELETE", path)
    assert answer.status == 200, f"DELETE {path}: {answer.status} {answer.body[:300]!r}"


def _half_push(server: V1Server, content: V1Content) -> None:
    """Two clients that died: one after the json, one after the layer."""
    for half in (JSON_ONLY, NO_CHECKSUM):
        push_json(server, half)
        content.images[half.id] = half
        content.in_progress.add(half.id)
    content.without_layer.add(JSON_ONLY.id)
    push_layer(server, NO_CHECKSUM)

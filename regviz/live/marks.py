"""Registries in which reading leaves marks: times of last pulls, counts of pulls, caches that fill."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from regviz.errors import RegvizError
from regviz.live.auth import repository_scope
from regviz.live.fetch import ACCEPT
from regviz.live.http import NoAnswerError
from regviz.manifests.json import load_object

if TYPE_CHECKING:
    from regviz.live.http import Answer, Client

_BY_HOST = (
    (r"(.+\.)?dkr[.-]ecr\..+|.+\.ecr\..+\.amazonaws\.com(\.cn)?", "Amazon ECR keeps when an image was last pulled"),
    (r"registry-1\.docker\.io", "Docker Hub keeps when a tag was last pulled, counts pulls, and allows only so many"),
    (r"mirror\.gcr\.io", "it is a pull-through cache, which keeps what is asked for"),
)
_BY_HEADER = (
    ("X-JFrog-Version", "", "Artifactory keeps when something was last downloaded"),
    ("X-Artifactory-Id", "", "Artifactory keeps when something was last downloaded"),
    ("Server", "Nexus/", "Nexus keeps when something was last downloaded"),
    ("WWW-Authenticate", "harbor-registry", "Harbor keeps when an artifact was last pulled, and counts pulls"),
)
_NOWHERE = "sha256:" + "0" * 64
PROXY = "it is a pull-through cache, which keeps what is asked for"


def marks(client: Client, ping: Answer) -> str:
    """Which marks reading would leave, told by the host and by what it first answered; empty for none."""
    for pattern, mark in _BY_HOST:
        if re.fullmatch(pattern, client.address.host):
            return mark
    for header, word, mark in _BY_HEADER:
        if word in ping.headers.get(header, "") and header in ping.headers:
            return mark
    return ""


def is_proxy(client: Client, repository: str) -> bool:
    """Whether Distribution answers as a pull-through cache.

    Asked for a manifest that cannot exist, it hands on what its upstream answered, as an unknown error with errors in
    it (registry/proxy/proxymanifeststore.go); otherwise it says 404. Such a question leaves no mark.
    """
    path = f"{client.address.prefix}/v2/{quote(repository)}/manifests/{_NOWHERE}"
    try:
        answer = client.get(path, scope=repository_scope(repository), limit=1 << 16, accept=ACCEPT, hasty=True)
    except NoAnswerError:
        return False
    document = load_object(answer.body)
    errors = document.get("errors") if document else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    detail = first.get("detail")
    return answer.status == 500 and isinstance(detail, dict) and "errors" in detail


def refuse(client: Client, mark: str) -> None:
    """Say what reading would leave behind, and stop.

    Raises
    ------
    RegvizError
        Always.
    """
    raise RegvizError(
        f"reading {client.address.uri} would leave marks: {mark}. If that does no harm (to rules of retention, for "
        "example), allow it: allow_pull_marks=True, --allow-pull-marks"
    )

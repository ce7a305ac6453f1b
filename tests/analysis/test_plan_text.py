"""What the script of a plan sends, and what keeps it from sending: to a server that answers as it is told.

tests/real sends plans to Distribution 2.8; here is what that never does: pages, deleting tags alone, odd answers.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz.analysis.plan_text import plan_script
from tests.live.servers import Reply, Server, Shop, page_of_html, refused, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.servers import Asked

Done = subprocess.CompletedProcess[str]


class Deleting(Shop):
    """A registry that deletes, manifests with their tags or tags alone."""

    def __init__(self) -> None:
        super().__init__()
        self.one = self.image("app", [b"one"], "1", "uno")
        self.two = self.image("app", [b"two"], "2")
        self.image("app", [b"three"], *(f"k{number:02}" for number in range(7)))
        self.page = 3
        self.before(r"/manifests/", self.delete, "DELETE")

    def delete(self, asked: Asked) -> Reply:
        repository, reference = re.findall(r"/v2/(.+)/manifests/(.+)", asked.path)[0]
        tags = self.tags[repository]
        for tag in [tag for tag in tags if reference in (tag, tags[tag])]:
            del tags[tag]
        return Reply(202, b"", {})


@pytest.fixture
def shop() -> Deleting:
    return Deleting()


@pytest.fixture
def server(shop: Deleting) -> Iterator[Server]:
    with serving(shop) as running:
        yield running


def send(
    server: Server,
    folder: Path,
    rows: list[tuple[Any, ...]],
    delete_by: str = "manifest",
    shell: str = "sh",
    **told: str,
) -> Done:
    """The script of a plan with these rows: step, tag and digest, of one repository."""
    made = [(step, "app", tag, digest, "delete", None) for step, tag, digest in rows]
    plan = pd.DataFrame(made, columns=["step", "repository", "tag", "manifest", "action", "reason"])
    plan.attrs |= {"delete_by": delete_by, "regviz": "0", "source": "here", "read_at": "now", "freed_bytes": 0}
    plan.attrs |= {"uncertain_bytes": 0}
    plan.attrs |= {"collected_today_bytes": 0, "collector": "distribution-3", "needs": []}
    (folder / "plan.sh").write_text(plan_script(plan))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "REGISTRY": f"{server.url}/", **told}
    words = [shell, str(folder / "plan.sh")]
    return subprocess.run(words, env=environment, check=False, capture_output=True, text=True)


def deleted(server: Server) -> list[str]:
    return server.paths("DELETE")


def test_tags_are_deleted_alone_as_3_does(server: Server, shop: Deleting, tmp_path: Path) -> None:
    done = send(server, tmp_path, [(1, "1", shop.one), (2, "2", shop.one)], "tag")
    assert deleted(server) == ["/v2/app/manifests/1"]
    assert "uno" in shop.tags["app"]
    assert f"kept: app:2 is {shop.two} now, no longer {shop.one}" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_manifest_goes_with_all_its_tags(server: Server, shop: Deleting, tmp_path: Path, shell: str) -> None:
    done = send(server, tmp_path, [(1, "1", shop.one), (1, "uno", shop.one), (2, "2", shop.two)], shell=shell)
    assert (done.returncode, deleted(server)) == (0, [f"/v2/app/manifests/{shop.one}", f"/v2/app/manifests/{shop.two}"])
    assert len(shop.tags["app"]) == 7
    pages = [asked.target for asked in server.asked if asked.path.endswith("tags/list")]
    assert len(pages) == 4  # ten tags, three a page


def test_a_tag_on_a_later_page_keeps_a_manifest(server: Server, shop: Deleting, tmp_path: Path) -> None:
    done = send(server, tmp_path, [(1, "1", shop.one), (2, "2", shop.two)])  # uno is on the last page
    assert deleted(server) == [f"/v2/app/manifests/{shop.two}"]
    assert f"kept: app@{shop.one}: another tag has it now" in done.stderr


@pytest.mark.parametrize(
    ("pattern", "method", "reply"),
    [
        ("/manifests/k03", "HEAD", refused(500, "UNKNOWN")),
        ("tags/list", "GET", refused(404, "NAME_UNKNOWN")),
        ("tags/list.*last=", "GET", refused(503, "UNAVAILABLE")),
        ("tags/list", "GET", page_of_html()),
    ],
)
def test_what_cannot_be_read_keeps_everything(
    server: Server, shop: Deleting, tmp_path: Path, pattern: str, method: str, reply: Reply
) -> None:
    shop.before("/manifests/k03" if "k03" in pattern else pattern, reply, method)
    if "last=" in pattern:
        shop.first[0] = (method, "tags/list", lambda asked: reply if "last" in asked.query else None)
    done = send(server, tmp_path, [(1, "2", shop.two)])
    assert (done.returncode, deleted(server)) == (1, [])
    assert "could not all be read" in done.stderr


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "you may not delete"), (403, "you may not"), (405, "switched off"), (404, "not there"), (500, "answer 500")],
)
def test_what_the_registry_refuses_is_said(
    server: Server, shop: Deleting, tmp_path: Path, status: int, said: str
) -> None:
    shop.before("/manifests/", refused(status, "NO"), "DELETE")
    done = send(server, tmp_path, [(1, "2", shop.two)])
    assert done.returncode == 1
    assert said in done.stderr
    assert "0 deleted, 0 kept because something changed, 1 failed" in done.stderr


def test_a_dry_run_and_options_of_curl(server: Server, shop: Deleting, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    done = send(server, tmp_path, [(1, "2", shop.two)], DRY_RUN="1", CURL_OPTIONS="--netrc --user-agent mine")
    assert (done.returncode, deleted(server)) == (0, [])
    assert f"would delete: app@{shop.two} (2)" in done.stdout
    assert {asked.headers["User-Agent"] for asked in server.asked} == {"mine"}
    assert all(asked.headers["Authorization"].startswith("Basic ") for asked in server.asked)
    assert "secret" not in done.stdout + done.stderr


def test_what_is_spread_over_lines_is_read_too(server: Server, shop: Deleting, tmp_path: Path) -> None:
    body = b'{\r\n  "name" : "app",\n  "tags" : [\n    "1",\n    "uno",\n    "2"\n  ]\n}\n'
    shop.before("tags/list", Reply(200, body, {"Content-Type": "application/json"}))
    done = send(server, tmp_path, [(1, "1", shop.one), (2, "2", shop.two)])
    assert deleted(server) == [f"/v2/app/manifests/{shop.two}"]
    assert "another tag has it now" in done.stderr

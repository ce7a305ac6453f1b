"""JupyterLab on the notebooks that ship: what is copied, what is kept, and a real one on the loopback."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from regviz import share
from regviz.errors import RegvizError, SourceNotFoundError
from regviz.report.lab import lab, lay_out
from regviz.report.start import start_page
from tests.helpers import Store
from tests.real.service import request, running
from tests.report.reading import drawn_by, parse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.service import Answer

SHIPPED = sorted(path.name for path in share.folder("notebooks").glob("*.ipynb"))
TOKEN = "a-token-of-the-test"  # noqa: S105  # of a server that lives for a few seconds


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}


def test_the_notebooks_that_ship_are_copied(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "folder"
    assert lay_out(place) == []
    assert "report.ipynb" in SHIPPED
    copied = contents(place)
    assert copied.pop("start.ipynb") == start_page()
    assert copied == {name: (share.folder("notebooks") / name).read_bytes() for name in SHIPPED}


def test_what_a_person_changed_is_kept_and_named(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "report.ipynb").write_bytes(b"mine")
    (tmp_path / "own.ipynb").write_bytes(b"also mine")
    assert lay_out(tmp_path) == ["report.ipynb"]
    assert contents(tmp_path)["report.ipynb"] == b"mine"
    assert contents(tmp_path)["own.ipynb"] == b"also mine"


def test_the_page_of_links_is_brought_up_to_date_though_jupyterlab_saved_it(tmp_path: Path) -> None:
    lay_out(tmp_path)
    page = tmp_path / "start.ipynb"
    saved = json.loads(page.read_bytes())
    saved["metadata"]["language_info"]["version"] = "3.12.1"
    page.write_text(json.dumps(saved))
    assert lay_out(tmp_path) == []
    assert page.read_bytes() == start_page()
    page.write_bytes(b'{"cells": [], "metadata": {}}')
    assert lay_out(tmp_path) == ["start.ipynb"]


def test_what_was_there_before_regviz_is_kept(tmp_path: Path) -> None:
    (tmp_path / "report.ipynb").write_bytes(b"mine")
    assert lay_out(tmp_path) == ["report.ipynb"]
    assert contents(tmp_path)["report.ipynb"] == b"mine"


def test_an_older_copy_that_nobody_changed_is_brought_up_to_date(tmp_path: Path) -> None:
    lay_out(tmp_path)
    record = tmp_path / ".shipped.json"
    older = b"an older version"
    (tmp_path / "report.ipynb").write_bytes(older)
    record.write_text(json.dumps({"report.ipynb": hashlib.sha256(older).hexdigest()}))
    assert lay_out(tmp_path) == []
    assert contents(tmp_path)["report.ipynb"] == (share.folder("notebooks") / "report.ipynb").read_bytes()


@pytest.mark.parametrize("record", ["", "no json", "[]", '{"report.ipynb": 1}'])
def test_a_broken_record_loses_nothing(record: str, tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / ".shipped.json").write_text(record)
    (tmp_path / "report.ipynb").write_bytes(b"mine")
    assert lay_out(tmp_path) == ["report.ipynb"]
    assert contents(tmp_path)["report.ipynb"] == b"mine"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegvizError, match=r"cannot be copied to .*; give another folder"):
        lab(folder=tmp_path / "file" / "below", open_browser=False)


def test_a_source_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="there is no no-such-place"):
        lab("no-such-place", folder=tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_without_jupyterlab_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)  # how Python notes that a module is not to be had
    with pytest.raises(RegvizError, match="pip install jupyterlab"):
        lab(folder=tmp_path)


@pytest.mark.real
def test_a_real_jupyterlab_runs_the_report_on_the_source(tmp_path: Path) -> None:
    Store(tmp_path / "storage").image("only", [b"its layer"], "latest")
    home, runtime = tmp_path / "home", tmp_path / "home" / "runtime"
    runtime.mkdir(parents=True)
    start = (
        "from regviz.report.lab import lab; import sys; "
        "sys.exit(lab('storage', folder='work/notebooks', port=0, open_browser=False))"
    )
    own = {
        "HOME": str(home),
        "JUPYTER_TOKEN": TOKEN,
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(home),
    }
    python_path = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", start]
    log = tmp_path / "log"
    with running(command, log, listening=r"http://127\.0\.0\.1:(\d+)/lab", env=os.environ | own | python_path) as port:
        authorised = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        assert when_it_answers(port, "/api/contents").status == 403
        listed = request(port, "GET", "/api/contents", headers=authorised).json()["content"]
        assert {entry["name"] for entry in listed} == {*SHIPPED, "start.ipynb"}
        page = request(port, "GET", "/lab", headers=authorised).body.decode()
        assert (
            "@jupyterlab/apputils-extension:announcements" in page.split('"disabledExtensions"', 1)[1].split("]", 1)[0]
        )
        wanted = {"path": "report.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        session = request(port, "POST", "/api/sessions", json.dumps(wanted).encode(), authorised).json()
        client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{session['kernel']['id']}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            shown = run_notebook(client, tmp_path / "work" / "notebooks" / "report.ipynb")
        finally:
            client.stop_channels()
            request(port, "DELETE", f"/api/sessions/{session['id']}", headers=authorised)
    with pytest.raises(OSError, match="refused"):  # with regviz ended, JupyterLab has ended
        request(port, "GET", "/api")
    opening = parse(shown[0])
    assert str(tmp_path / "storage") in opening.text
    assert opening.one("style").text.strip()
    pages = [parse(html) for html in shown]
    said = [each for page in pages for name in ("rv-nothing", "rv-unanswered") for each in page.all("p", class_=name)]
    assert sum(len(page.all("figure")) for page in pages) + len(said) == drawn_by("report")


def when_it_answers(port: int, path: str) -> Answer:
    """The answer of a server that has said where it listens, and may not listen yet."""
    until = time.monotonic() + 60
    while True:
        try:
            return request(port, "GET", path)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def run_notebook(client: BlockingKernelClient, file: Path) -> list[str]:
    """The HTML that each code cell shows."""
    shown: list[str] = []

    def hear(message: dict[str, object]) -> None:
        content = message["content"]
        if message["msg_type"] in ("execute_result", "display_data") and isinstance(content, dict):
            shown.append(content["data"]["text/html"])

    for attempt in range(3):
        try:  # a kernel that starts while the machine is busy misses its first heartbeats
            client.wait_for_ready(timeout=120)
            break
        except RuntimeError:
            if attempt == 2:
                raise
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "code":
            reply = client.execute_interactive(cell.source, output_hook=hear, timeout=300)
            assert reply["content"]["status"] == "ok", reply["content"]
    return shown

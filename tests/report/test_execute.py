"""Running a notebook: with this interpreter, apart from all else, and with an answer to each failure."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from regviz.errors import RegvizError
from regviz.read import read
from regviz.report import report
from tests.helpers import Store
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regviz.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    store = Store(tmp_path / "storage")
    store.image("only", [b"its layer"], "latest")
    return read(store.root)


def notebook(path: Path, *cells: str) -> Path:
    made = new_notebook(cells=[new_markdown_cell("# Mine"), *map(new_code_cell, cells)])
    nbformat.write(made, path)
    return path


def run(registry: Registry, folder: Path, *cells: str) -> list[str]:
    """What each cell prints."""
    own = folder / "own"
    own.mkdir()
    made = report(registry, folder / "out.html", notebook=notebook(own / "mine.ipynb", *cells))
    return [printed.text.strip() for printed in parse(made.read_text(encoding="utf-8")).all("pre", class_="stdout")]


def test_a_notebook_of_ones_own_reads_the_source_in_its_own_folder(registry: Registry, tmp_path: Path) -> None:
    printed = run(
        registry,
        tmp_path,
        "import os, sys\nprint(sys.executable)",
        "print(os.getcwd())",
        "import regviz as rv\nprint(rv.read().source.uri)",
        "print(list(rv.read().tags['tag']))",
    )
    assert printed == [sys.executable, str(tmp_path / "own"), registry.source.uri, "['latest']"]


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets are POSIX's")
def test_the_kernel_opens_no_port(registry: Registry, tmp_path: Path) -> None:
    said = "json.loads(get_connection_info())['transport']"
    cell = f"import json\nfrom ipykernel.connect import get_connection_info\nprint({said})"
    assert run(registry, tmp_path, cell) == ["ipc"]


def test_nothing_of_the_users_is_read_or_written(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "own.py").write_text("raise SystemExit('the startup file of the user ran')")
    kernel = home / "data" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "display_name": "broken", "language": "python"}')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(home / ".ipython"))
    before = {path for path in home.rglob("*") if ".cache" not in path.parts}
    assert run(registry, tmp_path, "print(1)") == ["1"]
    assert {path for path in home.rglob("*") if ".cache" not in path.parts and ".config" not in path.parts} == before


def test_it_runs_where_an_event_loop_runs_already(registry: Registry, tmp_path: Path) -> None:
    async def inside() -> list[str]:
        return run(registry, tmp_path, "print(1)")

    assert asyncio.run(inside()) == ["1"]


def failure(registry: Registry, folder: Path, *cells: str) -> str:
    target = folder / "out.html"
    target.write_text("the report of yesterday")
    before = sorted(folder.iterdir())
    with pytest.raises(RegvizError) as raised:
        report(registry, target, notebook=notebook(folder / "mine.ipynb", *cells))
    assert target.read_text() == "the report of yesterday"
    assert sorted(folder.iterdir()) == sorted([*before, folder / "mine.ipynb"])
    return str(raised.value)


def test_a_cell_that_fails_is_named_with_its_error(registry: Registry, tmp_path: Path) -> None:
    message = failure(registry, tmp_path, "x = 1", "y = x\nraise ValueError('no \\x1b[31m good')", "z = 1")
    assert message.startswith("code cell 2 of mine.ipynb failed with ValueError: no")
    assert "it begins: y = x" in message
    assert "\x1b" not in message
    assert "Traceback" not in message


def test_what_regviz_says_in_a_cell_is_passed_on(registry: Registry, tmp_path: Path) -> None:
    message = failure(registry, tmp_path, "import regviz as rv\nrv.read('/no/such/place')")
    assert "SourceNotFoundError" in message
    assert "/no/such/place" in message


def test_a_kernel_that_ends_is_told_from_a_cell_that_fails(registry: Registry, tmp_path: Path) -> None:
    message = failure(registry, tmp_path, "import os\nos._exit(3)")
    assert message.startswith("code cell 1 of mine.ipynb failed with the Python that ran it ended")


def alone(code: str, temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    """Python with a temporary folder of its own, so that what it leaves there is seen."""
    temporary.mkdir()
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_an_interrupt_ends_everything(registry: Registry, tmp_path: Path) -> None:
    code = "import sys\nfrom regviz.report import report\nreport(sys.argv[1], sys.argv[2], notebook=sys.argv[3])"
    sign = tmp_path / "running"
    own = notebook(
        tmp_path / "mine.ipynb", f"import os, time\nopen({str(sign)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    target = tmp_path / "out.html"
    with alone(code, tmp_path / "tmp", registry.source.uri, str(target), str(own)) as process:
        while not (sign.exists() and sign.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not Path(f"/proc/{sign.read_text()}").exists()
    assert not target.exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_a_full_temporary_folder_is_said(registry: Registry, tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom regviz.report import report\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "report(sys.argv[1], sys.argv[2])"
    )
    with alone(code, tmp_path / "tmp", registry.source.uri, str(tmp_path / "out.html")) as process:
        _, errors = process.communicate()
    last = errors.rstrip().splitlines()[-1]
    assert last.startswith("regviz.errors.RegvizError: the temporary folder ")
    assert "set TMPDIR" in last
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_kernel_that_does_not_start_says_why(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "ipykernel_launcher.py").write_text("raise ImportError('a part of it is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    message = failure(registry, tmp_path, "1")
    assert message == f"{sys.executable} cannot run notebooks: ImportError: a part of it is missing"


@pytest.mark.parametrize("content", ["", "no json", '{"cells": 1}', "[]", '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_refused(content: str, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "x.ipynb"
    file.write_text(content)
    with pytest.raises(RegvizError, match="no Jupyter notebook"):
        report(registry, tmp_path / "out.html", notebook=file)


def test_a_notebook_that_is_not_there_is_said(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"absent\.ipynb cannot be read: No such file"):
        report(registry, tmp_path / "out.html", notebook=tmp_path / "absent.ipynb")


def folder_as_target(folder: Path) -> Path:
    return folder


def below_what_is_absent(folder: Path) -> Path:
    return folder / "absent" / "out.html"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "out.html"


@pytest.mark.parametrize("target", [folder_as_target, below_what_is_absent, below_a_file])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_read(
    target: Callable[[Path], Path], tmp_path: Path
) -> None:
    with pytest.raises(RegvizError, match=r"the report cannot be written to .*; give the path of a file"):
        report(tmp_path / "no such source", target(tmp_path))


def test_progress_counts_every_cell(registry: Registry, tmp_path: Path) -> None:
    told: dict[str, tuple[int | None, int]] = {}

    @contextmanager
    def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        told[what] = (total, 0)

        def tick(count: int) -> None:
            told[what] = (total, told[what][1] + count)

        yield tick

    own = notebook(tmp_path / "mine.ipynb", "1", "2", "3")
    report(registry, tmp_path / "out.html", notebook=own, progress=progress)
    assert told == {"cells": (3, 3)}


def test_a_notebook_that_ships_runs_by_its_name_and_apart(registry: Registry, tmp_path: Path) -> None:
    by_name = report(registry, tmp_path / "name.html", notebook="report", title="x")
    by_default = report(registry, tmp_path / "default.html", title="x")
    assert parse(by_name.read_text()).one("main").text == parse(by_default.read_text()).one("main").text


def test_an_own_file_comes_before_one_that_ships(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "report.ipynb", "print('mine')")
    made = report(registry, "out.html", notebook="report.ipynb")
    assert "mine" in parse(made.read_text()).one("pre", class_="stdout").text
    assert "Where are my bytes?" in report(registry, "out.html", notebook="report").read_text()


def test_a_name_that_no_notebook_has_is_said_with_those_there_are(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(RegvizError, match=r"no notebook is called sizs: those that ship are .*\breport\b"):
        report(registry, tmp_path / "out.html", notebook="sizs")

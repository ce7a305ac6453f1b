"""The other commands, and what all have in common."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, get_args
from xml.etree import ElementTree as ET

import click
import nbformat
import networkx as nx
import pytest

import regviz
from regviz.analysis.members import Grain
from regviz.cli.app import main
from regviz.graph import FORMATS, collapse_chains, layer_graph, object_graph, write_graph
from regviz.problems import RULES
from regviz.read import read
from regviz.tree import tree
from tests.cli.running import START, WORLD, WORLD_V1, done, run
from tests.conftest import ROOT
from tests.helpers import Store

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = list(main.commands.values())
ISSUE = {"report", "tree", "table", "graph", "sizes", "lab", "capture", "world", "rules", "detect", "plan"}
ISSUE |= {"garbage", "who-uses", "bases", "nearest-base", "ancestors", "descendants", "compare", "diff"}
ISSUE |= {"churn", "transfer", "history", "tag-history", "stale-tags", "growth", "forecast", "check"}
ISSUE |= {"figure"}
ISSUE |= {"experiment"}
ISSUE |= {"lesson"}
ISSUE |= {"doctor", "reconcile", "sharing", "owner-sets", "clusters", "what-if", "delete-together"}
ISSUE |= {"steps-on-disk"}
ISSUE |= {"composition", "states", "what-if-curve"}
ISSUE |= {"tree-changes"}


def test_the_commands_there_are() -> None:
    assert set(main.commands) == ISSUE


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: click.Command) -> None:
    text = done(command.name or "", "--help")
    assert text.startswith(f"Usage: regviz {command.name} ")
    first, _, more = (command.help or "").partition("\n")
    assert first.endswith(".")
    assert len(first) < 45, "the list of commands cuts it"
    assert more.strip()
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
    assert done(command.name or "", "-h") == text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_in_the_readme(command: click.Command) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"\bregviz {command.name}\b", readme)


def test_the_list_of_commands_is_not_cut() -> None:
    listing = done("--help")
    assert "..." not in listing.partition("Commands:")[2]
    assert all(name in listing for name in main.commands)


def test_the_version() -> None:
    assert done("--version") == f"regviz {regviz.__version__}\n"


def test_nothing_heavy_is_loaded_before_a_command_is_known() -> None:
    words = "import regviz.cli.app, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    heavy = {"numpy", "pandas", "pyarrow", "networkx", "matplotlib", "scipy", "tqdm", "nbformat", "orjson"}
    assert heavy & set(loaded.split()) == set()


def test_choices_are_those_of_the_functions() -> None:
    def choices(command: str, option: str) -> set[str]:
        [parameter] = [each for each in main.commands[command].params if each.name == option]
        assert isinstance(parameter.type, click.Choice)
        return set(parameter.type.choices)

    assert choices("sizes", "by") == set(get_args(Grain))
    assert choices("graph", "format_") == {*FORMATS, "svg"}


def test_without_a_source_it_says_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGVIZ_SOURCE", raising=False)
    result = run("table", "repositories", "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == "regviz: no SOURCE was given: this is the small world that comes with regviz\n"
    assert len(json.loads(result.stdout)) == 11  # data/README.md

    result = run("table", "repositories", "--format", "json", REGVIZ_SOURCE=str(WORLD_V1))
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(json.loads(result.stdout)) == 8  # data/README.md


@pytest.mark.parametrize("kind", ["layers", "collapsed", "objects"])
@pytest.mark.parametrize("format_", FORMATS)
def test_graph_writes_what_write_graph_writes(kind: str, format_: str, tmp_path: Path) -> None:
    reg = read(WORLD)
    made = object_graph(reg) if kind == "objects" else layer_graph(reg)
    expected = io.BytesIO()
    write_graph(collapse_chains(made) if kind == "collapsed" else made, expected, format_)
    option = {"layers": [], "collapsed": ["--collapse"], "objects": ["--objects"]}[kind]
    assert done("graph", WORLD, *option, "--format", format_).encode() == expected.getvalue()
    file = tmp_path / f"graph.{format_}"
    assert done("graph", WORLD, *option, "-o", file) == ""
    assert file.read_bytes() == expected.getvalue()


def test_graph_without_a_format_is_for_graphviz() -> None:
    assert done("graph", WORLD_V1).startswith("digraph ")


def test_graphml_on_standard_output_is_a_graph() -> None:
    graph = nx.read_graphml(io.BytesIO(done("graph", WORLD_V1, "--format", "graphml").encode()))
    assert len(graph) == len(layer_graph(read(WORLD_V1)))


def test_graph_draws_a_picture(tmp_path: Path) -> None:
    done("graph", WORLD_V1, "-o", tmp_path / "layers.svg")
    picture = ET.parse(tmp_path / "layers.svg").getroot()  # noqa: S314  # our own
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    text = " ".join(picture.itertext())
    assert "nodejs" in text


def test_tree_prints_what_the_function_gives(tmp_path: Path) -> None:
    assert done("tree", WORLD) == tree(WORLD).text() + "\n"
    assert done("tree", WORLD, COLUMNS="100") == tree(WORLD).text(100) + "\n"
    records = json.loads(done("tree", WORLD, "--full", "--format", "json"))
    assert [record["path"] for record in records] == [row.path for row in tree(WORLD, full=True).rows]
    done("tree", WORLD, "--depth", "5", "-o", tmp_path / "tree.csv")
    assert (tmp_path / "tree.csv").read_text().startswith("path,depth,type,bytes,explanation,repository")
    done("tree", WORLD, "-o", tmp_path / "tree.txt")
    assert (tmp_path / "tree.txt").read_text() == tree(WORLD).text() + "\n"


def test_tree_opens_chosen_repositories() -> None:
    said = done("tree", WORLD, "--repository", "team/*", "--exclude", "*/web")
    named = [f"── {name}/" in said for name in ("api", "worker", "web", "library", "blobs")]
    assert named == [True, True, False, False, False]
    assert "upload begun 2016-06-02" in said


def test_detect_tells_what_it_is_and_why(tmp_path: Path) -> None:
    [found] = json.loads(done("detect", WORLD_V1, "--format", "json"))
    assert (found["layout"], found["root"]) == ("v1", "registry")
    assert "images/" in found["why"]
    store = Store(tmp_path / "var")
    store.image("a", [b"one"], "1")
    [found] = json.loads(done("detect", store.v2, "--format", "json"))
    assert (found["layout"], found["root"]) == ("distribution", ".")
    done("capture", WORLD, "-o", tmp_path / "world.regviz")
    [found] = json.loads(done("detect", tmp_path / "world.regviz", "--format", "json"))
    assert found["layout"] == "capture"


def test_rules_explains_every_rule() -> None:
    text = done("rules", COLUMNS="80")
    assert max(map(len, text.splitlines())) <= 80
    together = " ".join(text.split())
    for rule in RULES.values():
        assert f"{rule.rule} ({rule.severity}) {' '.join(rule.meaning.split())}" in together
    one = done("rules", "tag-dangling")
    assert one.splitlines()[0] == "tag-dangling  (error)"
    assert len(json.loads(done("rules", "--format", "json"))) == len(RULES)


def test_capture_is_read_in_the_registrys_place(tmp_path: Path) -> None:
    made = tmp_path / "world.regviz"
    assert done("capture", WORLD, "-o", made) == f"{made}\n"
    assert done("table", made, "tags", "--format", "csv") == done("table", WORLD, "tags", "--format", "csv")
    assert done("capture", WORLD_V1, "-o", made) == f"{made}\n"  # it takes the place of the old one
    in_the_way = tmp_path / "notes"
    in_the_way.mkdir()
    result = run("capture", WORLD, "-o", in_the_way)
    assert result.exit_code == 1
    assert "is no capture" in result.stderr


@pytest.mark.parametrize(("layout", "folders"), [("unfolding-v1", 5), ("unfolding-distribution", 6), ("museum", 23)])
def test_world_lays_several_registries_out(layout: str, folders: int, tmp_path: Path) -> None:
    """What it says to look at can be looked at."""
    place = tmp_path / "here"
    said = done("world", place, "--layout", layout)
    assert len([*place.iterdir()]) == folders
    commands = re.findall(r"^    regviz (.+)$", said, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert str(place) in done(*command.split())
    again = run("world", place, "--layout", layout)
    assert again.exit_code == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize("layout", ["v1", "distribution", "oci"])
def test_world_lays_a_registry_out_and_says_what_next(layout: str, tmp_path: Path) -> None:
    place = tmp_path / "a world"
    said = done("world", place, "--layout", layout)
    assert f"find '{place}'" in said
    assert f"regviz tree '{place}'" in said
    assert (place / {"v1": "images", "distribution": "docker", "oci": "blobs"}[layout]).is_dir()
    archive = {"v1": WORLD_V1, "distribution": WORLD, "oci": WORLD.with_name("world-oci.tar.gz")}[layout]
    assert done("table", place, "tags", "--format", "csv") == done("table", archive, "tags", "--format", "csv")
    result = run("world", place)
    assert result.exit_code == 1
    assert result.stderr.startswith("regviz: ")


def test_world_makes_a_capture_too(tmp_path: Path) -> None:
    said = done("world", tmp_path / "world.regviz", "--layout", "capture")
    assert f"regviz table {tmp_path}/world.regviz tags" in said
    shipped = WORLD.with_name("world-capture.tar")
    for table in ("tags", "blobs"):
        assert (
            done("table", tmp_path / "world.regviz", table)
            == done("table", shipped, table)
            == done("table", WORLD, table)
        )


def test_progress_stays_off_where_nobody_looks() -> None:
    finished = subprocess.run([*START, "table", str(WORLD), "tags"], cwd=ROOT, capture_output=True, check=True)
    assert finished.stderr == b""


def test_progress_tells_what_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar comes after a second: here it is made to come at once."""
    import tqdm

    from regviz.cli.progress import progress_bars

    at_once = tqdm.tqdm
    monkeypatch.setattr(tqdm, "tqdm", lambda **given: at_once(**(given | {"delay": 0, "mininterval": 0})))
    with progress_bars(wanted=True)("manifests", 4) as tick:
        tick(1)
        tick(2)
    assert re.search(r"regviz: manifests:.*3/4", capsys.readouterr().err)
    with progress_bars(wanted=False)("manifests", 4) as tick:
        tick(1)
    assert capsys.readouterr().err == ""


def test_what_cannot_be_counted_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from regviz.cli import progress

    with progress.working("drawing", wanted=True):
        pass
    assert capsys.readouterr().err == ""  # it took no second
    monkeypatch.setattr(progress, "DELAY", 0.01)
    line = "regviz: drawing ..."
    for wanted, said in ((True, f"\r{line}\r{' ' * len(line)}\r"), (False, ""), (None, "")):
        with progress.working("drawing", wanted=wanted):
            time.sleep(0.2)
        assert capsys.readouterr().err == said


def test_report_runs_another_notebook(tmp_path: Path) -> None:
    page, mine = tmp_path / "report.html", tmp_path / "mine.ipynb"
    cell = nbformat.v4.new_code_cell("import regviz as rv\nprint(len(rv.read().tags))")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), mine)
    assert done("report", WORLD_V1, "-o", page, "--notebook", mine) == f"{page}\n"
    assert f">{len(read(WORLD_V1).tags)}\n</pre>" in page.read_text(encoding="utf-8")
    refused = run("report", "/no such source", "--notebook", "absent")
    assert refused.exit_code == 1
    assert "no notebook is called absent" in refused.stderr


def test_report_prints_the_path_it_wrote(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert done("report", WORLD_V1, "-o", page) == f"{page}\n"
    html = page.read_text(encoding="utf-8")
    assert html.lower().startswith("<!doctype html>")
    assert "library/nodejs" in html


def test_lab_needs_its_source_to_be_there(tmp_path: Path) -> None:
    result = run("lab", tmp_path / "missing", "--folder", tmp_path / "work", "--no-browser")
    assert result.exit_code == 1
    assert re.fullmatch(r"regviz: .*missing.*\n", result.stderr)

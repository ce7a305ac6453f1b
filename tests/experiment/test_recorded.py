"""The recorded run: what ships, what is refused as none, and the commands and the notebook that show it."""

from __future__ import annotations

import gzip
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import docker
import pytest
from click.testing import CliRunner

import regviz as rv
from regviz import share
from regviz.cli.app import main
from regviz.errors import RegvizError
from regviz.experiment import STEPS
from regviz.experiment.bundle import load, platforms
from regviz.experiment.notebook import begin
from regviz.experiment.recording import FILE, Recorded, about, record, recorded
from regviz.experiment.sent import moved, plot_moved
from regviz.plot.svg import to_svg
from regviz.text import escape_html

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "unix:///no/such/docker.sock"


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.delenv("REGVIZ_PAGE", raising=False)


def test_the_recording_has_every_step_in_order() -> None:
    names = [step.name for step in recorded()]
    assert names == [*STEPS[:-1], "pull", "run"]  # the pull twice
    assert (share.folder("data") / FILE).stat().st_size < 200_000


def test_the_recording_is_the_articles() -> None:
    """The other host refuses plain HTTP, is told not to, and runs what the article ran."""
    *_, first, second, ran = recorded()
    assert first.facts["refused"] == "plain HTTP"
    assert '       {"insecure-registries": ["10.20.0.100:5000"]}' in first.said
    assert "refused" not in second.facts
    assert second.now == ("docker --host tcp://10.20.0.199:2375 pull 10.20.0.100:5000/nodejs:latest",)
    assert ran.said == ("v0.10.26",)
    for step in (first, second, ran):
        assert len(step.changes) == 0


def test_the_recording_agrees_with_itself() -> None:
    """What a step leaves is what the next one finds, and the files of a push are those that were counted."""
    steps = recorded()
    for step, later in zip(steps[1:], steps[2:], strict=False):
        assert step.after == later.before
    for step in steps:
        assert sum(row.type == "file" for row in step.after) == step.facts["files_after"]
        came = (step.changes.table["change"] == "came").sum() - (step.changes.table["change"] == "went").sum()
        files = step.changes.table["type"] == "file"
        by = step.changes.table[files]["change"].value_counts()
        assert by.get("came", 0) - by.get("went", 0) == step.facts["files_after"] - step.facts["files_before"], came


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    steps = recorded()
    record(steps, tmp_path / "one.gz", of=about())
    record(recorded(tmp_path / "one.gz"), tmp_path / "two.gz", of=about(tmp_path / "one.gz"))
    assert recorded(tmp_path / "two.gz") == steps
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert (tmp_path / "one.gz").read_bytes() == (share.folder("data") / FILE).read_bytes()


def document() -> dict[str, object]:
    found: dict[str, object] = json.loads(gzip.decompress((share.folder("data") / FILE).read_bytes()))
    return found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no json"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b"[]"),
        gzip.compress(b"{}"),
        gzip.compress(json.dumps(document()).encode())[:-20],
        gzip.compress(json.dumps(document() | {"steps": []}).encode()),
        gzip.compress(json.dumps(document() | {"steps": [{}]}).encode()),
        gzip.compress(json.dumps(document() | {"steps": [{"name": "push"}] * 101}).encode()),
        gzip.compress(json.dumps(document() | {"about": 3}).encode()),
        gzip.compress(json.dumps(document() | {"format": "other"}).encode()),
        gzip.compress(b'"' + b" " * (17 << 20) + b'"'),
    ],
    ids=range(13),
)
def test_what_is_no_recording_is_refused(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "r.gz"
    place.write_bytes(content)
    with pytest.raises(RegvizError, match=str(place)) as refused:
        recorded(place)
    assert "\n" not in str(refused.value)
    with pytest.raises(RegvizError, match="there is no recorded experiment at"):
        recorded(tmp_path / "none.gz")


def test_without_an_engine_it_is_said_once_and_the_recorded_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    article = begin()
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"No Docker Engine at {NOWHERE}, its socket is not there: ")
    assert said[1] == f"What follows is a recorded run: a real one, with {about()}."
    assert isinstance(article, Recorded)
    for step in STEPS:
        assert getattr(article, step)() == article.do(step)
        assert article.do(step).name == step
    assert "refused" not in article.pull("ssh://a@b", "h:1").facts
    assert article.clean() == "nothing was made here: this was the recorded run"
    assert article.undo("push") == article.clean()
    assert article.steps()["step"].tolist() == [*STEPS]
    with pytest.raises(RegvizError, match="there is no step"):
        article.do("dance")


def test_a_page_makes_nothing_on_an_engine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REGVIZ_PAGE", "1")
    assert isinstance(begin(), Recorded)
    assert capsys.readouterr().out.startswith("A page makes nothing on an engine.\n")


def test_a_recorded_step_is_shown_and_hides_nothing() -> None:
    for step in recorded():
        html = step._repr_html_()
        assert escape_html(step.question) in html
        assert len(step.text(100).splitlines()) > 5


def test_what_the_pushes_sent() -> None:
    """The numbers are those that the engine's pushes and the registry's files gave."""
    steps = {step.name: step for step in recorded()}
    table = moved(recorded())
    assert table["step"].tolist() == ["push", "share", "overwrite"]
    for name, new, needed in zip(table["step"], table["blobs_new"], table["blobs_needed"], strict=True):
        change = steps[name].changes.table
        blobs = change[(change["change"] == "came") & change["path"].str.endswith("/data")]
        assert len(blobs) == new <= needed
        assert blobs["bytes"].sum() == int(table.set_index("step").loc[name, "bytes_new"])
    axes = plot_moved(table)
    assert axes.get_title(loc="left").startswith("3 pushes sent ")
    figure = axes.figure
    assert to_svg(figure, title="t", description="d").startswith("<svg")
    one = plot_moved(table.head(1)).get_title(loc="left")
    assert one.startswith("1 push sent ")
    assert one.endswith(" that its image needs")
    assert len(moved([])) == 0


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["experiment", *words], prog_name="regviz")
    return result.exit_code, result.stdout, result.stderr


def test_the_command_shows_the_recorded_run() -> None:
    code, shown, said = run("run", "--recorded")
    assert (code, said) == (0, "")
    assert shown.startswith(f"This is a recorded run, a real one, with {about()}.\n")
    heads = [line.partition(":")[0] for line in shown.splitlines() if line and line[0] != " "]
    assert heads[1:] == [step.name for step in recorded()]
    until = run("run", "--recorded", "--until", "tag")[1]
    assert "\ntag: " in until
    assert "\npush: " not in until


def test_the_command_says_whether_an_engine_is_ready() -> None:
    code, shown, _ = run("check")
    assert code == 1
    assert shown.splitlines()[0] == "engine  none"
    assert shown.splitlines()[-1] == "ready   no"


@pytest.mark.parametrize("words", [("bundle", "-o", "x.tar"), ("run",), ("pull", "--host", NOWHERE), ("run-image",)])
def test_a_command_without_an_engine_says_so_in_one_line(words: tuple[str, ...]) -> None:
    code, shown, said = run(*words)
    assert (code, shown) == (1, "")
    assert said.startswith(f"regviz: no Docker Engine at {NOWHERE}")
    assert said.count("\n") == 1
    assert said.endswith("a recorded run: regviz experiment run --recorded\n") == (words == ("run",))


def test_an_archive_for_another_platform_is_refused() -> None:
    """The world's archive is for linux/amd64; an engine on arm64 lacks an image that is in it."""
    archive = share.folder("data") / "world-docker-save.tar.gz"
    assert platforms(archive)["nodejs:latest"] == {"linux/amd64"}

    def inspect_image(name: str) -> None:
        raise docker.errors.ImageNotFound(name)

    client = SimpleNamespace(
        api=SimpleNamespace(inspect_image=inspect_image, base_url="http://h"),
        info=lambda: {"OSType": "linux", "Architecture": "aarch64"},
    )
    with pytest.raises(RegvizError, match=r"nodejs:latest in \S+ is for linux/amd64, and this engine runs linux/arm64"):
        load(archive, engine=client, images=["nodejs"])
    with pytest.raises(RegvizError, match="has no busybox:latest, which the engine lacks"):
        load(archive, engine=client, images=["busybox"])


def test_the_public_names_are_there() -> None:
    assert rv.experiment.recorded is recorded
    assert [name for name in rv.experiment.__all__ if not hasattr(rv.experiment, name)] == []

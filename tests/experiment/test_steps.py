"""The experiment without an engine: its plan, its names, its recipes, and what a step shows."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regviz.errors import RegvizError, SourceNotFoundError
from regviz.experiment import STEPS, Experiment, Step
from regviz.experiment.api import Reply, parsed
from regviz.experiment.commands import Run
from regviz.experiment.images import Recipe, article, own, second
from regviz.experiment.names import Names
from regviz.experiment.plan import PLAN, all_needs, plan_of, resting_on
from regviz.experiment.pushing import told
from regviz.experiment.step import bounded
from regviz.tree import Row, tree
from tests.cli.running import done, run
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ORDER = "volume registry build tag push look share overwrite untag collect collect_wrongly pull run"
HOSTILE = "<script>x</script>\x1b[31m\u202e"


def a_step(**more: Any) -> Step:
    rows = tree(ROOT / "data" / "first-push-distribution.tar.gz", full=True).rows
    given: dict[str, Any] = {
        "name": "push",
        "title": "The image goes",
        "question": "How many files?",
        "then": ("docker push localhost:5000/nodejs",),
        "now": ("docker push localhost:5000/nodejs",),
        "said": ("latest: digest: sha256:00",),
        "before": rows[:1],
        "after": rows,
        "facts": {"files_before": 0, "files_after": 12, "done": True},
    }
    return Step(**(given | more))


# --- the plan


def test_the_steps_in_order() -> None:
    assert " ".join(STEPS) == ORDER


def test_needs_come_before() -> None:
    for number, plan in enumerate(PLAN):
        assert {*all_needs(plan.name)} <= {*STEPS[:number]}
        assert {*resting_on(plan.name)} <= {*STEPS[number + 1 :]}
        assert plan.title
        assert plan.question.endswith("?")
        assert plan.then


def test_2014_is_the_articles() -> None:
    """As the article has it."""
    assert plan_of("volume").then == ("docker run -v /tmp/registry -name DATA busybox true",)
    assert plan_of("registry").then == ("docker run -d -p 5000:5000 -volumes-from DATA samalba/docker-registry",)
    assert plan_of("tag").then == ("docker tag yagamy/nodejs localhost:5000/nodejs",)
    assert plan_of("push").then == ("docker push localhost:5000/nodejs",)
    assert plan_of("look").then == ('docker run -volumes-from DATA busybox sh -c "find /tmp/registry"',)


def test_no_such_step() -> None:
    with pytest.raises(RegvizError, match="no step 'jump': the steps are volume, "):
        plan_of("jump")
    assert plan_of("collect-wrongly").name == "collect_wrongly"


@pytest.mark.parametrize(
    ("choice", "said"),
    [({"listen": "10.20.0.100"}, "listens at 127.0.0.1 or 0.0.0.0"), ({"port": 65536}, "a port is a number from 1")],
)
def test_choices_that_do_not_do(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(RegvizError, match=said):
        Experiment("unix:///no/such/docker.sock", **choice)


# --- names


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a--b", "a/b", "a" * 31, "ä", "a\n"])
def test_names_that_no_engine_takes(name: str) -> None:
    with pytest.raises(RegvizError, match="small letters, digits and single hyphens"):
        Names(name)


def test_two_experiments_share_no_name() -> None:
    one, other = Names("a"), Names("a-b")

    def every(names: Names) -> set[str]:
        things = {names.data, names.volume, names.registry, names.before, names.image, names.second}
        return things | {names.done(step) for step in STEPS} | {names.fetched("busybox:latest")}

    assert not every(one) & every(other)


@pytest.mark.parametrize(
    ("reference", "is_own"),
    [
        ("yagamy/nodejs:latest", True),
        ("localhost:5000/nodejs:latest", True),
        ("localhost:5000/python@sha256:00", True),
        ("127.0.0.1:5000/python:2.7", True),
        ("localhost/nodejs:latest", False),
        ("localhost:5000/other:1", False),
        ("yagamy/other:1", False),
        ("nodejs:latest", False),
        ("registry.example/yagamy/nodejs:latest", False),
        ("mine:1", False),
    ],
)
def test_references_of_its_own(reference: str, is_own: bool) -> None:  # noqa: FBT001
    assert Names().is_own_reference(reference) is is_own


# --- what is sent, and what is typed


def test_a_run_is_typed_as_it_is_made() -> None:
    what = Run(
        "registry:2",
        ("serve", "a b"),
        "r",
        labels={"l": "1"},
        environment={"E": "x y"},
        volumes={"v": "/v"},
        ports={5000: ("127.0.0.1", 5001)},
        volumes_from="DATA",
        network="host",
        detached=True,
    )
    assert what.text() == (
        "docker run -d --name r --label l=1 -e 'E=x y' -v v:/v --volumes-from DATA -p 127.0.0.1:5001:5000 "
        "--network host registry:2 serve 'a b'"
    )
    assert Run("busybox", ("true",)).text() == "docker run --rm busybox true"


def test_every_stage_is_labelled() -> None:
    recipe = Recipe("FROM a AS one\nRUN x\nFROM --platform=linux/amd64 b\nCOPY --from=one /x /y")
    lines = recipe.labelled({"k": "1"}, {"k": "2"}).dockerfile.splitlines()
    assert lines == [
        "FROM a AS one",
        'LABEL k="1"',
        "RUN x",
        "FROM --platform=linux/amd64 b",
        'LABEL k="1"',
        "COPY --from=one /x /y",
        'LABEL k="2"',
    ]


def test_the_articles_image_differs_in_its_last_line() -> None:
    one, other = (article("busybox", changed=changed).dockerfile.splitlines() for changed in (False, True))
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]
    assert article("busybox").bases == second("busybox").bases == ("busybox",)


def test_a_dockerfile_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "ARG V=3\nFROM python:${V} AS x\nFROM x\nFROM scratch\nCOPY a /\n", encoding="utf-8"
    )
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    (tmp_path / ".dockerignore").write_text("# no\nb\n", encoding="utf-8")
    recipe = own(tmp_path, changed=True)
    assert recipe.bases == ("python:3",)
    with tarfile.open(fileobj=BytesIO(recipe.context())) as archive:
        members = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
        contents = {name: file.read() for name, file in members.items() if file}
    assert contents.keys() == {"Dockerfile", "a", ".dockerignore", "regviz-changed"}
    assert contents["Dockerfile"].decode().endswith("COPY a /\nCOPY regviz-changed /regviz-changed\n")


@pytest.mark.parametrize(
    ("text", "said"), [("FROM $X\n", r"FROM \$X, which only a build would know"), ("RUN x\n", "no line FROM IMAGE")]
)
def test_dockerfiles_that_do_not_do(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    with pytest.raises(RegvizError, match=said):
        own(tmp_path)
    with pytest.raises(SourceNotFoundError, match="there is no Dockerfile"):
        own(tmp_path / "nothing")


def test_a_push_that_is_refused() -> None:
    with pytest.raises(RegvizError, match="denied"):
        told("x:1", [{"status": "Preparing", "id": "a"}, {"error": "denied", "errorDetail": {"message": "denied"}}])


def test_a_push_of_an_engine_with_containerds_store() -> None:
    """Its words differ; what was there is told from what travelled all the same."""
    done_ = told("x:1", [{"id": "a", "status": "Already exists"}, {"id": "b", "status": "Pushed"}])
    assert (done_.there, done_.sent) == (("a",), ("b",))


def test_answers_of_a_registry() -> None:
    refusal = b'{"errors": [{"code": "UNSUPPORTED", "message": "no\\u001b[31m"}]}'
    assert Reply(405, {}, refusal).line() == "405 Method Not Allowed (UNSUPPORTED: no\x1b[31m)"
    assert Reply(200, {"content-length": "9"}, b"").line() == "200 OK, and 0 of its 9 bytes"
    assert Reply(200, {"content-length": "9"}, b"", has_body=False).line() == "200 OK"
    assert parsed(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nbody", 1, has_body=True) == Reply(404, {"a": "b"}, b"body")
    with pytest.raises(RegvizError, match="gives no answer of HTTP"):
        parsed(b"", 1, has_body=True)


# --- what is shown


def test_a_step_in_text() -> None:
    text = a_step().text(100)
    assert "docker push localhost:5000/nodejs" in text
    assert "12 files came" in text
    assert max(map(len, text.splitlines())) <= 100
    assert str(a_step()) == a_step().text()


def test_an_option_stays_with_its_value() -> None:
    command = Run("busybox", ("true",), labels={f"label-{number}": "value" for number in range(20)}).text()
    lines = a_step(now=(command,)).text(60).splitlines()
    shown = [line.strip() for line in lines if "label-" in line]
    assert len(shown) > 5
    assert all(not line.endswith("--label") for line in shown)
    assert " ".join(shown) == command


def test_a_step_in_a_notebook_is_well_formed_and_escaped() -> None:
    step = a_step(title=HOSTILE, now=(HOSTILE,), said=bounded([HOSTILE]), facts={"said": HOSTILE})
    html = step._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html + step.text(80)
    ET.fromstring(f"<div>{html}</div>".replace("<details open", '<details open="open"'))  # noqa: S314  # our own


def test_output_is_bounded() -> None:
    lines = bounded(f"{number} " + "x" * 5000 for number in range(1000))
    assert len(lines) == 400
    assert lines[-1] == "… and 601 more lines"
    assert max(map(len, lines)) == 1000


def test_json_is_what_it_was() -> None:
    step = a_step()
    assert Step.from_json(json.loads(json.dumps(step.to_json()))) == step


@pytest.mark.parametrize(
    "change",
    [
        {"name": "jump"},
        {"name": 1},
        {"title": None},
        {"said": "text"},
        {"said": [1]},
        {"said": ["x"] * 401},
        {"facts": {"a": [1]}},
        {"facts": {"a": 1.5}},
        {"facts": 3},
        {"after": [["a", 0, "file", 1, "", None]]},
        {"after": [["a", -1, "file", 1, "", None, True]]},
        {"after": [["a", 0, "door", 1, "", None, True]]},
        {"after": [["a", 0, "file", True, "", None, True]]},
        {"after": [["a", 0, "file", 1, "", None, 1]]},
        {"after": [[1, 0, "file", 1, "", None, True]]},
        {"before": 3},
    ],
    ids=repr,
)
def test_json_that_is_no_step(change: dict[str, Any]) -> None:
    with pytest.raises(RegvizError, match="no step of an experiment"):
        Step.from_json(a_step().to_json() | change)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from(list(a_step().to_json())), value=JSON)
def test_json_of_anything(field: str, value: object) -> None:
    """It is a step, or it is refused; nothing else happens."""
    try:
        step = Step.from_json(a_step(before=(), after=()).to_json() | {field: value})
    except RegvizError:
        return
    assert Step.from_json(step.to_json()) == step
    assert isinstance(step.text(80), str)


def test_rows_of_no_storage() -> None:
    step = a_step(before=(), after=(Row("x", 0, "directory", None, "nothing yet", None, last=True),))
    assert "nothing differs" in step.text()


# --- the command line


def test_the_commands_are_the_steps() -> None:
    text = done("experiment", "--help")
    for step in STEPS:
        word = "run-image" if step == "run" else step.replace("_", "-")
        assert f"\n  {word} " in text
        assert "--registry-image" in done("experiment", word, "--help")


@pytest.mark.parametrize("words", [["list"], ["push"], ["clean"], ["undo", "push"], ["run"]])
def test_no_engine_is_one_line(words: list[str]) -> None:
    result = run("experiment", *words, "--engine", "unix:///no/such/docker.sock")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("regviz: no Docker Engine at unix:///no/such/docker.sock")
    assert result.stderr.count("\n") == 1


def test_a_bad_name_is_one_line() -> None:
    result = run("experiment", "list", "--name", "A\x1b")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "\x1b" not in result.stderr
    assert result.stderr.count("\n") == 1

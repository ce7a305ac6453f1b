"""check() and doctor() against counts by hand and independent readers of what the command writes."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml
from prometheus_client.parser import text_string_to_metric_families

import regviz as rv
from regviz.analysis import check, doctor
from regviz.errors import RegvizError
from regviz.problems import RULES
from regviz.read import read
from regviz.schema import SEVERITIES
from tests.analysis.oracle import files_of
from tests.cli.running import WORLD, done, run, start
from tests.helpers import OCI_CONFIG, OCI_LAYER, STORAGE_DUMPS, Store, compressed, descriptor, encode, image_config
from tests.live.conftest import home, hurry  # noqa: F401  # fixtures
from tests.live.servers import serving, small_shop
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

JUNIT = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    "properties": set[str](),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
}
"""Elements and attributes that the schema of Jenkins' xUnit plug-in (junit-10.xsd) has, as far as they are used."""
HELD, FAILED, WRONG, BROKEN, CANNOT_KNOW = range(5)


def small(root: Path, *, lost: int = 0, untagged: int = 0, tagged: int = 10) -> Store:
    """A tagged image, an untagged one, a blob that nothing leads to, each of known bytes."""
    store = Store(root)
    for tag, size in (("1", tagged), ("", untagged)):
        if size:
            layer, config = bytes([48 + len(tag)]) * size, image_config([bytes([48 + len(tag)]) * size])
            store.linked_blob("app", layer)
            store.linked_blob("app", config)
            layers = [descriptor(layer, OCI_LAYER)]
            document = {"schemaVersion": 2, "config": descriptor(config, OCI_CONFIG), "layers": layers}
            store.push("app", document, *tag)
    if lost:
        store.blob(b"l" * lost)
    return store


def verdict(table: pd.DataFrame, rule: str = "") -> tuple[Any, Any, Any]:
    found = table[table["rule"] == rule] if rule else table
    assert len(found) == 1
    return tuple(None if value is rv_na(value) else value for value in found.iloc[0][["limit", "found", "held"]])


def rv_na(value: Any) -> Any:
    """The value itself where it is NA."""
    import pandas as pd

    return value if pd.isna(value) else object()


class TestLimits:
    def test_unreferenced_bytes_to_the_byte(self, tmp_path: Path) -> None:
        small(tmp_path, lost=1000, untagged=500)
        reg = read(tmp_path, links="check")
        assert verdict(check(reg, max_unreferenced=1000)) == (1000, 1000, True)
        assert verdict(check(reg, max_unreferenced=999)) == (999, 1000, False)
        assert check(reg, max_unreferenced=999).attrs["held"] is False
        assert check(reg, max_unreferenced=1000).attrs["held"] is True

    def test_untagged_bytes_to_the_byte(self, tmp_path: Path) -> None:
        store = small(tmp_path, untagged=500)
        [manifest] = [path for path in (store.v2 / "blobs").rglob("data") if b'"size": 500' in path.read_bytes()]
        whole = 500 + len(image_config([b"0" * 500])) + manifest.stat().st_size
        reg = read(tmp_path, links="check")
        assert verdict(check(reg, max_untagged=whole)) == (whole, whole, True)
        assert verdict(check(reg, max_untagged=whole - 1)) == (whole - 1, whole, False)
        assert verdict(check(reg, max_unreferenced=0)) == (0, 0, True)

    def test_what_could_not_be_read_leaves_open_only_what_it_decides(self, tmp_path: Path) -> None:
        store = small(tmp_path, lost=1000)
        broken = encode({"schemaVersion": 2, "config": 7, "layers": "?"})[:-1]
        digest = store.push("app", broken)
        store.layer_link("app", store.blob(b"o" * 50))
        reg = read(tmp_path, links="check")
        open_ = 50 + len(broken)
        states = check(reg, max_unreferenced=1000)
        assert reg.blobs.set_index("blob").loc[digest, "blob_bytes"] == len(broken)
        limit, found, held = verdict(states)
        assert (limit, held) == (1000, None)
        assert found <= 1000
        assert "state is not known" in states["detail"].tolist()[0]
        assert states.attrs["held"] is None
        assert verdict(check(reg, max_unreferenced=found + 1000 + open_))[2]

    def test_growth(self, tmp_path: Path) -> None:
        old, new = small(tmp_path / "old", lost=1000), small(tmp_path / "new", lost=1100)
        baseline, reg = (read(store.root, links="check") for store in (old, new))
        before = sum(len(content) for path, content in files_of(old.root).items() if path.endswith("/data"))
        assert before > 1000
        enough = math.ceil(10000 / before * 100) / 100  # percent, a little more than 100 bytes
        limit, found, held = verdict(check(reg, max_growth=enough, baseline=baseline))
        assert (limit, found, held) == (int(before * round(enough * 100) // 10000), 100, True)
        assert verdict(check(reg, max_growth=enough - 1, baseline=baseline))[1:] == (100, False)
        assert verdict(check(baseline, max_growth=0, baseline=reg)) == (0, -100, True)
        capture = tmp_path / "old.regviz"
        baseline.save(capture)
        assert verdict(check(reg, max_growth=enough, baseline=read(capture)))[1:] == (100, True)

    def test_a_tenth_of_ten_is_one(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.blob(b"x" * 10)
        reg = read(tmp_path)
        assert verdict(check(reg, max_growth=10, baseline=reg)) == (1, 0, True)

    def test_problems(self, tmp_path: Path) -> None:
        store = small(tmp_path)
        store.tag("app", "gone", "sha256:" + "0" * 64)
        reg = read(tmp_path, links="check")
        counts = reg.problems["severity"].value_counts().to_dict()
        assert counts["error"] >= 1
        assert verdict(check(reg, no_problem="error")) == (0, counts["error"], False)
        everything = check(reg, no_problem="info")
        assert verdict(everything) == (0, len(reg.problems), False)
        assert verdict(check(read(small(tmp_path / "b").root), no_problem="info")) == (0, 0, True)

    def test_what_is_no_limit(self, tmp_path: Path) -> None:
        reg = read(small(tmp_path).root)
        with pytest.raises(RegvizError, match="nothing to check: give"):
            check(reg)
        with pytest.raises(RegvizError, match="a limit is 0 or more"):
            check(reg, max_untagged=-1)
        with pytest.raises(RegvizError, match="a limit is 0 or more"):
            check(reg, max_growth=math.nan, baseline=reg)
        with pytest.raises(RegvizError, match="give both"):
            check(reg, max_growth=5)
        with pytest.raises(RegvizError, match="no problems of severity 'fatal'; give one of error, warning, info"):
            check(reg, no_problem="fatal")  # type: ignore[arg-type]


def test_what_a_live_registry_does_not_tell(home: Path, hurry: None) -> None:  # noqa: F811
    del home, hurry
    with serving(small_shop()) as server:
        reg = rv.read(server.url)
    table = check(reg, max_unreferenced=10**9, no_problem="error")
    assert verdict(table, "max-unreferenced") == (10**9, None, None)
    assert "read the registry's storage" in table["detail"].tolist()[0]
    assert table.attrs["held"] is None
    grown = check(reg, max_growth=0, baseline=reg)
    assert verdict(grown) == (0, 0, True)  # of what tags reach
    assert "reached by tags" in grown["detail"].tolist()[0]


def test_a_broken_limit_outweighs_one_that_cannot_be_known(tmp_path: Path) -> None:
    (tmp_path / "listing").write_text(
        "f 3 1700000000 docker/registry/v2/repositories/a/_manifests/tags/1/current/link\n"
    )
    reg = read(tmp_path / "listing")
    assert check(reg, max_unreferenced=5).attrs["held"] is None
    table = check(reg, max_unreferenced=5, no_problem="info")  # that it is a listing is worth knowing
    assert table["held"].isna().tolist() == [True, False]
    assert table.attrs["held"] is False


# --- doctor


@pytest.mark.parametrize("seed", range(8))
def test_doctor_counts_every_problem_once_the_worst_first(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed, broken=True)
    reg = read(tmp_path, links="check")
    table = doctor(reg)
    assert (
        dict(zip(table["rule"], table["count"], strict=True))
        == reg.problems["rule"].astype(str).value_counts().to_dict()
    )
    ranks = [SEVERITIES.index(severity) for severity in table["severity"]]
    assert ranks == sorted(ranks)
    for rule, severity, meaning, action in zip(
        *(table[n] for n in ("rule", "severity", "meaning", "action")), strict=True
    ):
        assert (severity, meaning, action) == (RULES[rule].severity, RULES[rule].meaning, RULES[rule].action)
    assert table.attrs["links_checked"] == "check"
    assert {name: table.attrs[name] for name in SEVERITIES} == {
        name: int((reg.problems["severity"] == name).sum()) for name in SEVERITIES
    }


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_doctor_of_real_dumps(name: str, shared_dumps: Path) -> None:
    reg = read(shared_dumps / name, links="check")
    assert int(doctor(reg)["count"].sum()) == len(reg.problems)


def test_doctor_names_three_places_and_what_was_found(tmp_path: Path) -> None:
    store = small(tmp_path)
    for number in range(4):
        store.tag("app", f"gone{number}", f"sha256:{number:064x}")
    table = doctor(read(tmp_path, links="check")).set_index("rule")
    assert table.loc["tag-dangling", "count"] == 4
    assert table.loc["tag-dangling", "repositories"] == 1
    examples = table.loc["tag-dangling", "examples"]
    assert [f"gone{number}" in examples for number in range(4)] == [True, True, True, False]


class TestCommands:
    def test_doctor_explains_in_the_width_there_is(self, tmp_path: Path) -> None:
        store = small(tmp_path)
        store.tag("app", "\x1b[31mred", "sha256:" + "0" * 64)
        text = done("doctor", tmp_path, COLUMNS="72")
        lines = text.splitlines()
        assert max(map(len, lines[1:])) <= 72
        assert "\x1b" not in text
        assert "error: tag-dangling  (1 place in 1 repository)" in lines
        assert " ".join(RULES["tag-dangling"].action.split()) in " ".join(text.split())
        records = json.loads(done("doctor", tmp_path, "--format", "json"))
        assert [record["rule"] for record in records] == doctor(read(tmp_path, links="check"))["rule"].tolist()
        assert done("doctor", tmp_path, "--repository", "other").endswith("as far as this source tells.\n")
        assert "more rule" in done("doctor", tmp_path, "--top", "0")

    def test_doctor_of_what_is_well(self, tmp_path: Path) -> None:
        small(tmp_path)
        text = done("doctor", tmp_path)
        assert text == (
            f"{tmp_path}: 0 errors, 0 warnings, 0 good to know\nNothing is wrong, as far as this source tells.\n"
        )

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (("--max-unreferenced", "1kB"), HELD),
            (("--max-unreferenced", "999"), BROKEN),
            (("--max-untagged", "0", "--no-problem", "info"), HELD),
            ((), WRONG),
            (("--max-growth", "5%"), WRONG),
            (("--baseline", "x"), WRONG),
            (("--max-growth", "five", "--baseline", "x"), WRONG),
            (("--max-unreferenced", "10 parsecs"), WRONG),
            (("--max-growth", "5%", "--baseline", "/no/such"), FAILED),
        ],
    )
    def test_exit_codes(self, options: tuple[str, ...], code: int, tmp_path: Path) -> None:
        small(tmp_path, lost=1000)
        result = run("check", tmp_path, *options)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output

    def test_the_exit_code_of_what_cannot_be_known(self, tmp_path: Path) -> None:
        path = "docker/registry/v2/repositories/a/_manifests/tags/1/current/link"
        (tmp_path / "listing").write_text(f"f 3 1700000000 {path}\n")
        result = run("check", tmp_path / "listing", "--max-unreferenced", "10GB")
        assert result.exit_code == CANNOT_KNOW
        assert result.stdout.startswith("cannot know: max-unreferenced; ")
        with (tmp_path / "listing").open("rb") as file:
            finished = start("check", "-", "--max-unreferenced", "10GB", stdin=file)
            assert b"give it as a file" in finished.communicate()[1]
        assert finished.returncode == FAILED
        result = run("check", tmp_path / "listing", "--max-unreferenced", "10GB", "--no-problem", "info")
        assert result.exit_code == BROKEN

    def test_links_of_layers_are_looked_into(self, tmp_path: Path) -> None:
        store = small(tmp_path)
        [layer] = [p for p in (store.v2 / "repositories/app/_layers").rglob("link") if p.stat().st_size][:1]
        layer.write_bytes(b"")
        assert run("check", tmp_path, "--no-problem", "warning").exit_code == BROKEN

    def test_text_is_a_line_a_limit(self, tmp_path: Path) -> None:
        small(tmp_path, lost=5000)
        result = run("check", tmp_path, "--max-unreferenced", "1KiB", "--max-untagged", "1GB")
        assert result.stdout.splitlines() == [
            "broken: max-unreferenced: 4.88 KiB found, at most 1.00 KiB; in 1 blob",
            "held: max-untagged: 0 B found, at most 954 MiB; in 0 blobs",
        ]

    def test_json_is_one_object(self, tmp_path: Path) -> None:
        small(tmp_path, lost=5000)
        result = run("check", tmp_path, "--max-unreferenced", "1KiB", "--format", "json")
        said = json.loads(result.stdout)
        assert (said["held"], said["source"]) == (False, str(tmp_path))
        [rule] = said["rules"]
        assert (rule["rule"], rule["limit"], rule["found"], rule["held"]) == ("max-unreferenced", 1024, 5000, False)

    def test_junit_is_read_by_a_reader_of_junit(self, tmp_path: Path) -> None:
        place = tmp_path / 'a <b> & "c" \ufffe'
        place.mkdir()
        path = "docker/registry/v2/repositories/a/_manifests/tags/1/current/link"
        (place / "listing").write_text(f"f 3 1700000000 {path}\n")
        file = tmp_path / "check.xml"
        limits = ("--max-unreferenced", "1kB", "--no-problem", "error", "--max-growth", "1%", "--baseline", WORLD)
        result = run("check", place / "listing", *limits, "--format", "junit", "-o", file)
        assert (result.exit_code, result.stdout) == (CANNOT_KNOW, "")
        read_back = JUnitXml.fromfile(str(file))
        [suite] = list(read_back)
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 0, 1, 0)
        cases = {case.name: case for case in suite}
        assert {name: [type(each) for each in case.result] for name, case in cases.items()} == {
            "max-unreferenced": [Error],
            "max-growth": [],  # the lengths that it names are less
            "no-problem": [],
        }
        for element in ET.parse(file).iter():  # noqa: S314  # our own
            assert set(element.attrib) <= JUNIT[element.tag]
        small(tmp_path / "store", lost=5000)
        said = run("check", tmp_path / "store", "--max-unreferenced", "1kB", "--format", "junit").stdout
        [suite] = list(JUnitXml.fromstring(said.encode()))
        [case] = list(suite)
        assert [type(each) for each in case.result] == [Failure]
        assert case.result[0].message == "max-unreferenced: 4.88 KiB found, at most 1000 B; in 1 blob"

    def test_prometheus_reads_its_text(self, tmp_path: Path) -> None:
        place = tmp_path / 'a "quoted" \\ name'
        small(place, lost=5000)
        limits = ("--max-unreferenced", "1kB", "--max-untagged", "1GB", "--no-problem", "error")
        said = run("check", place, *limits, "--format", "prometheus").stdout
        families = {family.name: family for family in text_string_to_metric_families(said)}
        values = {
            name: {sample.labels["rule"]: sample.value for sample in family.samples}
            for name, family in families.items()
            if "timestamp" not in name
        }
        assert values == {
            "regviz_check_held": {"max-unreferenced": 0, "max-untagged": 1, "no-problem": 1},
            "regviz_check_found_bytes": {"max-unreferenced": 5000, "max-untagged": 0},
            "regviz_check_limit_bytes": {"max-unreferenced": 1000, "max-untagged": 10**9},
            "regviz_check_found_problems": {"no-problem": 0},
            "regviz_check_limit_problems": {"no-problem": 0},
        }
        assert {sample.labels["source"] for family in families.values() for sample in family.samples} == {str(place)}
        assert {family.type for family in families.values()} == {"gauge"}
        assert all(re.fullmatch(r"regviz_check_\w+", name) for name in families)
        path = "docker/registry/v2/repositories/a/_manifests/tags/1/current/link"
        (tmp_path / "listing").write_text(f"f 3 1700000000 {path}\n")
        said = run("check", tmp_path / "listing", "--max-untagged", "0", "--format", "prometheus").stdout
        [held] = [f for f in text_string_to_metric_families(said) if f.name == "regviz_check_held"]
        assert math.isnan(held.samples[0].value)


def test_compressed_is_used(tmp_path: Path) -> None:
    """Unreferenced bytes are those of files as they lie there, compressed or not."""
    store = small(tmp_path)
    content = compressed(b"x" * 100_000)
    store.blob(content)
    assert verdict(check(read(tmp_path, links="check"), max_unreferenced=0)) == (0, len(content), False)

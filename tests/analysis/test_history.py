"""history(), tag_history(), stale_tags(), growth() and forecast() against times and lengths of a storage's own files."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tarfile
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

import regviz as rv
from regviz.analysis import forecast, growth, history, sizes, stale_tags, tag_history
from regviz.errors import RegvizError
from regviz.read import read
from regviz.registry import Registry
from tests.analysis.oracle import truth_of
from tests.cli.running import WORLD, WORLD_V1, done, run
from tests.helpers import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    STORAGE_DUMPS,
    Store,
    descriptor,
    encode,
    image_config,
    rows,
)
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

DAY = 86_400
BYTES = ["added_bytes", "total_bytes", "unique_bytes", "exclusive_bytes", "amortised_bytes"]


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


class Dated(Store):
    """A storage whose files have the times that are said."""

    def dated(self, when: str, path: Path) -> Path:
        os.utime(path, (moment(when).timestamp(),) * 2)
        return path

    def pushed(self, when: str, repository: str, tag: str, layers: list[bytes], **said: Any) -> str:
        """An image, all of whose new files are of that time, as a server leaves it."""
        config = image_config(layers, **said)
        known = {path for path in self.v2.rglob("*") if path.is_file()}
        for blob in (config, *layers):
            if not self.blob_path(descriptor(blob)["digest"]).exists():
                self.blob(blob)
            self.layer_link(repository, descriptor(blob)["digest"])
        entries = [descriptor(layer, OCI_LAYER) for layer in layers]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, OCI_CONFIG)}
        digest = self.push(repository, encode({**document, "layers": entries}), tag)
        for path in self.v2.rglob("*"):
            if path.is_file() and (path not in known or path.parts[-3:-1] == (tag, "current")):
                self.dated(when, path)
        return digest


def read_of(reg: Registry, when: str) -> Registry:
    """The same, as if it had been read at another time."""
    source = replace(reg.source, read_at=moment(when))
    return Registry(reg._tables, keys=reg._keys, names=reg._names, texts=reg._texts, source=source)


@pytest.fixture
def dated(tmp_path: Path) -> Dated:
    """The two tags of the example in history(), with documents beside them."""
    store = Dated(tmp_path / "store")
    store.pushed("2024-01-15", "app", "a", [b"s" * 100, b"a" * 10])
    store.pushed("2024-02-15", "app", "b", [b"s" * 100, b"b" * 5])
    return store


def files(source: Path, pattern: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """Files of an archive whose path fits: the match, their time, their length."""
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile() and (match := re.search(pattern, member.name)):
                yield match, int(member.mtime), member.size


class TestHistory:
    def test_by_hand(self, dated: Dated) -> None:
        one, two = (image_config([b"s" * 100, part]) for part in (b"a" * 10, b"b" * 5))
        table = history(read(dated.root, times=True))
        first, second = ({name: int(table[name].iloc[at]) for name in [*BYTES, "tags", "blobs"]} for at in (0, 1))
        assert rows(table, "period", "basis") == [("2024-01", "pushed"), ("2024-02", "pushed")]
        manifests = sorted(size for size in map(len, self.documents(dated)))
        assert len(manifests) == 2
        assert first["added_bytes"] == 110 + len(one) + manifests[1]
        assert second["added_bytes"] == 5 + len(two) + manifests[0]
        assert (first["blobs"], second["blobs"]) == (4, 3)
        assert second["total_bytes"] == first["added_bytes"] + second["added_bytes"]
        assert first["exclusive_bytes"] == 10 + len(one) + manifests[1]
        assert first["amortised_bytes"] == 10 + len(one) + manifests[1] + 50
        assert second["unique_bytes"] == 105 + len(two) + manifests[0]
        assert (first["tags"], second["tags"]) == (1, 1)

    @staticmethod
    def documents(store: Store) -> list[bytes]:
        """Manifests; the longer one is of the layer whose length has two digits."""
        contents = [path.read_bytes() for path in (store.v2 / "blobs").rglob("data")]
        return [content for content in contents if b'"layers"' in content and b'"config"' in content]

    @pytest.mark.parametrize(
        ("source", "pattern"), [(WORLD, r"blobs/.*/data$"), (WORLD_V1, r"images/[0-9a-f]+/layer$")]
    )
    @pytest.mark.parametrize(
        ("by", "form"), [("day", "%Y-%m-%d"), ("month", "%Y-%m"), ("year", "%Y"), ("week", "%G-W%V")]
    )
    def test_added_bytes_are_those_of_files_of_that_time(self, source: Path, pattern: str, by: Any, form: str) -> None:
        table = history(read(source), by=by)
        expected: dict[str, int] = defaultdict(int)
        for _, when, size in files(source, pattern):
            expected[dt.datetime.fromtimestamp(when, dt.UTC).strftime(form)] += size
        assert {p: n for p, n in rows(table, "period", "added_bytes") if n} == {k: v for k, v in expected.items() if v}
        assert table["total_bytes"].iloc[-1] == sum(expected.values()) == table.attrs["stored_bytes"]

    def test_tags_count_in_the_month_of_their_link(self) -> None:
        table = history(read(WORLD))
        expected: dict[str, int] = defaultdict(int)
        for _, when, _ in files(WORLD, "_manifests/tags/[^/]+/current/link$"):
            expected[dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m")] += 1
        assert {period: tags for period, tags in rows(table, "period", "tags") if tags} == dict(expected)

    def test_exclusive_bytes_by_sets(self) -> None:
        truth, table = truth_of(WORLD), history(read(WORLD))
        months: dict[tuple[str, str], str] = {}
        for match, when, _ in files(WORLD, "repositories/(.+)/_manifests/tags/([^/]+)/current/link$"):
            months[match[1], match[2]] = dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m")
        for period, unique, exclusive in rows(table, "period", "unique_bytes", "exclusive_bytes"):
            mine = set().union(*[blobs for tag, blobs in truth.tags.items() if months[tag] == period])
            others = set().union(*[blobs for tag, blobs in truth.tags.items() if months[tag] != period])
            assert (unique, exclusive) == (truth.bytes_of(mine), truth.bytes_of(mine - others)), period

    def test_without_pushes_what_images_say_and_never_an_epoch(self, dated: Dated) -> None:
        for number, (tag, created) in enumerate(
            [
                ("zero", "1970-01-01T00:00:00Z"),
                ("reproducible", "1980-01-01T00:00:01Z"),
                ("before-docker", "2013-03-19T00:00:00Z"),
                ("tomorrow", "2999-01-01T00:00:00Z"),
                ("said", "2019-07-03T10:00:00Z"),
            ]
        ):
            dated.pushed("2024-03-01", "more", tag, [bytes([65 + number]) * 50], created=created)
        table = history(read(dated.root, times=False))
        assert rows(table, "period", "basis", "tags") == [("2019-07", "created", 1), (None, None, 6)]
        assert table["total_bytes"].iloc[-1] == table.attrs["stored_bytes"]
        assert table["added_bytes"].iloc[0] > 50

    def test_file_times_of_1970_are_none_either(self, dated: Dated) -> None:
        for path in dated.root.rglob("*"):
            if path.is_file():
                os.utime(path, (7, 7))
        assert history(read(dated.root, times=True))["period"].isna().all()

    def test_there_is_no_such_period(self, dated: Dated) -> None:
        with pytest.raises(RegvizError, match="no period 'decade'; give one of day, week, month, year"):
            history(read(dated.root), by="decade")  # type: ignore[arg-type]

    def test_nothing_has_no_history(self, tmp_path: Path) -> None:
        table = history(read(Store(tmp_path).root))
        assert len(table) == 0
        assert table.attrs["tagged_bytes"] == 0


def hold_invariants(reg: Registry) -> None:
    present = reg.blobs[reg.blobs["present"]]
    tagged = sizes(reg, by="tag").attrs["tagged_bytes"]
    for by in ("day", "year"):
        table = history(reg, by=by)  # type: ignore[arg-type]
        assert table["added_bytes"].sum() == present["blob_bytes"].sum()
        assert table["blobs"].sum() == len(present)
        assert table["tags"].sum() == len(reg.tags)
        assert table["amortised_bytes"].sum() == tagged == table.attrs["tagged_bytes"]
        assert (table["exclusive_bytes"] <= table["unique_bytes"]).all()
        assert table["exclusive_bytes"].sum() <= tagged <= table["unique_bytes"].sum()
        assert not table.duplicated(["period", "basis"]).any()
    stale = stale_tags(reg, older_than="0d")
    assert len(stale) + stale.attrs["unknown_tags"] == len(reg.tags)
    if not stale.attrs["unknown_tags"]:
        assert stale.attrs["stale_bytes"] == tagged
    told = tag_history(reg)
    assert len(told) == len(reg.tag_history)
    assert (told.loc[told["current"].fillna(False), "left_bytes"] == 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_random_registries(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed, broken=seed % 2 == 1)
    for times in (True, False):
        hold_invariants(read(tmp_path, times=times))


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_real_dumps(name: str, shared_dumps: Path) -> None:
    hold_invariants(read(shared_dumps / name))


class TestTags:
    def test_what_a_tag_pointed_to(self, dated: Dated) -> None:
        first = dated.pushed("2024-03-01", "app", "moving", [b"s" * 100, b"1" * 7])
        second = dated.pushed("2024-04-01", "app", "moving", [b"s" * 100, b"2" * 9])
        reg = read(dated.root, times=True)
        table = tag_history(reg)
        mine = table[table["tag"] == "moving"]
        march, april = moment("2024-03-01"), moment("2024-04-01")
        assert rows(mine, "manifest", "since", "until", "current") == [
            (first, march, april, False),
            (second, april, None, True),
        ]
        manifest = reg.blobs.set_index("blob").loc[first, "blob_bytes"]
        config = len(image_config([b"s" * 100, b"1" * 7]))
        assert mine["left_bytes"].tolist() == [7 + config + manifest, 0]
        dated.blob_path(first).unlink()
        gone = tag_history(read(dated.root, times=True)).set_index("manifest")
        assert not gone.loc[first, "present"]

    def test_every_link_of_the_worlds_indexes(self) -> None:
        expected = {
            (m[1], m[2], f"sha256:{m[3]}", dt.datetime.fromtimestamp(when, dt.UTC))
            for m, when, _ in files(WORLD, "repositories/(.+)/_manifests/tags/([^/]+)/index/sha256/([0-9a-f]+)/link$")
        }
        assert set(rows(tag_history(read(WORLD)), "repository", "tag", "manifest", "since")) == expected

    def test_stale_is_what_was_not_pushed_since(self, dated: Dated) -> None:
        reg = read_of(read(dated.root, times=True), "2024-05-15")
        assert stale_tags(reg, older_than="90d")["tag"].tolist() == ["a", "b"]  # 121 and 90 days old
        table = stale_tags(reg, older_than=dt.timedelta(days=90, seconds=1))
        assert rows(table, "tag", "basis", "age_days", "last_pushed") == [("a", "pushed", 121, moment("2024-01-15"))]
        alone = sizes(reg, by="tag").set_index("tag").loc["a"]
        assert rows(table, "unique_bytes", "exclusive_bytes") == [(alone["unique_bytes"], alone["exclusive_bytes"])]
        assert table.attrs["stale_bytes"] == alone["exclusive_bytes"]
        both = stale_tags(reg, older_than="12w")
        assert both.attrs["stale_bytes"] == sizes(reg, by="tag").attrs["tagged_bytes"]
        assert both.attrs["stale_bytes"] == both["exclusive_bytes"].sum() + 100

    def test_a_tag_of_no_known_age_is_not_stale(self, dated: Dated) -> None:
        dated.pushed("2024-03-01", "app", "zero", [b"z"], created="1970-01-01T00:00:00Z")
        dated.pushed("2024-03-01", "app", "said", [b"y"], created="2019-01-01T00:00:00Z")
        table = stale_tags(read(dated.root, times=False))
        assert rows(table, "tag", "basis") == [("said", "created")]
        assert table.attrs["unknown_tags"] == 3

    def test_an_age_must_be_one(self, dated: Dated) -> None:
        with pytest.raises(RegvizError, match="'1 month' is no age"):
            stale_tags(read(dated.root), older_than="1 month")


class TestGrowth:
    @pytest.fixture
    def readings(self, dated: Dated, tmp_path: Path) -> list[Registry]:
        """January with both tags; a day later one more; two days later one of them is gone with its bytes."""
        first = read_of(read(dated.root, times=True), "2024-06-01")
        dated.pushed("2024-06-01", "new/repo", "c", [b"c" * 1000])
        second = read_of(read(dated.root, times=True), "2024-06-02")
        dated.blob_path(descriptor(b"a" * 10)["digest"]).unlink()
        third = read_of(read(dated.root, times=True), "2024-06-04")
        assert tmp_path.exists()
        return [third, first, second]

    def test_readings_in_the_order_of_their_times(self, readings: list[Registry]) -> None:
        table = growth(readings)
        assert table["at"].tolist() == [moment(f"2024-06-0{day}") for day in (1, 2, 4)]
        third, first, second = readings
        stored = [int(reg.blobs[reg.blobs["present"]]["blob_bytes"].sum()) for reg in (first, second, third)]
        assert table["stored_bytes"].tolist() == stored
        assert rows(table, "change_bytes", "new_bytes", "gone_bytes") == [
            (None, None, None),
            (stored[1] - stored[0], stored[1] - stored[0], 0),
            (-10, 0, 10),
        ]
        assert table["tags"].tolist() == [2, 3, 3]
        assert table.attrs["basis"] == "read"

    def test_captures_have_the_time_when_they_were_made(self, readings: list[Registry], tmp_path: Path) -> None:
        places = [tmp_path / f"{number}.regviz" for number in range(3)]
        for reg, place in zip(readings, places, strict=True):
            reg.save(place)
        said = json.loads(done("growth", *places, "--format", "json"))
        assert [record["at"][:10] for record in said] == ["2024-06-01", "2024-06-02", "2024-06-04"]
        assert [record["change_bytes"] for record in said] == [None, *growth(readings)["change_bytes"].tolist()[1:]]

    def test_by_repository_and_by_layer(self, readings: list[Registry]) -> None:
        table = growth(readings, by="repository")
        new = len(image_config([b"c" * 1000]))
        assert table["repository"].tolist() == ["new/repo", "app"]
        assert table["first_bytes"].iloc[0] == 0
        assert table["change_bytes"].iloc[0] > 1000 + new
        assert table["change_bytes"].tolist()[1] == -10
        layers = growth(readings, by="layer")
        assert rows(layers, "blob_bytes", "repositories") == [(1000, 1)]
        assert growth(readings, by="tag").columns.tolist()[:2] == ["repository", "tag"]

    def test_archives_that_are_read_together_have_the_time_of_what_was_last_stored(self) -> None:
        table = growth([read(WORLD), read(WORLD_V1)])
        assert table.attrs["basis"] == "stored"
        latest = [
            max(when for _, when, _ in files(source, r"/(data|layer|link|tag_[^/]+)$")) for source in (WORLD_V1, WORLD)
        ]
        assert [int(at.timestamp()) for at in table["at"]] == latest
        assert table["stored_bytes"].tolist() == [202_460, 439_126]  # data/README.md

    def test_captures_of_one_hour_between_which_nothing_came(self, dated: Dated) -> None:
        reg = read(dated.root, times=True)
        table = growth([read_of(reg, "2024-06-01T10:30"), read_of(reg, "2024-06-01T10:00")])
        assert table["at"].tolist() == [moment("2024-06-01T10:00"), moment("2024-06-01T10:30")]
        assert (table.attrs["basis"], table["change_bytes"].tolist()[1]) == ("read", 0)

    def test_what_is_no_growth(self, readings: list[Registry]) -> None:
        with pytest.raises(RegvizError, match="two readings"):
            growth(readings[:1])
        with pytest.raises(RegvizError, match="of one time"):
            growth([readings[0], readings[0]])
        with pytest.raises(RegvizError, match="growth cannot be asked by 'layers'"):
            growth(readings, by="layers")  # type: ignore[arg-type]

    def test_a_forecast_is_the_regression_of_scipy(self, tmp_path: Path) -> None:
        readings = []
        store, days = Dated(tmp_path), [0, 10, 20, 40]
        for day, size in zip(days, [1000, 900, 1500, 700], strict=True):
            store.dated("2024-01-01", store.file(f"blobs/sha256/{day:02d}/{day:02d}{'0' * 62}/data", b"x" * size))
            when = (moment("2024-06-01") + dt.timedelta(days=day)).date().isoformat()
            readings.append(read_of(read(tmp_path, times=True), when))
        stored = [1000, 1900, 3400, 4100]
        assert growth(readings)["stored_bytes"].tolist() == stored
        line = stats.linregress(days, stored)
        half = line.stderr * stats.t.ppf(0.975, 2)
        table = forecast(readings, disk=10_000)
        assert table["bytes_per_day"].tolist() == [round(s) for s in (line.slope, line.slope + half, line.slope - half)]
        expected = [
            np.mean(days) + (10_000 - np.mean(stored)) / slope - days[-1] if slope > 0 else None
            for slope in (line.slope, line.slope + half, line.slope - half)
        ]
        assert [round(each, 1) if each is not None else None for each in expected] == [
            value for (value,) in rows(table, "days")
        ]
        assert (10_000 - line.intercept) / line.slope - days[-1] == pytest.approx(expected[0])
        last = readings[-1].source.read_at
        assert abs((table["full_at"].iloc[0] - last) / dt.timedelta(days=1) - expected[0]) < 1e-6

    def test_a_forecast_by_hand(self, tmp_path: Path) -> None:
        store = Dated(tmp_path)
        store.dated("2024-01-01", store.file(f"blobs/sha256/aa/{'a' * 64}/data", b"x" * 100))
        may = read_of(read(tmp_path, times=True), "2024-05-01")
        store.dated("2024-01-01", store.file(f"blobs/sha256/bb/{'b' * 64}/data", b"x" * 30))
        june = read_of(read(tmp_path, times=True), "2024-05-31")
        table = forecast([june, may], disk=200)
        assert rows(table, "estimate", "bytes_per_day", "days", "full_at") == [
            ("expected", 1, 70.0, moment("2024-08-09")),
            ("earliest", None, None, None),
            ("latest", None, None, None),
        ]
        assert rows(forecast([june, may], disk=130), "days")[0] == (0.0,)  # it is full
        shrinking = forecast([read_of(june, "2024-05-01"), read_of(may, "2024-05-31")], disk=200)
        assert rows(shrinking, "bytes_per_day", "full_at")[0] == (-1, None)
        assert rows(forecast([june, may], disk=10**15), "full_at")[0] == (None,)  # no calendar goes so far


class TestCommands:
    @pytest.mark.parametrize(
        ("words", "made"),
        [
            (("history", WORLD, "--by", "year"), lambda: history(rv.read(WORLD), by="year")),
            (("tag-history", WORLD), lambda: tag_history(rv.read(WORLD))),
            (("growth", WORLD_V1, WORLD), lambda: growth([rv.read(WORLD_V1), rv.read(WORLD)])),
            (
                ("growth", WORLD, WORLD_V1, "--by", "repository"),
                lambda: growth([rv.read(WORLD_V1), rv.read(WORLD)], by="repository"),
            ),
            (
                ("forecast", WORLD, WORLD_V1, "--disk", "500kB"),
                lambda: forecast([rv.read(WORLD_V1), rv.read(WORLD)], disk=500_000),
            ),
        ],
    )
    def test_a_command_prints_what_its_function_gives(self, words: tuple[Any, ...], made: Any) -> None:
        table: pd.DataFrame = made()
        said = json.loads(done(*words, "--format", "json"))
        assert [list(record) for record in said] == [list(table.columns)] * len(table)
        for name in table.columns:
            if table[name].dtype == "Int64" or (table[name].dtype == "str" and name != "source"):
                assert [record[name] for record in said] == [value for (value,) in rows(table, name)]

    def test_stale_tags_are_chosen_by_age(self) -> None:
        said = json.loads(done("stale-tags", WORLD, "--older-than", "1d", "--repository", "team/*", "--format", "json"))
        assert {record["repository"].partition("/")[0] for record in said} == {"team"}
        assert json.loads(done("stale-tags", WORLD, "--older-than", "9999w", "--format", "json")) == []

    def test_stale_tags_say_what_all_of_them_keep(self, dated: Dated) -> None:
        tagged = sizes(rv.read(dated.root, times=False), by="tag").attrs["tagged_bytes"]
        dated.pushed("2024-03-01", "app", "said", [b"y"], created="2019-01-01T00:00:00Z")
        only = sizes(rv.read(dated.root), by="tag").attrs["tagged_bytes"] - tagged
        last = done("stale-tags", dated.root, "--no-times").splitlines()[-1]
        assert last == f"1 stale tag: {only} B that no other tag reaches; 2 tags of unknown age"

    def test_what_is_wrong_is_said(self) -> None:
        for words, code, message in (
            (("stale-tags", WORLD, "--older-than", "old"), 2, "is no age"),
            (("forecast", WORLD, WORLD_V1), 2, "--disk"),
            (("forecast", WORLD, "--disk", "1GB"), 1, "two readings"),
            (("growth", WORLD, "/no/such/place"), 1, "regviz: "),
        ):
            result = run(*words)
            assert result.exit_code == code
            assert message in result.stderr
            assert "Traceback" not in result.stderr

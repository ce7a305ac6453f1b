"""What regviz says Distribution 2.8 deletes, against Distribution 2.8: on random storages, on dumps, on the small world."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from regviz.analysis.collectors import collect
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import STORAGE_DUMPS, V2, Store, rows
from tests.random_registry import Maker, random_registry
from tests.random_trouble import TROUBLES
from tests.real.service import require_program

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.analysis.collectors import Verdict
    from regviz.registry import Registry

pytestmark = pytest.mark.real

COUNT = 300
"""Random storages, half of them broken."""
CHUNK = 25
_CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
"""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a run of the collector prints: what it deletes; where it stops, the last repository and its last words."""

    blobs: set[str]
    manifests: set[str]
    stops: bool
    last_repository: str
    last_words: str


def run(root: Path, config: Path, *options: str) -> Printed:
    """Run the real collector on a storage."""
    config.write_text(_CONFIG.format(root=json.dumps(str(root))))
    command = [require_program("docker-registry", "docker-registry"), "garbage-collect", *options, str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    eligible = re.findall(r"^(manifest|blob) eligible for deletion: (\S+)$", done.stdout, re.MULTILINE)
    repositories = re.findall(r"^([^\s:]+)$", done.stdout, re.MULTILINE)
    return Printed(
        {digest for kind, digest in eligible if kind == "blob"},
        {digest for kind, digest in eligible if kind == "manifest"},
        done.returncode != 0,
        repositories[-1] if repositories else "",
        done.stderr.strip().splitlines()[-1] if done.returncode else "",
    )


def deleted(reg: Registry, verdict: Verdict) -> tuple[set[str], set[tuple[str, str]]]:
    """Blobs, and manifests with their repositories."""
    blobs = zip(rows(reg.blobs, "blob"), verdict.blobs.tolist(), strict=True)
    manifests = zip(rows(reg.repository_manifests, "repository", "manifest"), verdict.manifests.tolist(), strict=True)
    return {blob for (blob,), is_gone in blobs if is_gone}, {link for link, is_gone in manifests if is_gone}


def assert_agrees(root: Path, config: Path, what: object = "") -> None:
    """Hold regviz to what both kinds of dry runs print."""
    reg = read(root, links="open")
    for options, name in (((), "distribution-2.8"), (("-m",), "distribution-2.8-m")):
        printed, verdict = run(root, config, "--dry-run", *options), collect(reg, name)
        assert printed.stops == (verdict.stopped is not None), (what, name, printed.last_words, verdict.stopped)
        blobs, manifests = deleted(reg, verdict)
        if verdict.stopped is None or verdict.stopped.sweeping:
            assert {digest for _, digest in manifests} == printed.manifests, (what, name)
        if verdict.stopped is None:
            assert blobs == printed.blobs, (what, name)
            continue
        assert not blobs
        is_sweep = "error enumerating blobs" in printed.last_words
        assert verdict.stopped.sweeping == is_sweep, (what, name, printed.last_words, verdict.stopped)
        if not is_sweep:
            assert not manifests
            assert verdict.stopped.repository == printed.last_repository, (what, name, printed.last_words)
            named = re.findall(r"(?:manifest for digest) (sha256:\w+)", printed.last_words)
            assert [verdict.stopped.subject] * len(named) == named


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def assert_does(root: Path, folder: Path, *options: str) -> None:
    """Run the collector on a copy, and hold what it leaves to what regviz says of the original."""
    name = "distribution-2.8-m" if options else "distribution-2.8"
    reg = read(root, links="open")
    blobs, manifests = deleted(reg, collect(reg, name))
    copy = folder / "copy"
    shutil.copytree(root, copy)
    run(copy, folder / "copy.yml", *options)
    gone = [rf"{V2}/blobs/{algorithm}/../{encoded}/.*" for algorithm, encoded in (blob.split(":") for blob in blobs)]
    for repository, digest in manifests:
        within = rf"{V2}/repositories/{re.escape(repository)}/_manifests/"
        gone.append(rf"{within}(revisions|tags/[^/]+/index)/{digest.replace(':', '/')}/.*")
    is_gone = re.compile("|".join(gone) or "nothing")
    assert files(copy) == {path: data for path, data in files(root).items() if not is_gone.fullmatch(path)}
    shutil.rmtree(copy)


@pytest.fixture(scope="module")
def storages(tmp_path_factory: pytest.TempPathFactory) -> list[Maker]:
    made = []
    for number in range(COUNT):
        folder = tmp_path_factory.mktemp("random")
        made.append(random_registry(folder, number // 2, broken=number % 2 == 1))
    return made


def test_the_random_storages_have_all_there_is_to_see(storages: list[Maker]) -> None:
    counts = {}
    for made in storages:
        for feature in made.features:
            counts[feature] = counts.get(feature, 0) + 1
    whole = {
        *(
            "sha512",
            "layer twice",
            "foreign layer",
            "nested index",
            "attestation",
            "build cache",
            "schema 1",
            "subject",
        ),
        *("overwritten tag", "copied manifest", "deleted manifest", "deleted tag", "push in flight", "nobody's blob"),
        *("layers alone", "manifests alone", "signature link"),
    }
    assert whole < {*counts}
    assert len({*counts} - whole) == len({*TROUBLES})
    assert min(counts.values()) >= 2


def test_the_same_seed_makes_the_same(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        random_registry(tmp_path / name, 7, broken=True)
        made.append(files(tmp_path / name))
    assert made[0] == made[1]


@pytest.mark.parametrize("start", range(0, COUNT, CHUNK))
def test_dry_runs_on_random_storages(storages: list[Maker], start: int, tmp_path: Path) -> None:
    for number in range(start, start + CHUNK):
        made = storages[number]
        assert_agrees(made.store.root, tmp_path / "config.yml", (number, sorted(made.features)))


@pytest.mark.parametrize("options", [(), ("-m",)], ids=["plain", "-m"])
def test_runs_leave_what_was_predicted(storages: list[Maker], options: tuple[str, ...], tmp_path: Path) -> None:
    for made in storages[::14]:
        assert_does(made.store.root, tmp_path, *options)


def test_a_manifest_that_two_links_lead_to(tmp_path: Path) -> None:
    """With -m it is deleted twice: a dry run says nothing of it, a real one ends before any blob is deleted."""
    store = Store(tmp_path / "storage")
    manifest = store.blob(
        b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}'
    )
    other = store.blob(b"no manifest at all")
    for digest in (manifest, other):
        store.revision("app", digest, manifest.encode())
    store.layer_link("app", other)
    store.directory("repositories/app/_manifests/tags")
    assert_agrees(store.root, tmp_path / "config.yml")
    verdict = collect(read(store.root, links="open"), "distribution-2.8-m")
    assert verdict.error_at_end is not None
    assert verdict.blobs.all()
    done = run(store.root, tmp_path / "config.yml", "-m")
    assert done.stops
    assert "manifest" in done.last_words
    assert read(store.root, links="open").blobs["present"].all()


def test_the_small_world(tmp_path: Path) -> None:
    with tarfile.open(ROOT / "data" / "world-distribution.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    assert_all(tmp_path)


@pytest.mark.parametrize("name", [name for name in STORAGE_DUMPS if name.startswith("v2")])
def test_dumps_of_real_registries(shared_dumps: Path, name: str, tmp_path: Path) -> None:
    with tarfile.open(shared_dumps / name) as archive:
        archive.extractall(tmp_path, filter="data")
    assert_all(tmp_path)


def assert_all(unpacked: Path) -> None:
    """Dry runs and real ones of what was unpacked."""
    [store] = unpacked.rglob(V2)
    root = store.parents[2]
    assert_agrees(root, unpacked / "config.yml")
    for options in ((), ("-m",)):
        (unpacked / "run").mkdir()
        assert_does(root, unpacked / "run", *options)
        shutil.rmtree(unpacked / "run")

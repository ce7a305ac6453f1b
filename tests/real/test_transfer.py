"""What pulls move, as transfer() tells it, against what a real registry's access log says that real clients fetched."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from docker.errors import NotFound

import regviz as rv
from regviz.analysis import bundle_script, transfer, transfer_matrix
from tests.real.containerd import containerd
from tests.real.distribution import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, distribution, sha256
from tests.real.engine import docker_engine
from tests.real.handmade import Maker
from tests.real.images import OCI_CONFIG, OCI_LAYER, Descriptor, tar
from tests.real.service import require_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from regviz.registry import Registry
    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

    Pull = Callable[[str], int]

pytestmark = pytest.mark.real

AMD64 = "linux/amd64"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BEST, FASTEST = 9, 1


def layer(name: str) -> bytes:
    """A layer that gzip makes smaller, and by how much depends on its level."""
    return tar({name: "".join(f"{name} {number * number % 9973} of many lines\n" for number in range(400))})


@dataclass(frozen=True, slots=True)
class Shop:
    """A registry with images, and what its access log says."""

    server: DistributionServer
    log: Path

    def image(self, repository: str, names: str, *, level: int = BEST, oci: bool = False, **said: str) -> Descriptor:
        """Push an image of one layer a letter, tagged 1 unless it is for an index."""
        layers, platform = [layer(name) for name in names], {"os": "linux", "architecture": "amd64"} | said
        config = {**platform, "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in layers]}}
        history = [{"created": "2024-05-01T12:00:00Z", "created_by": f"COPY {name}"} for name in names]
        kinds = (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER) if oci else (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
        maker, tag = Maker(self.server), "" if "architecture" in said else "1"
        document = {
            "config": maker.blob(repository, kinds[1], json.dumps({**config, "history": history}).encode()),
            "layers": [maker.blob(repository, kinds[2], gzip.compress(each, level, mtime=0)) for each in layers],
        }
        return {**maker.manifest(repository, tag, document, kinds[0]), "platform": platform}

    def fetched(self, pull: Callable[[], object], what: str = "manifests|blobs") -> int:
        """Bytes of manifests and blobs that the registry sent while something was pulled."""
        start = self.log.stat().st_size
        pull()
        said = self.log.read_bytes()[start:].decode()
        answers = re.findall(rf'"GET /v2/\S+/(?:{what})/\S+ HTTP/1\.1" (\d+) (\d+) ', said)
        assert {status for status, _ in answers} <= {"200"}, said
        return sum(int(length) for _, length in answers)


@pytest.fixture(scope="module")
def shop(skopeo: Skopeo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with distribution(require_program("docker-registry", "docker-registry"), folder) as server:
        made = Shop(server, folder / "server.log")
        made.image("base", "a")
        made.image("web", "abc")
        made.image("api", "adb", oci=True)
        made.image("twice", "abdb")
        made.image("again", "abc", level=FASTEST, author="rebuilt")
        made.image("same", "abc", level=FASTEST)
        skopeo.copy(server.reference("web", "1"), server.reference("old", "1"), "--format=v2s1")
        maker = Maker(server)
        for repository, kind, oci in (("many", DOCKER_LIST, False), ("oci-many", OCI_INDEX, True)):
            entries = [
                made.image(repository, names, oci=oci, architecture=architecture, **more)
                for names, architecture, more in (
                    ("ax", "arm64", {}),
                    ("ab", "amd64", {}),
                    ("ay", "arm", {"variant": "v6"}),
                    ("az", "arm", {"variant": "v5"}),
                )
            ]
            maker.manifest(repository, "1", {"manifests": entries}, kind)
        maker.manifest("many", "2", {"manifests": entries_of(server, "many", 1)}, DOCKER_LIST)
        yield made


def entries_of(server: DistributionServer, repository: str, at: int) -> list[Descriptor]:
    """One entry of an index, for another."""
    return [server.manifest(repository, "1").document["manifests"][at]]


@pytest.fixture(scope="module")
def reg(shop: Shop) -> Registry:
    return rv.read(shop.server.root)


@contextmanager
def docker_client(shop: Shop, folder: Path) -> Iterator[Pull]:
    """Docker Engine 20.10 with overlay2."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    with docker_engine(program, folder) as client:
        yield lambda name: shop.fetched(lambda: client.images.pull(f"{shop.server.url}/{name}", tag="1"))


@contextmanager
def content_client(shop: Shop, folder: Path, platform: str | None = AMD64) -> Iterator[Pull]:
    """containerd's content store."""
    with containerd(require_program("containerd", "containerd"), folder) as run:
        yield lambda name: shop.fetched(lambda: run.fetch(f"{shop.server.url}/{name}:1", platform))


PAIRS = [
    ((), "web"),
    (("base",), "web"),
    (("web",), "base"),
    (("web",), "api"),
    (("web", "api"), "twice"),
    (("base",), "twice"),
    (("web",), "again"),
    (("again",), "web"),
    (("web",), "same"),
    (("web",), "many"),
    ((), "oci-many"),
    (("oci-many",), "many"),
]


def words(pair: tuple[Sequence[str], str]) -> str:
    return f"{pair[1]}-having-{'-'.join(pair[0]) or 'nothing'}"


@pytest.mark.parametrize("pair", PAIRS, ids=words)
def test_an_engine_fetches_what_is_told(
    pair: tuple[Sequence[str], str], shop: Shop, reg: Registry, tmp_path: Path
) -> None:
    having, of = pair
    with docker_client(shop, tmp_path) as pull:
        for name in having:
            pull(name)
        found = pull(of)
    tags = [f"{name}:1" for name in having]
    assert transfer(reg, f"{of}:1", having=tags).attrs["moved_bytes"] == found
    if len(having) < 2:
        matrix = transfer_matrix(reg, [f"{of}:1", *tags])
        assert matrix.set_index("having").loc[tags[0] if tags else "(nothing)", f"{of}:1"] == found


def test_an_engine_fetches_a_list_in_its_order(shop: Shop, reg: Registry, tmp_path: Path) -> None:
    order = ["base", "api", "web", "again", "twice", "many", "same", "web"]
    with docker_client(shop, tmp_path) as pull:
        found = [pull(name) for name in order]
    told = transfer(reg, [f"{name}:1" for name in order])
    sums = told.groupby((told["kind"].isin(["manifest"]) | (told["kind"] == "index")).cumsum())["moved_bytes"].sum()
    assert int(told["moved_bytes"].sum()) == sum(found)
    assert len(sums) == len(order) + 1  # many has an index too
    one_by_one = [
        transfer(reg, f"{name}:1", having=[f"{n}:1" for n in order[:at]]).attrs["moved_bytes"]
        for at, name in enumerate(order)
    ]
    assert one_by_one == found


@pytest.mark.parametrize("having", [(), ("base",), ("web",)])
def test_an_engine_fetches_the_layers_of_schema_1(
    having: tuple[str, ...], shop: Shop, reg: Registry, tmp_path: Path
) -> None:
    """Of its manifest only the signed part is stored, and signatures are added as it is served."""
    program = require_program("dockerd", "docker.io containerd runc iptables")
    with docker_engine(program, tmp_path) as client:
        for name in having:
            client.images.pull(f"{shop.server.url}/{name}", tag="1")
        found = shop.fetched(lambda: client.images.pull(f"{shop.server.url}/old", tag="1"), "blobs")
    told = transfer(reg, "old:1", having=[f"{name}:1" for name in having])
    assert told["kind"].tolist() == ["manifest", *["layer"] * 3]
    assert told[told["kind"] == "layer"]["moved_bytes"].sum() == found


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v5", "linux/386"])
def test_an_engine_chooses_the_image_that_is_told(platform: str, shop: Shop, reg: Registry, tmp_path: Path) -> None:
    program = require_program("dockerd", "docker.io containerd runc iptables")
    with docker_engine(program, tmp_path) as client:
        client.images.pull(f"{shop.server.url}/web", tag="1")

        def pull() -> None:
            client.images.pull(f"{shop.server.url}/many", tag="1", platform=platform)

        if platform == "linux/386":  # no entry fits, and the engine has nothing afterwards
            with pytest.raises(rv.RegvizError, match="not there for linux/386; it is for linux/amd64, linux/arm/v5"):
                transfer(reg, "many:1", platform=platform)
            with pytest.raises(NotFound, match="No such image"):
                pull()
        else:
            found = shop.fetched(pull)
            assert transfer(reg, "many:1", having="web:1", platform=platform).attrs["moved_bytes"] == found


@pytest.mark.parametrize("platform", [AMD64, "linux/arm64", "linux/arm/v5", None])
@pytest.mark.parametrize("pair", [(("web",), "many"), ((), "oci-many")], ids=words)
def test_a_content_store_fetches_the_platform_that_is_told(
    pair: tuple[Sequence[str], str], platform: str | None, shop: Shop, reg: Registry, tmp_path: Path
) -> None:
    """ctr by itself takes no platform but the very one, so only those are compared."""
    having, of = pair
    with content_client(shop, tmp_path, platform) as pull:
        for name in having:
            pull(name)
        found = pull(of)
    told = transfer(
        reg, f"{of}:1", having=[f"{n}:1" for n in having], platform=platform or "all", client="content-store"
    )
    assert told.attrs["moved_bytes"] == found


@pytest.mark.parametrize("pair", PAIRS, ids=words)
def test_a_content_store_fetches_what_is_told(
    pair: tuple[Sequence[str], str], shop: Shop, reg: Registry, tmp_path: Path
) -> None:
    having, of = pair
    with content_client(shop, tmp_path) as pull:
        for name in having:
            pull(name)
        found = pull(of)
    tags, told_for = [f"{name}:1" for name in having], {"platform": AMD64, "client": "content-store"}
    assert transfer(reg, f"{of}:1", having=tags, **told_for).attrs["moved_bytes"] == found
    if len(having) < 2:
        matrix = transfer_matrix(reg, [f"{of}:1", *tags], **told_for)
        assert matrix.set_index("having").loc[tags[0] if tags else "(nothing)", f"{of}:1"] == found


def test_a_bundle_brings_what_a_host_without_network_lacks(shop: Shop, reg: Registry, tmp_path: Path) -> None:
    """The script is run, and another containerd that has one image takes the others out of what it packed."""
    program = require_program("containerd", "containerd")
    script = bundle_script(reg, ["api:1", "many:1"], having=["web:1"], platform=AMD64, registry=shop.server.url)
    work, host, other = tmp_path / "a place", tmp_path / "host", tmp_path / "other"
    for folder in (work, host, other):
        folder.mkdir()
    with containerd(program, other) as run:
        env = {"PATH": os.environ["PATH"], "CONTAINERD_ADDRESS": run.socket, "FETCH": "--plain-http"}
        done = subprocess.run(["sh", "-c", script], cwd=work, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "On the host: ctr images import --platform linux/amd64 bundle.tar"
    with tarfile.open(work / "bundle.tar") as archive:
        packed = {m.name.rpartition("/")[2]: m.size for m in archive if m.name.startswith("blobs/") and m.isfile()}
    plan = transfer(reg, ["api:1", "many:1"], having=["web:1"], platform=AMD64, client="content-store")
    needed = plan[plan["reason"] == "needed"]
    assert packed == dict(zip(needed["blob"].str.removeprefix("sha256:"), needed["bytes"], strict=True))
    assert sum(packed.values()) == plan.attrs["moved_bytes"]
    assert f"({plan.attrs['moved_bytes']} bytes)" in script
    with containerd(program, host) as run:
        run.fetch(f"{shop.server.url}/web:1", AMD64)
        run("images", "import", "--no-unpack", "--platform", AMD64, str(work / "bundle.tar"))
        images = run("images", "check")
    for name in ("api:1", "many:1"):
        [line] = [each for each in images.splitlines() if each.startswith(f"{shop.server.url}/{name}")]
        assert "complete" in line
        assert "incomplete" not in line

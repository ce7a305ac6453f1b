"""The small world: a registry that tells, in some thirty pushes, everything the lessons and pictures need.

2014, in both layouts: a base, the nodejs image of the article on it, and relatives that share their layers; a
rebuilt image under an overwritten tag, a deleted one, a push that died. The Distribution registry saw the
same two years later, and then what came after: platforms, attestations, signatures, charts, zstd.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from regviz.world.build import Build
from regviz.world.contents import noise, package, prose
from regviz.world.describe import File, Image, Layer, hardlink, opaque_whiteout, program, symlink, whiteout
from regviz.world.events import AbortPush, DeleteManifest, DeleteTag, MakePrivate, Push, World
from regviz.world.small_today import events_of_today

if TYPE_CHECKING:
    from regviz.world.events import Event

_V1: frozenset[str] = frozenset({"v1"})
_DISTRIBUTION: frozenset[str] = frozenset({"distribution"})
_MOVED_TO_DISTRIBUTION = 2016


def _imported(created: dt.datetime, files: dict[str, bytes | File], *, short_id: bool = False) -> Layer:
    """What ``docker import`` makes of a tar: a layer that no instruction created."""
    return Layer("", created, files, comment="Imported from -", short_id=short_id)


@cache
def base_image() -> Image:
    """``library/base``: what dockerfile/ubuntu was to the article, down to the 16-digit id."""
    root = _imported(
        dt.datetime(2013, 3, 24, 2, 36, 34, 205000, tzinfo=dt.UTC),
        {
            "bin/sh": program(noise("sh", 18_000)),
            "bin/bash": hardlink("bin/sh"),
            "etc/apt/sources.list": prose("sources.list", 900),
            "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
            "lib/libc.so.6": program(noise("libc", 17_000)),
            "lib64": symlink("lib"),
            "usr/share/common-licenses/notice": prose("notice", 16_000),
            "var/lib/dpkg/status": prose("dpkg status", 9_000),
        },
        short_id=True,
    )
    home = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    build = Build(dt.datetime(2014, 3, 20, 8, 11, tzinfo=dt.UTC))
    build.run(
        "sed -i 's/# \\(.*multiverse$\\)/\\1/g' /etc/apt/sources.list",
        {"etc/apt/sources.list": prose("multiverse", 940)},
    )
    build.run("apt-get update", _package_lists("2014-03-20", 11_000))
    build.run("apt-get -y upgrade")
    build.run("apt-get install -y build-essential", package("make", "3.81", 12_000))
    build.run("apt-get install -y software-properties-common", package("apt-add-repository", "0.92", 3_600))
    build.run("apt-get install -y curl git man vim", package("git", "1.9", 9_500) | package("vim", "7.4", 4_200))
    build.copy("root/.bashrc", b"alias ll='ls -l'\n")
    build.set("ENV HOME /root", Env=[f"{name}={value}" for name, value in home.items()])
    build.set("WORKDIR /root", WorkingDir="/root")
    build.set("CMD [bash]", Cmd=["bash"])
    return Image((root, *build.layers))


def _package_lists(day: str, size: int) -> dict[str, bytes | File]:
    lists = "var/lib/apt/lists/archive"
    return {
        f"{lists}_main": prose(f"main {day}", size * 2 // 3),
        f"{lists}_universe": prose(f"universe {day}", size // 3),
    }


@cache
def nodejs_image() -> Image:
    """``library/nodejs`` as the article builds it: five steps on the base."""
    build = Build(dt.datetime(2014, 3, 27, 9, 4, tzinfo=dt.UTC))
    build.run("apt-get install -y software-properties-common", package("apt-add-repository", "0.92.37", 1_500))
    build.run(
        "add-apt-repository -y ppa:chris-lea/node.js",
        {"etc/apt/sources.list.d/node.list": prose("node.list", 140)},
    )
    return _with_nodejs(base_image().extended(*build.layers), "0.10.26", dt.datetime(2014, 3, 27, 9, 6, tzinfo=dt.UTC))


@cache
def rebuilt_nodejs_image() -> Image:
    """The same Dockerfile four weeks later: two steps from the cache, and a newer nodejs to install."""
    first_steps = len(base_image().layers) + 2
    cached = replace(nodejs_image(), layers=nodejs_image().layers[:first_steps])
    return _with_nodejs(cached, "0.10.28", dt.datetime(2014, 4, 24, 14, 30, tzinfo=dt.UTC))


def _with_nodejs(image: Image, version: str, start: dt.datetime) -> Image:
    build = Build(start)
    build.run("apt-get update", _package_lists(version, 10_000))
    build.run("apt-get install -y nodejs", package("node", version, 24_000))
    profile = b'\n# Node.js\nexport PATH="node_modules/.bin:$PATH"\n'
    build.run(
        "echo '\\n# Node.js\\nexport PATH=\"node_modules/.bin:$PATH\"' >> /root/.bash_profile",
        {"root/.bash_profile": profile},
    )
    return image.extended(*build.layers)


@cache
def python_image() -> Image:
    """``library/python``: a second language on the same base, that cleans up after itself with whiteouts."""
    cleaned = {whiteout("var/lib/apt/lists/archive_main"): b"", opaque_whiteout("var/cache/apt"): b""}
    build = Build(dt.datetime(2014, 3, 28, 16, 20, tzinfo=dt.UTC))
    build.run(
        "apt-get install -y python2.7 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
        package("python2.7", "2.7.6", 15_000) | cleaned,
    )
    build.set("ENV PYTHONUNBUFFERED 1", Env=["PYTHONUNBUFFERED=1"])
    build.set("CMD [python2.7]", Cmd=["python2.7"])
    return base_image().extended(*build.layers)


@cache
def _web_dependencies() -> tuple[Layer, ...]:
    build = Build(dt.datetime(2014, 5, 2, 9, 0, tzinfo=dt.UTC))
    build.copy("srv/package.json", b'{"name": "web", "dependencies": {"connect": "2.x"}}\n')
    build.run("cd /srv && npm install", package("connect", "2.14", 6_400))
    return tuple(build.layers)


@cache
def web_image(version: str, built: dt.datetime) -> Image:
    """``team/web``: versions share what npm installed, and differ in one file above it."""
    build = Build(built)
    build.copy("srv/server.js", prose(f"web {version}", 2_300))
    build.set("EXPOSE map[8080/tcp:{}]", ExposedPorts={"8080/tcp": {}})
    build.set("CMD [node /srv/server.js]", Cmd=["node", "/srv/server.js"])
    return rebuilt_nodejs_image().extended(*_web_dependencies(), *build.layers)


@cache
def _api_image(version: str, built: dt.datetime) -> Image:
    build = Build(built)
    build.set("MAINTAINER ops@team.example", author="ops@team.example")
    build.copy("srv/api.js", prose(f"api {version}", 3_100))
    build.run("cd /srv && npm install restify", package("restify", version, 4_800))
    build.set("ENTRYPOINT [node /srv/api.js]", Entrypoint=["node", "/srv/api.js"])
    return rebuilt_nodejs_image().extended(*build.layers)


def _lint_image(built: dt.datetime) -> Image:
    build = Build(built)
    build.run("pip install lint", package("lint", "1.0", 5_600))
    build.set("ENTRYPOINT [lint]", Entrypoint=["lint"])
    return python_image().extended(*build.layers)


def _worker_image(built: dt.datetime) -> Image:
    build = Build(built)
    build.run("pip install queue", package("queue", "0.3", 7_300))
    build.run("pip install worker", package("worker", "1.0", 13_000))
    build.set("CMD [worker]", Cmd=["worker"])
    return python_image().extended(*build.layers)


def _tiny_image(built: dt.datetime) -> Image:
    """One imported file and no base; pushed by a client that still writes schema 1 manifests."""
    build = Build(built)
    build.set("CMD [/hello]", Cmd=["/hello"])
    return Image((_imported(built, {"hello": program(noise("hello", 700))}), *build.layers), format="schema1")


def _events_of_2014() -> list[Event]:
    def day(month: int, number: int, hour: int = 9) -> dt.datetime:
        return dt.datetime(2014, month, number, hour, 30, tzinfo=dt.UTC)

    nodejs = "library/nodejs"
    api_0_1 = _api_image("0.1", day(5, 5))
    lint, worker = _lint_image(day(5, 22)), _worker_image(day(6, 2))
    # The nine layers with files that reach the registry: seven of the base, one of python, one of the
    # worker's own.
    arrived = len(python_image().filesystem_layers) + 1
    return [
        Push(repository="library/base", at=day(3, 21), content=base_image()),
        Push(repository="library/tiny", at=day(3, 22), content=_tiny_image(day(3, 22, 8)), tags=("1",)),
        Push(repository=nodejs, at=day(3, 27, 10), content=nodejs_image(), mount_from="library/base"),
        Push(repository="library/python", at=day(3, 28, 17), content=python_image(), tags=("2.7",)),
        Push(repository=nodejs, at=day(4, 24, 15), content=rebuilt_nodejs_image(), tags=("0.10", "latest")),
        Push(
            repository="team/web",
            at=day(5, 2, 11),
            content=web_image("1.0", day(5, 2)),
            tags=("1.0",),
            mount_from=nodejs,
        ),
        Push(repository="team/api", at=day(5, 5, 11), content=api_0_1, tags=("0.1",), mount_from=nodejs),
        MakePrivate(repository="team/api", at=day(5, 6)),
        Push(
            repository="team/web",
            at=day(5, 13, 11),
            content=web_image("1.1", day(5, 13)),
            tags=("1.1", "latest"),
        ),
        Push(
            repository="team/api",
            at=day(5, 20, 11),
            content=_api_image("0.2", day(5, 20)),
            tags=("0.2", "latest"),
        ),
        DeleteTag(repository="team/api", at=day(5, 21), tag="0.1", layouts=_V1),
        DeleteManifest(repository="team/api", at=day(5, 21), content=api_0_1),
        Push(
            repository="team/tools/lint",
            at=day(5, 22, 10),
            content=lint,
            tags=("1",),
            mount_from="library/python",
        ),
        AbortPush(repository="team/worker", at=day(6, 2, 10), image=worker, layers=arrived, sent=4_096),
    ]


@cache
def small_world() -> World:
    """The small world of ``data/``, the lessons and the pictures.

    Examples
    --------
    >>> sorted(small_world().tags("v1"))
    ['library/base', 'library/nodejs', 'library/python', 'library/tiny', 'team/api', 'team/tools/lint',
    'team/web']
    """
    in_v1: list[Event] = []
    moved: list[Event] = []
    for event in _events_of_2014():
        if "v1" in event.layouts:
            in_v1.append(replace(event, layouts=_V1))
        if "distribution" in event.layouts:
            at = event.at.replace(year=_MOVED_TO_DISTRIBUTION)
            moved.append(replace(event, at=at, layouts=_DISTRIBUTION))
    return World("small", (*in_v1, *moved, *events_of_today()))

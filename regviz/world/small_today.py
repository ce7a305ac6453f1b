"""What the small world's Distribution registry saw ten years on: platforms, signatures, charts, zstd."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from regviz.world.artifacts import (
    attested_index,
    bill_of_materials,
    cosign_signature,
    helm_chart,
    referrers_index,
    referrers_tag,
    signature_tag,
)
from regviz.world.build import Build
from regviz.world.contents import noise, package, prose
from regviz.world.describe import Image, Layer, index_of, program
from regviz.world.events import Push

if TYPE_CHECKING:
    from regviz.world.describe import Artifact, Content, File, Index
    from regviz.world.events import Event

_SOURCE = "org.opencontainers.image.source"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _moment(month: int, day: int, hour: int = 9) -> dt.datetime:
    return dt.datetime(2024, month, day, hour, 15, tzinfo=dt.UTC)


@cache
def _base(architecture: str) -> Image:
    rootfs: dict[str, bytes | File] = {
        "bin/sh": program(noise(f"sh {architecture}", 8_500)),
        "lib/libc.so.6": program(noise(f"libc {architecture}", 7_000)),
        "etc/os-release": b'ID=small\nVERSION_ID="12"\n',
        "usr/share/common-licenses/notice": prose("notice", 6_000),
    }
    build = Build(_moment(2, 12), buildkit=True)
    build.run("unpack rootfs", rootfs)
    build.set("LABEL " + _SOURCE, Labels={_SOURCE: "https://code.example/base", "maintainer": "base team"})
    build.set('CMD ["sh"]', Env=[_PATH], Cmd=["sh"])
    return Image(tuple(build.layers), architecture, variant="v8" if architecture == "arm64" else "", format="oci")


@cache
def _nodejs(architecture: str) -> Image:
    build = Build(_moment(2, 19), buildkit=True)
    build.set("ENV NODE_VERSION=20.11.0", Env=["NODE_VERSION=20.11.0"])
    build.run("apk add nodejs", package("node", f"20.11.0 {architecture}", 13_000))
    # The one layer that is the same for both platforms.
    build.copy("usr/local/bin/docker-entrypoint.sh", b'#!/bin/sh\nexec node "$@"\n')
    build.set('ENTRYPOINT ["docker-entrypoint.sh"]', Entrypoint=["docker-entrypoint.sh"])
    return _base(architecture).extended(*build.layers)


@cache
def _web() -> Image:
    build = Build(_moment(2, 29), buildkit=True)
    build.copy("srv/package-lock.json", prose("package-lock 2.0", 6_000))
    build.run("npm ci", package("connect", "3.7", 6_200))
    build.copy("srv/server.js", prose("web 2.0", 2_600))
    build.set("LABEL version=2.0", Labels={"version": "2.0", _SOURCE: "https://code.example/web"})
    build.set('CMD ["/srv/server.js"]', Cmd=["/srv/server.js"])
    return _nodejs("amd64").extended(*build.layers)


@cache
def _web_with_zstd() -> Image:
    """The same changes in other bytes: equal diff IDs and chain IDs, no blob in common but the config."""
    image = _web()
    return replace(image, layers=tuple(layer if layer.empty else layer.recompressed("zstd") for layer in image.layers))


@cache
def _bill() -> Artifact:
    return bill_of_materials(_web(), {"node": "20.11.0", "connect": "3.7"})


@cache
def _chart() -> Artifact:
    templates = {
        "deployment.yaml": "kind: Deployment\nspec:\n  image: registry.example/team/web:2.0\n",
        "service.yaml": "kind: Service\nspec:\n  port: 8080\n",
    }
    return helm_chart("web", "1.2.0", "2.0", templates)


@cache
def _api() -> Index:
    """A docker manifest list of schema 2 images."""

    def image(architecture: str) -> Image:
        build = Build(_moment(4, 1), buildkit=True)
        build.run("npm install restify", package("restify", f"11 {architecture}", 3_300))
        build.copy("srv/api.js", prose("api 1.0", 3_400))
        return _nodejs(architecture).extended(*build.layers, format="schema2")

    return index_of(image("amd64"), image("arm64"), format="list")


@cache
def _cron() -> Image:
    """One layer twice in a stack, and one that is a tar without entries."""
    build = Build(_moment(4, 9), buildkit=True)
    build.copy("etc/crontab", b"0 3 * * * root /usr/local/bin/report\n")
    build.run("touch /tmp/built && rm /tmp/built", {})
    return _base("amd64").extended(build.layers[0], *build.layers, format="schema2")


@cache
def _desktop() -> Image:
    """A base that clients fetch from its vendor, and never push."""
    base = Layer(
        "Apply image 10.0.20348.2322",
        _moment(4, 8),
        {"Files/License.txt": prose("desktop base", 5_000)},
        urls=("https://vendor.example/desktop-base",),
    )
    build = Build(_moment(4, 10), buildkit=True)
    build.copy("Files/agent.exe", noise("agent", 6_100))
    return Image((base, *build.layers), os="windows", os_version="10.0.20348.2322")


@cache
def _tiny() -> Image:
    """A manifest that does not say its media type, over a layer that is not compressed."""
    build = Build(_moment(5, 6), buildkit=True)
    build.copy("hello", noise("hello 2", 900))
    return Image((build.layers[0].recompressed("none"),), format="oci-untyped")


def events_of_today() -> list[Event]:
    """The pushes of 2024, all to a Distribution registry."""

    def push(repository: str, at: dt.datetime, content: Content, *tags: str, mount_from: str = "") -> Push:
        return Push(
            repository=repository,
            at=at,
            content=content,
            tags=tags,
            mount_from=mount_from,
            layouts=frozenset({"distribution"}),
        )

    bases = attested_index(_base("amd64"), _base("arm64"))
    runtimes = attested_index(_nodejs("amd64"), _nodejs("arm64"))
    nodejs, web = "library/nodejs", "team/web"
    return [
        push("library/base", _moment(2, 13), bases, "12"),
        push(nodejs, _moment(2, 20), runtimes, "20", mount_from="library/base"),
        push(web, _moment(3, 1), _web(), "2.0", "latest", mount_from=nodejs),
        push(web, _moment(3, 1, 10), cosign_signature(_web(), web), signature_tag(_web())),
        push(web, _moment(3, 1, 11), referrers_index(_bill()), referrers_tag(_web())),
        push(web, _moment(3, 4), _web_with_zstd(), "2.0-zstd"),
        push("charts/web", _moment(3, 5), _chart(), "1.2.0"),
        push("team/api", _moment(4, 2), _api(), "1.0", mount_from=nodejs),
        push("team/cron", _moment(4, 10), _cron(), "1", mount_from="library/base"),
        push("team/desktop", _moment(4, 11), _desktop(), "1"),
        push("library/tiny", _moment(5, 7), _tiny(), "2"),
    ]

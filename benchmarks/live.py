"""A real Distribution on a made-up storage, and what reading it over HTTP is measured against.

``python -m benchmarks.live NAME URL …`` is one of these in a process of its own.
"""

from __future__ import annotations

import argparse
import atexit
import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import corpus
from benchmarks.work import Counted

if TYPE_CHECKING:
    from benchmarks.corpus import Corpus

_CONFIGURATION = """\
version: 0.1
log: {{accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: "127.0.0.1:0", secret: only-for-this-measurement}}
"""
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws, application/vnd.docker.distribution.manifest.v1+json"
)
CONNECTIONS = 16
_SECONDS = 8
_SAMPLE = 40


def server(made: Corpus) -> str:
    """The URL of a server on a corpus, that ends with this process."""
    program = corpus.program("docker-registry")
    configuration, log = made.folder.with_name("server.yml"), made.folder.with_name("server.log")
    configuration.write_text(_CONFIGURATION.format(root=json.dumps(str(made.folder))), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen([program, "serve", configuration], stdout=output, stderr=output)
    atexit.register(process.terminate)
    for _ in range(500):
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.02)
    raise corpus.Unavailable(f"a docker-registry that starts ({log} says why it does not)")


def mix(made: Corpus, url: str) -> Path:
    """A file with the path of every request that a reading cannot do without, in the order of a reading."""
    names = _asked(url, "/v2/_catalog?n=1000")["repositories"]
    tags = [(name, tag) for name in names for tag in _asked(url, f"/v2/{name}/tags/list")["tags"] or ()]
    paths = ["/v2/", "/v2/_catalog?n=1000", *(f"/v2/{name}/tags/list" for name in names)]
    paths += [f"/v2/{name}/manifests/{tag}" for name, tag in tags]
    configs: dict[str, str] = {}
    for name, tag in tags:
        configs.setdefault(_asked(url, f"/v2/{name}/manifests/{tag}")["config"]["digest"], name)
    paths += [f"/v2/{name}/blobs/{digest}" for digest, name in configs.items()]
    file = made.folder.with_name("mix.txt")
    file.write_text("\n".join(paths) + "\n", encoding="utf-8")
    return file


def _asked(url: str, path: str) -> Any:
    request = urllib.request.Request(url + path, headers={"Accept": _ACCEPT})  # noqa: S310  # a server of our own
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


def regviz(url: str, rows: str) -> None:
    """A registry's tables over HTTP, with no cache; `rows` says how many there must be."""
    import pandas  # noqa: F401, ICN001
    import pyarrow  # noqa: F401, ICN001

    with Counted(wall=True):
        from regviz.read import read

        registry = read(url, cache=False, connections=CONNECTIONS)
    for table, expected in json.loads(rows).items():
        found = len(registry.table(table))
        if found != expected:
            raise SystemExit(f"{table} has {found} rows, not {expected}")


def wrk(url: str, file: str) -> None:
    """The same requests by wrk, which does nothing with the answers; the time that one round of them takes."""
    script = Path(__file__).with_name("mix.lua")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{_SECONDS}s", "-H", f"Accept: {_ACCEPT}", "-s", str(script), url]
    printed = subprocess.run([*command, "--", file], check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])  # type: ignore[index]
    if "Non-2xx" in printed:
        raise SystemExit(printed)
    requests = len(Path(file).read_text(encoding="utf-8").splitlines())
    print(json.dumps({"wall": requests / rate}))


def skopeo(url: str, file: str) -> None:
    """``skopeo inspect`` of one image after another; of a sample, and so much longer as there are more."""
    tags = re.findall(r"^/v2/(.+)/manifests/(.+)$", Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    sample = tags[:: max(len(tags) // _SAMPLE, 1)]
    host = url.removeprefix("http://")
    began = time.perf_counter()
    for name, tag in sample:
        command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{host}/{name}:{tag}"]
        subprocess.run(command, check=True, capture_output=True)
    print(json.dumps({"wall": (time.perf_counter() - began) * len(tags) / len(sample)}))


def main() -> None:
    """Do one of them."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.live")
    words.add_argument("name", choices=["regviz", "wrk", "skopeo"])
    words.add_argument("url")
    words.add_argument("more")
    given = words.parse_args()
    {"regviz": regviz, "wrk": wrk, "skopeo": skopeo}[given.name](given.url, given.more)


if __name__ == "__main__":
    main()

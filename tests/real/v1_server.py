"""The Docker registry of 2014 (PyPI docker-registry 0.9.1) under the Python it was written for.

Installing takes a minute: it is done once a checkout, in `.venv/v1-server`, and again when the list changes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import NO_PYTHON_2, ROOT
from tests.real.service import LOOPBACK, Answer, request, require_program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = ROOT / ".venv" / "v1-server"
VIRTUALENV = "virtualenv==20.15.1"  # the last line that makes environments for Python 2.7
# Installed without resolving: some are newer than docker-registry asks for, because its own no longer build.
PACKAGES = (
    "backports.lzma==0.0.14",
    "blinker==1.3",
    "boto==2.34.0",
    "docker-registry-core==2.0.3",
    "docker-registry==0.9.1",
    "Flask==0.10.1",
    "gevent==1.4.0",
    "greenlet==0.4.17",
    "gunicorn==19.1.1",
    "itsdangerous==0.24",
    "Jinja2==2.11.3",
    "M2Crypto==0.38.0",
    "MarkupSafe==1.1.1",
    "PyYAML==3.13",
    "redis==2.10.3",
    "requests==2.3.0",
    "setuptools==5.8",
    "simplejson==3.6.2",
    "SQLAlchemy==0.9.4",
    "typing==3.10.0.0",
    "Werkzeug==0.14.1",
)

_CONFIG = """\
local:
  issue: tests
  loglevel: info
  standalone: true
  disable_token_auth: true
  search_backend: null
  storage: local
  storage_path: "{root}"
"""


@dataclass(frozen=True, slots=True)
class V1Server:
    """A running v1 registry and the folder it stores in."""

    port: int
    root: Path

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """A request below /v1/, whatever its answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.port, method, "/v1/" + path, body, named)

    def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        answer = self.request("GET", path)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.body[:300]!r}"
        return answer.json()


@contextmanager
def v1_registry(folder: Path) -> Iterator[V1Server]:
    """A server on an empty storage in the folder; skips where it cannot be installed."""
    gunicorn = install() / "bin" / "gunicorn"
    root, config = folder / "registry", folder / "v1.yml"
    root.mkdir()
    config.write_text(_CONFIG.format(root=root))
    env = os.environ | {"DOCKER_REGISTRY_CONFIG": str(config), "SETTINGS_FLAVOR": "local", "TZ": "UTC"}
    options = ["--worker-class=gevent", "--workers=1", f"--bind={LOOPBACK}:0", "--log-file=-"]
    command, listening = [str(gunicorn), *options, "docker_registry.wsgi:application"], r"http://[^:]+:(\d+)"
    with running(command, folder / "server.log", listening=listening, env=env) as port:
        yield V1Server(port, root)


def install() -> Path:
    """The environment with the server in it, made if it is not there yet."""
    python = _python_2()
    wanted = "\n".join((python, VIRTUALENV, *PACKAGES))
    HOME.parent.mkdir(exist_ok=True)
    with HOME.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = HOME / "made-of.txt"
        if not made.is_file() or made.read_text() != wanted:
            _need_headers()
            shutil.rmtree(HOME, ignore_errors=True)
            maker = HOME / "maker"
            _run(python, "-m", "pip", "install", "--target", str(maker), VIRTUALENV)
            _run(python, "-m", "virtualenv", str(HOME), env=os.environ | {"PYTHONPATH": str(maker)})
            _run(str(HOME / "bin" / "pip"), "install", "--no-deps", *PACKAGES)
            shutil.rmtree(maker)
            made.write_text(wanted)
    return HOME


def _python_2() -> str:
    candidates = [str(path) for path in Path.home().glob(".pyenv/versions/2.7*/bin/python2.7")]
    for candidate in (*sorted(candidates), shutil.which("python2.7") or ""):
        # A shim of pyenv is on the PATH whether or not there is anything behind it: only running it tells.
        imports = [candidate, "-c", "import pip, ssl"]
        if candidate and subprocess.run(imports, check=False, capture_output=True).returncode == 0:
            return candidate
    pytest.skip(f"{NO_PYTHON_2}: no CPython 2.7 with pip in ~/.pyenv/versions or on the PATH")


def _need_headers() -> None:
    """M2Crypto is compiled against OpenSSL, its interface written by swig."""
    require_program("swig", "swig")
    if not Path("/usr/include/openssl/ssl.h").is_file():
        pytest.skip("OpenSSL's headers are not here; apt-get install -y --no-install-recommends libssl-dev")


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

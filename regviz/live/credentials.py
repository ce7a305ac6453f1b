"""Credentials as Docker and podman keep them: read when a registry asks, never shown, never written.

Files, in podman's order (containers-auth.json.5): ``$REGISTRY_AUTH_FILE``, ``$XDG_RUNTIME_DIR/containers/auth.json``,
``~/.config/containers/auth.json``; then Docker's ``$DOCKER_CONFIG/config.json`` or ``~/.docker/config.json``, and
``~/.dockercfg``. Keys may be narrower than a host (``host/namespace/repository``): the most specific one counts.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regviz.manifests.json import Document, load_object, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HUB_HOSTS = ("docker.io", "index.docker.io", "hub.docker.com", "registry-1.docker.io")
_HUB_KEY = "https://index.docker.io/v1/"
_LARGEST_FILE = 1 << 20
_HELPER_SECONDS = 60
_IDENTITY = "<token>"


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """What proves who asks: a name with a password, an identity token, or a registry token."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return "Login(…)"

    @property
    def basic(self) -> str:
        """The value of an Authorization header, where there is a password."""
        if not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class Credentials:
    """The logins of one registry.

    Parameters
    ----------
    authority : str
        Host and port, as credentials are kept under.
    given : Login, optional
        What the URL said: it goes before all others.
    environment : mapping, optional
        In place of ``os.environ``.

    Attributes
    ----------
    looked : list of str
        Where it was looked, and what was wrong there, for a person who has to log in.
    """

    def __init__(
        self, authority: str, given: Login | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._authority, self._given = authority, given
        self._environment = os.environ if environment is None else environment
        self._files: list[Document] | None = None
        self._known: dict[str, Login | None] = {}
        self._asked: dict[tuple[str, str], Login | None] = {}
        self._lock = threading.Lock()
        self.looked: list[str] = []

    def login(self, repository: str = "") -> Login | None:
        """The login for a repository, or for what belongs to none."""
        if self._given is not None:
            return self._given
        with self._lock:  # a helper is asked once, and not by all threads at a time
            if repository not in self._known:
                if self._files is None:
                    self._files = list(self._read_files())
                keys = list(self._keys(repository))
                found = (self._in_file(file, keys) for file in self._files)
                self._known[repository] = next((login for login in found if login is not None), None)
            return self._known[repository]

    def _keys(self, repository: str) -> Iterator[str]:
        """Keys that may have the login, the most specific first."""
        hosts = (self._authority, *HUB_HOSTS) if self._authority in HUB_HOSTS else (self._authority,)
        parts = repository.split("/") if repository else []
        for length in range(len(parts), -1, -1):
            for host in dict.fromkeys(hosts):
                yield "/".join([host, *parts[:length]])

    def _read_files(self) -> Iterator[Document]:
        for path in self._paths():
            try:
                with path.open("rb") as file:
                    data = file.read(_LARGEST_FILE)
            except FileNotFoundError:
                self.looked.append(f"{path} (not there)")
                continue
            except OSError as error:
                self.looked.append(f"{path} ({error.strerror})")
                continue
            document = load_object(data)
            self.looked.append(str(path) if document is not None else f"{path} (no JSON)")
            if document is not None:
                yield {"auths": document} if path.name == ".dockercfg" else document

    def _paths(self) -> Iterator[Path]:
        environment, home = self._environment, Path(self._environment.get("HOME") or Path.home())
        if environment.get("REGISTRY_AUTH_FILE"):
            yield Path(environment["REGISTRY_AUTH_FILE"])
        if environment.get("XDG_RUNTIME_DIR"):
            yield Path(environment["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
        yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"
        yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
        yield home / ".dockercfg"

    def _in_file(self, file: Document, keys: list[str]) -> Login | None:
        helpers = mapping(file.get("credHelpers"))
        entries = {_key(name): mapping(entry) for name, entry in mapping(file.get("auths")).items()}
        for key in keys:
            login = self._from_helper(text(helpers.get(key)), key) or _from_entry(entries.get(key, {}))
            if login is not None:
                return login
        host = _HUB_KEY if self._authority in HUB_HOSTS else self._authority
        return self._from_helper(text(file.get("credsStore")), host)

    def _from_helper(self, suffix: str, key: str) -> Login | None:
        if not suffix:
            return None
        if (suffix, key) not in self._asked:
            self._asked[suffix, key] = self._ask_helper(suffix, key)
        return self._asked[suffix, key]

    def _ask_helper(self, suffix: str, key: str) -> Login | None:
        name = f"docker-credential-{suffix}"
        program = shutil.which(name, path=self._environment.get("PATH")) if re.fullmatch(r"[\w.-]+", suffix) else None
        if program is None:
            self.looked.append(f"{name} (no such program)")
            return None
        try:
            done = subprocess.run(  # noqa: S603  # the program that the user's own configuration names
                [program, "get"],
                input=key.encode(),
                capture_output=True,
                timeout=_HELPER_SECONDS,
                check=False,
                env=dict(self._environment),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.looked.append(f"{name} ({type(error).__name__})")
            return None
        answer = load_object(done.stdout) if done.returncode == 0 else None
        if answer is None:
            self.looked.append(f"{name} (has none for {key})")
            return None
        username, secret = text(answer.get("Username")), text(answer.get("Secret"))
        self.looked.append(name)
        return Login(identity_token=secret) if username == _IDENTITY else Login(username, secret)


def _key(name: str) -> str:
    """A key of ``auths`` as host and port, or narrower; Docker once wrote whole URLs.

    Examples
    --------
    >>> _key("https://index.docker.io/v1/"), _key("quay.io/team/app"), _key("registry.example.org/v2")
    ('index.docker.io', 'quay.io/team/app', 'registry.example.org')
    """
    without = re.sub(r"^https?://", "", name)
    if without != name:
        return without.partition("/")[0]
    return re.sub(r"/v[12]$", "", name.rstrip("/"))


def _from_entry(entry: Document) -> Login | None:
    username, password = text(entry.get("username")), text(entry.get("password"))
    if text(entry.get("auth")):
        try:
            decoded = base64.b64decode(text(entry.get("auth"))).decode()
        except ValueError:
            decoded = ""
        username, _, password = decoded.rstrip("\0").partition(":")
    identity, registry = text(entry.get("identitytoken")), text(entry.get("registrytoken"))
    login = Login(username, password, identity, registry)
    return login if password or identity or registry else None

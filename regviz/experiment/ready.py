"""Whether there is an engine for the experiment, what it is, and what lacks."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.experiment.trouble import explain, one_line
from regviz.live.engine import connect as connect_to_address
from regviz.live.engine import engine_host
from regviz.manifests.json import mapping, text
from regviz.text import escape_html, escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docker import DockerClient

__all__ = ["IMAGES", "Lack", "Readiness", "attached", "connect", "explain", "host_of", "ready"]

IMAGES = ("registry:2", "busybox")
"""What the experiment is made of, unless it is told otherwise."""

_CONTAINERD = "io.containerd.snapshotter.v1"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing, and what to do.

    Attributes
    ----------
    what, todo : str
    stops : bool
        Whether the experiment cannot go on without; else it is worth knowing.
    """

    what: str
    todo: str
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.todo}" if self.todo else self.what


@dataclass(frozen=True, slots=True)
class Readiness:
    """What an engine is, and what it lacks for the experiment.

    Attributes
    ----------
    host : str
        Its address; empty where not even that is known.
    version, api, platform, storage : str
        What it says of itself; empty where none answers.
    insecure : tuple of str
        The registries it speaks plain HTTP to.
    lacks : tuple of Lack
    """

    host: str
    version: str = ""
    api: str = ""
    platform: str = ""
    storage: str = ""
    insecure: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the experiment can be made on it."""
        return not any(lack.stops for lack in self.lacks)

    @property
    def why(self) -> str:
        """Why not, in one line; empty where it can."""
        return next((str(lack) for lack in self.lacks if lack.stops), "")

    def rows(self) -> list[tuple[str, str]]:
        """What to show: a word, and what there is to say."""
        known = [
            ("engine", f"Docker Engine {self.version} at {self.host}" if self.version else "none"),
            ("API", self.api),
            ("platform", self.platform),
            ("storage", self.storage),
            ("plain HTTP to", ", ".join(self.insecure)),
        ]
        said = [(word, value) for word, value in known if value]
        said += [("lacks" if lack.stops else "note", str(lack)) for lack in self.lacks]
        return [*said, ("ready", "yes" if self.ok else "no")]

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(word) for word, _ in rows)
        return "\n".join(f"{word:{width}}  {escape_terminal(value)}" for word, value in rows)

    def _repr_html_(self) -> str:
        rows = [f"<tr><th>{escape_html(word)}</th><td>{escape_html(value)}</td></tr>" for word, value in self.rows()]
        return f"<table><tbody>{''.join(rows)}</tbody></table>"


def ready(engine: str | DockerClient | None = None, *, images: Sequence[str] = IMAGES) -> Readiness:
    """Whether the experiment can be made on an engine, and what lacks. It never raises, and changes nothing.

    Parameters
    ----------
    engine : str or DockerClient, optional
        A URL (``unix://``, ``tcp://``, ``ssh://``, ``npipe://``), the name of a Docker context, or a client; left out,
        the engine that Docker's own programs would use.
    images : sequence of str
        The images that the experiment is made of.

    Returns
    -------
    Readiness

    Examples
    --------
    >>> there = ready("unix:///no/such/docker.sock")
    >>> there.ok, there.why
    (False, 'no Docker Engine at unix:///no/such/docker.sock, its socket is not there: ...')
    """
    host = engine if isinstance(engine, str) else ""
    try:
        host = host_of(engine)
        with attached(engine) as client:
            return _asked(client, host, images)
    except RegvizError as error:
        return Readiness(host, lacks=(Lack(str(error), ""),))


@contextmanager
def attached(engine: str | DockerClient | None = None) -> Iterator[DockerClient]:
    """A client of an engine, closed at the end if it was made here; what goes wrong within is explained.

    Raises
    ------
    RegvizError
        Where the engine does not answer, or refuses; it says what to do.
    """
    import docker

    host = host_of(engine)
    try:
        if engine is not None and not isinstance(engine, str):
            yield engine
        else:
            with closing(connect(engine)) as client:
                yield client
    except (docker.errors.DockerException, OSError) as error:
        raise explain(error, host) from error


def connect(engine: str | None = None) -> DockerClient:
    """A client of the engine at a URL, of a Docker context, or of the one Docker's own programs would use.

    Raises
    ------
    RegvizError
        No engine answers there; it says what to do.
    """
    import docker

    host = host_of(engine)
    try:
        if engine is None or "://" in engine:
            return connect_to_address(engine or "")
        tls = _context(engine).TLSConfig
        return docker.DockerClient(host, version="auto", tls=tls) if tls else connect_to_address(host)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise explain(error, host) from error


def host_of(engine: str | DockerClient | None = None) -> str:
    """Where an engine is, as a URL.

    Raises
    ------
    RegvizError
        There is no such Docker context.

    Examples
    --------
    >>> host_of("tcp://10.20.0.199:2375")
    'tcp://10.20.0.199:2375'
    """
    if engine is None or (isinstance(engine, str) and "://" in engine):
        return engine_host(engine or "")
    if isinstance(engine, str):
        return str(_context(engine).Host).removeprefix("http+")
    adapter = getattr(engine.api, "_custom_adapter", None)
    path = getattr(adapter, "socket_path", "") or getattr(adapter, "npipe_path", "") or getattr(adapter, "ssh_host", "")
    scheme = {"socket_path": "unix://", "npipe_path": "npipe://", "ssh_host": "ssh://"}
    kind = next((word for name, word in scheme.items() if getattr(adapter, name, "")), "")
    return f"{kind}{path}" if path else str(engine.api.base_url).replace("http://", "tcp://")


def platform_of(client: DockerClient) -> str:
    """What images an engine runs, as images say it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> platform_of(SimpleNamespace(info=lambda: {"OSType": "linux", "Architecture": "aarch64"}))
    'linux/arm64'
    """
    info = mapping(client.info())
    machine = text(info.get("Architecture"))
    return f"{text(info.get('OSType')) or 'linux'}/{_ARCHITECTURES.get(machine, machine)}"


def has_image(client: DockerClient, name: str) -> bool:
    """Whether an engine has an image of that name."""
    import docker

    try:
        client.api.inspect_image(name)
    except docker.errors.NotFound:
        return False
    return True


def _context(name: str) -> Any:
    import docker

    try:
        context = docker.ContextAPI.get_context(name)
    except (docker.errors.DockerException, OSError, ValueError, KeyError):  # its files are damaged
        context = None
    if context is None or not context.Host:
        raise RegvizError(
            f"there is no Docker context {one_line(name)}: `docker context ls` lists those there are; an engine's "
            "address has a scheme, such as ssh://USER@HOST or tcp://HOST:2376"
        )
    return context


def _asked(client: DockerClient, host: str, images: Sequence[str]) -> Readiness:
    version, info = mapping(client.version()), mapping(client.info())
    lacks = []
    system = text(info.get("OSType")) or "linux"
    if system != "linux":
        lacks.append(
            Lack(f"this engine runs containers of {one_line(system)}", "switch Docker Desktop to Linux containers")
        )
    parts = version.get("Components")
    if isinstance(parts, list) and any("podman" in text(mapping(part).get("Name")).lower() for part in parts):
        lacks.append(Lack("this is Podman", "its answers can differ from Docker's in what the steps show", stops=False))
    missing = [name for name in images if not has_image(client, name)]
    if missing:
        names = " and ".join(missing)
        todo = "`docker pull` gets them, and so does the experiment; or --images FILE, of regviz experiment bundle"
        lacks.append(Lack(f"{names} not here yet", todo, stops=False))
    return Readiness(
        host=host,
        version=one_line(text(version.get("Version"))),
        api=one_line(text(version.get("ApiVersion"))),
        platform=one_line(platform_of(client)),
        storage=_storage(info),
        insecure=_insecure(info),
        lacks=tuple(lacks),
    )


def _storage(info: dict[str, Any]) -> str:
    driver = one_line(text(info.get("Driver")))
    status = info.get("DriverStatus")
    pairs = status if isinstance(status, list) else []
    if any(isinstance(pair, list) and _CONTAINERD in pair for pair in pairs):
        return f"containerd's image store ({driver}): an image's ID is the digest of its manifest or index"
    return f"graph driver {driver}: an image's ID is the digest of its configuration"


def _insecure(info: dict[str, Any]) -> tuple[str, ...]:
    config = mapping(info.get("RegistryConfig"))
    ranges = config.get("InsecureRegistryCIDRs")
    known = [one_line(each) for each in ranges if isinstance(each, str)] if isinstance(ranges, list) else []
    named = mapping(config.get("IndexConfigs"))
    return (*known, *(one_line(name) for name, said in named.items() if mapping(said).get("Secure") is False))

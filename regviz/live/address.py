"""Where a registry answers: its URL taken apart, and what may be sent there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from regviz.errors import RegvizError
from regviz.live.credentials import HUB_HOSTS, Login

_FILES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip", ".regviz")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
HUB = "registry-1.docker.io"
"""Where Docker Hub's API answers, whatever else it is called."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A registry's address.

    Attributes
    ----------
    scheme, host : str
    port : int or None
        None for the scheme's own.
    prefix : str
        What stands before ``/v2/``; empty nearly everywhere.
    login : Login or None
        What the URL itself said; never shown.
    """

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""
    login: Login | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """Host, with the port where it is not the scheme's own; as credentials are kept under."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port as a URL without a path."""
        return f"{self.scheme}://{self.authority}"

    @property
    def uri(self) -> str:
        """The whole address, without anything secret."""
        return self.origin + self.prefix

    def is_same(self, url: str) -> bool:
        """Whether a URL leads to the same scheme, host and port."""
        return origin_of(url) == origin_of(self.origin)


def parse_address(source: str, *, insecure: bool = False, of_capture: bool = False) -> Address:
    """The address that a URL means; `of_capture`: of a capture's folder, which its prefix is.

    Raises
    ------
    RegvizError
        It is no registry's URL, or asks for plain HTTP where that was not allowed.

    Examples
    --------
    >>> parse_address("https://someone:secret@registry.example.org:5000/v2/").uri
    'https://registry.example.org:5000'
    """
    if source.lower().startswith("docker://"):
        rest = source[len("docker://") :].rpartition("@")[2] or "HOST"
        host, _, repository = rest.partition("/")
        name = re.sub(r"(:[^/]*)?$", "", repository)
        chosen = f", and choose with repositories=[{name!r}]" if name else ""
        raise RegvizError(f"docker://{rest}: regviz reads a whole registry: write https://{host}{chosen}")
    try:
        url = urlsplit(source)
        host, port = (url.hostname or "").rstrip("."), url.port
    except ValueError as error:
        raise RegvizError(f"this is no URL that can be read ({error}): write https://HOST[:PORT]") from None
    shown = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    if not _HOST.fullmatch(host):
        raise RegvizError(f"{shown} names no host: write https://HOST[:PORT]")
    if url.query or url.fragment:
        raise RegvizError(f"{shown} has more than a registry's URL has (? or #): write https://HOST[:PORT]")
    if url.path.lower().endswith(_FILES) and not of_capture:
        raise RegvizError(f"{shown} is an archive by its name, and no registry: download it first")
    _refuse_plain(url, host, shown, insecure=insecure)
    prefix = re.sub(r"/v[12]/?$", "", url.path).rstrip("/")
    if host in HUB_HOSTS:
        host = HUB
    if port == _DEFAULT_PORTS[url.scheme]:
        port = None
    return Address(url.scheme, host, port, prefix, _login(url))


def parse_archive(source: str, *, insecure: bool = False) -> tuple[Address, str]:
    """Where an archive lies, and what to ask for there; the address' `uri` has no query, which may be a secret.

    Raises
    ------
    RegvizError
        It is no URL, or asks for plain HTTP where that was not allowed.

    Examples
    --------
    >>> address, target = parse_archive("https://me:secret@h.example/dump.tar?signature=1#end")
    >>> address.uri, target
    ('https://h.example/dump.tar', 'https://h.example/dump.tar?signature=1')
    """
    url = urlsplit(source)
    shown = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    try:
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise RegvizError(f"{shown} is no URL that can be read ({error})") from None
    if not _HOST.fullmatch(host):
        raise RegvizError(f"{shown} names no host: write https://HOST[:PORT]/PATH")
    _refuse_plain(url, host, shown, insecure=insecure)
    if port == _DEFAULT_PORTS[url.scheme]:
        port = None
    address = Address(url.scheme, host, port, quote(url.path, safe="/%:@!$&'()*+,;=~"), _login(url))
    return address, address.uri + (f"?{url.query}" if url.query else "")


def _refuse_plain(url: SplitResult, host: str, shown: str, *, insecure: bool) -> None:
    if url.scheme == "http" and not is_loopback(host) and not insecure:
        raise RegvizError(
            f"{shown}: plain HTTP can be read and changed by anyone on the way, so it is used for this machine only: "
            "write https://, or allow it (insecure=True, --insecure)"
        )


def _login(url: SplitResult) -> Login | None:
    if url.username is None:
        return None
    return Login(unquote(url.username), unquote(url.password or ""))


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL, those left out filled in; empty and 0 where it is none.

    Examples
    --------
    >>> origin_of("https://a.example/x") == origin_of("https://A.example:443")
    True
    """
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name alone.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.5", "::1", "localhost", "localhost.example.org", "10.0.0.1")]
    [True, True, True, False, False]
    """
    host = host.strip("[]")
    return host == "localhost" or _is(host, "is_loopback")


def is_link_local(host: str) -> bool:
    """Whether a host is an address that only this machine's own network link has, such as a cloud's metadata."""
    return _is(host.strip("[]"), "is_link_local")


def is_private(host: str) -> bool:
    """Whether a host is an address of this machine or of a network of one's own."""
    return is_loopback(host) or _is(host.strip("[]"), "is_private")


def _is(host: str, quality: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(getattr(mapped or address, quality))

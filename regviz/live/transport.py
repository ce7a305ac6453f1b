"""Beneath the client: a pool for proxies and other hosts, and what errors and headers of other programs mean."""

from __future__ import annotations

import contextlib
import ssl
import time
import urllib.request
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import urllib3

from regviz.live.address import is_loopback
from regviz.live.direct import Received

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.live.address import Address


def open_pool(address: Address, connections: int) -> urllib3.PoolManager:
    """Connections to where an address redirects to, and through the user's proxy if there is one."""
    options = {"maxsize": connections, "block": True, "num_pools": 8}
    proxy = None if is_loopback(address.host) else urllib.request.getproxies().get(address.scheme)
    if proxy and not urllib.request.proxy_bypass(address.host):
        return urllib3.ProxyManager(proxy, **options)  # type: ignore[arg-type]
    return urllib3.PoolManager(**options)  # type: ignore[arg-type]


@contextlib.contextmanager
def received(response: urllib3.BaseHTTPResponse) -> Iterator[Received]:
    """A pool's answer; unless all of it was read, its connection is closed after."""
    done = False
    try:
        yield Received(response.status, response.headers, response.read1)
        done = True
    finally:
        if not done:
            response.close()  # what still comes is not waited for
        response.release_conn()


def retry_after(value: str) -> float | None:
    """Seconds to wait: RFC 9110 has a number or a date."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def reason_of(error: Exception) -> str:
    """What went wrong with a connection, without addresses in memory and without what the other side says."""
    inner = getattr(error, "reason", None)
    cause = inner if isinstance(inner, Exception) else error
    if isinstance(cause, urllib3.exceptions.SSLError) and cause.args and isinstance(cause.args[0], Exception):
        cause = cause.args[0]
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return f"no connection ({str(cause).rpartition(': ')[2]})"
    if isinstance(cause, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(cause, (urllib3.exceptions.SSLError, ssl.SSLError)):
        return f"TLS failed ({getattr(cause, 'reason', '') or cause})"
    if isinstance(cause, ConnectionRefusedError) or (
        isinstance(cause, OSError) and not isinstance(cause, ConnectionError)  # no route, no such name
    ):
        return f"no connection ({cause})"
    return f"the connection broke ({type(cause).__name__})"

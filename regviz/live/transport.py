"""Beneath the client: pools of connections, and what errors and headers of other programs mean."""

from __future__ import annotations

import ssl
import time
import urllib.request
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import urllib3

from regviz.live.address import is_loopback

if TYPE_CHECKING:
    from regviz.live.address import Address


def open_pool(address: Address, connections: int) -> urllib3.PoolManager:
    """Connections to an address and where it redirects to, through the user's proxy if there is one."""
    options = {"maxsize": connections, "block": True, "num_pools": 8}
    proxy = None if is_loopback(address.host) else urllib.request.getproxies().get(address.scheme)
    if proxy and not urllib.request.proxy_bypass(address.host):
        return urllib3.ProxyManager(proxy, **options)  # type: ignore[arg-type]
    return urllib3.PoolManager(**options)  # type: ignore[arg-type]


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
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return f"no connection ({str(cause).rpartition(': ')[2]})"
    if isinstance(cause, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(cause, (urllib3.exceptions.SSLError, ssl.SSLError)):
        return f"TLS failed ({getattr(cause.args[0] if cause.args else cause, 'reason', '') or cause})"
    return f"the connection broke ({type(cause).__name__})"

"""What answers over a wire: registries read over HTTP, into the same tables as their storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.live.address import is_address

if TYPE_CHECKING:
    from regviz.layouts.common import Options
    from regviz.live.options import Live
    from regviz.registry import Registry

__all__ = ["is_address", "read"]


def read(source: str, options: Options, live: Live) -> Registry:
    """Read the registry at a URL: ``/v2/`` first, then ``/v1/``."""
    from regviz.live.connect import read_registry  # it loads what speaks HTTP

    return read_registry(source, options, live)

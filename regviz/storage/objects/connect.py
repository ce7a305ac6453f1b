"""From a URL and options to an implementation of fsspec, without its caches."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError
from regviz.storage.objects.address import ObjectAddress, parse_object_address
from regviz.storage.objects.errors import not_installed, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regviz.storage.objects.adapter import Adapter

_MODULES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
CONNECTIONS = 64
"""Requests at a time; every page of a listing and every object is one."""


def connect(source: str, options: Mapping[str, Any]) -> tuple[ObjectAddress, Adapter]:
    """What a URL means, and what asks for it.

    Raises
    ------
    RegvizError
        It cannot be used, something is not installed, or does not take these options.
    """
    address = parse_object_address(source)
    module = _MODULES.get(address.protocol, "fsspec")
    try:
        importlib.import_module(module)
        import fsspec
    except ImportError as error:
        raise not_installed(address, error.name or module) from error
    given: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False} | dict(options)
    try:
        return address, _adapter(address, given)
    except ImportError as error:
        raise not_installed(address, error.name or module) from error
    except RegvizError:
        raise
    except ValueError as error:
        if address.protocol not in fsspec.available_protocols():
            raise RegvizError(f"{address.uri}: {address.protocol}:// is no storage that fsspec knows") from error
        raise understood(error, address) from error
    except Exception as error:
        raise understood(error, address) from error


def _adapter(address: ObjectAddress, options: dict[str, Any]) -> Adapter:
    import fsspec
    from fsspec.asyn import get_loop

    if address.protocol == "s3":
        from regviz.storage.objects.s3 import S3, with_quick_pages

        config = {"max_pool_connections": CONNECTIONS, "connect_timeout": 10, "read_timeout": 60}
        options["config_kwargs"] = config | dict(options.get("config_kwargs") or {})
        return S3(with_quick_pages(_filesystem("s3", options)), address.bucket)
    if address.protocol == "gs":
        from regviz.storage.objects.gcs import GCS

        # what it meets it raises, and would print too
        logging.getLogger("gcsfs").addHandler(logging.NullHandler())
        if options.pop("anon", False):
            options.setdefault("token", "anon")
        return GCS(_filesystem("gs", options), address.bucket)
    if address.protocol == "az":
        from regviz.storage.objects.azure import Azure

        if options.pop("endpoint_url", None):
            raise RegvizError(
                f"{address.uri}: Azure's endpoint is a part of the connection string: give that as the variable "
                "AZURE_STORAGE_CONNECTION_STRING"
            )
        found = fsspec.get_filesystem_class("az")._get_kwargs_from_urls(address.uri)  # noqa: SLF001
        return Azure(_filesystem("az", found | options), address.bucket)
    from regviz.storage.objects.general import General

    found = fsspec.get_filesystem_class(address.protocol)._get_kwargs_from_urls(address.uri)  # noqa: SLF001
    return General(_filesystem(address.protocol, found | options), address.protocol, get_loop())


def _filesystem(protocol: str, options: dict[str, Any]) -> Any:
    import fsspec

    return fsspec.filesystem(protocol, **options)

"""What a page would fetch, as the check of CI finds it."""

from __future__ import annotations

import importlib.util

from tests.conftest import ROOT


def loads(html: str) -> list[str]:
    """Every load of a page that has a tag at all."""
    spec = importlib.util.spec_from_file_location("loads_nothing", ROOT / ".ci" / "loads_nothing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.Loads()
    page.feed(html)
    assert page.tags
    found: list[str] = page.found
    return found

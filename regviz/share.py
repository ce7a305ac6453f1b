"""Finds what is shipped beside the code: the folders of a clone, or their copies in the wheel."""

from __future__ import annotations

from pathlib import Path

from regviz.errors import RegvizError

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """``notebooks`` or ``data``: the checkout's own where regviz runs from a clone, else the wheel's copy.

    Raises
    ------
    RegvizError
        Neither is there: the installation is not complete.
    """
    for place in (_HERE.parent / name, _HERE / "_share" / name):
        if place.is_dir() and (place.parent != _HERE.parent or (_HERE.parent / "pyproject.toml").is_file()):
            return place
    message = f"{name}/ is not part of this installation of regviz; install it again"
    raise RegvizError(message)


def shipped_world() -> str:
    """Path of the small world that ships with regviz, as a Distribution storage."""
    return str(folder("data") / "world-distribution.tar.gz")

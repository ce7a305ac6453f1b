"""Rows chosen by repository and tag. The accounting behind a table always knows the whole registry."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from regviz.registry import Registry


def repository_matcher(globs: Sequence[str], excluded: Sequence[str]) -> Callable[[str], bool] | None:
    """Whether a repository's name is wanted; None where nothing was asked. A name's ``library/`` may be left out."""
    if not globs and not excluded:
        return None

    def like(name: str, patterns: Sequence[str]) -> bool:
        names = (name, name.removeprefix("library/"))
        return any(fnmatchcase(known, pattern) for pattern in patterns for known in names)

    return lambda name: (not globs or like(name, globs)) and not like(name, excluded)


def choose_rows(
    frame: pd.DataFrame, registry: Registry, matches: Callable[[str], bool] | None, tag: str | None
) -> pd.DataFrame:
    """The rows of a table whose repository and tag are wanted.

    A table of manifests is chosen from by the repositories that serve them, and the tags that reach them.

    Raises
    ------
    click.UsageError
        The table has nothing to choose by.
    """
    if matches is None and tag is None:
        return frame
    try:
        pattern = re.compile(tag or "")
    except re.error as error:
        raise click.BadParameter(f"{tag!r} is no regular expression: {error}", param_hint="--tag") from error
    names = {"repository": matches is not None, "tag": tag is not None}
    if all(name in frame.columns for name, asked in names.items() if asked):
        keep = frame.index == frame.index
        if matches is not None:
            keep &= frame["repository"].astype("str").map(matches, na_action="ignore").fillna(False).astype(bool)
        if tag is not None:
            keep &= frame["tag"].astype("str").map(lambda name: bool(pattern.search(name)), na_action="ignore").fillna(False)
        return frame[keep]
    if "manifest" not in frame.columns:
        raise click.UsageError("This table has neither repositories, tags nor manifests to choose by.")
    wanted = _manifests(registry, matches, pattern if tag is not None else None)
    return frame[frame["manifest"].isin(wanted)]


def _manifests(
    registry: Registry, matches: Callable[[str], bool] | None, pattern: re.Pattern[str] | None
) -> set[str]:
    """Manifests that wanted repositories serve, and wanted tags reach."""
    from regviz.graph.layers import tagged_manifests

    found: set[str] = set()
    tags = registry.tags
    rows, codes = tagged_manifests(registry)
    for row, manifest in zip(rows.tolist(), registry.code_texts("digest", codes.astype("int32")), strict=True):
        repository, tag = tags["repository"].iat[row], tags["tag"].iat[row]
        if (matches is None or matches(repository)) and (pattern is None or pattern.search(tag)):
            found.add(manifest)
    if pattern is None and matches is not None:
        served = registry.repository_manifests
        found |= set(served["manifest"][served["repository"].astype("str").map(matches)])
    return found

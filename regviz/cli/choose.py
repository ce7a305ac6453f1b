"""Rows chosen by repository and tag. The accounting behind a table always knows the whole registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regviz.text import is_like

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    import pandas as pd

    from regviz.registry import Registry

    Matches = Callable[[str], bool]


def repository_matcher(globs: Sequence[str], excluded: Sequence[str]) -> Matches | None:
    """Whether a repository's name is wanted; None where nothing was asked. A name's ``library/`` may be left out."""
    if not globs and not excluded:
        return None
    return lambda name: (not globs or is_like(name, globs)) and not is_like(name, excluded)


def choose_rows(
    frame: pd.DataFrame, registry: Registry, matches: Matches | None, pattern: re.Pattern[str] | None
) -> pd.DataFrame:
    """The rows of a table whose repository matches, and in whose tag a pattern is found.

    A table of manifests is chosen from by the repositories that serve them, and the tags that reach them.

    Raises
    ------
    click.UsageError
        The table has nothing to choose by.
    """
    found = None if pattern is None else lambda tag: bool(pattern.search(tag))
    for column, wanted in (("repository", matches), ("tag", found)):
        if wanted is None:
            continue
        if column in frame.columns:
            frame = frame[[isinstance(name, str) and wanted(name) for name in frame[column].astype(object)]]
        elif "manifest" in frame.columns:
            frame = frame[frame["manifest"].isin(_manifests(registry, matches, found if column == "tag" else None))]
        else:
            raise click.UsageError(f"--{column} cannot choose here: a row belongs to no {column} and to no manifest.")
    return frame


def _manifests(registry: Registry, matches: Matches | None, found: Matches | None) -> set[str]:
    """Manifests that matching tags of matching repositories reach; if any does, what those serve without one too."""
    from regviz.graph.layers import tagged_manifests

    tags = [registry.tags[name].astype(object).tolist() for name in ("repository", "tag")]
    rows, codes = tagged_manifests(registry)
    manifests = registry.code_texts("digest", codes.astype("int32"))
    reached = {
        manifest
        for row, manifest in zip(rows.tolist(), manifests, strict=True)
        if (matches is None or matches(tags[0][row])) and (found is None or found(tags[1][row]))
    }
    if found is None and matches is not None:
        served = registry.repository_manifests
        mine = [matches(repository) for repository in served["repository"].astype(object)]
        reached |= set(served["manifest"][mine])
    return reached

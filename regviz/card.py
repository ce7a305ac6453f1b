"""What a Registry shows of itself: a line on a terminal, a card in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.schema import NA_INT
from regviz.text import count_noun, escape_html, escape_terminal, format_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.registry import Registry
    from regviz.source import Source


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and bytes of a registry; ``stored_bytes`` are those of the blobs that lie there."""

    repositories: int
    tags: int
    images: int
    layers: int
    blobs: int
    stored_bytes: int
    errors: int
    warnings: int


def summarise(registry: Registry) -> Summary:
    """Count what a registry holds.

    Examples
    --------
    >>> import regviz as rv
    >>> summary = summarise(rv.read())
    >>> summary.repositories == len(rv.read().repositories)
    True
    """
    blobs, manifests, problems = (registry.columns(name) for name in ("blobs", "manifests", "problems"))
    lengths, unpacked = held_bytes(registry)
    here = (blobs["present"] == 1) & (unpacked | (blobs["blob_bytes"] != NA_INT) | (not registry.source.knows_contents))

    def among(values: NDArray[Any], *words: str) -> int:
        return sum(int((values == code).sum()) for word in words if (code := registry.name_code(word)) >= 0)

    return Summary(
        repositories=len(registry.columns("repositories")["repository"]),
        tags=len(registry.columns("tags")["tag"]),
        images=among(manifests["kind"], "v1", "image"),
        layers=len(registry.columns("layers")["layer"]),
        blobs=int(here.sum()),
        stored_bytes=int(lengths[here].sum()),
        errors=among(problems["severity"], "error"),
        warnings=among(problems["severity"], "warning"),
    )


def _counts(registry: Registry, summary: Summary) -> list[str]:
    """How many there are of what the source could know."""
    counts = [count_noun(summary.repositories, "repository", "repositories"), count_noun(summary.tags, "tag")]
    if registry.source.knows_contents or summary.images:
        counts += [count_noun(summary.images, "image"), count_noun(summary.layers, "layer")]
    return counts


def _is_bad(summary: Summary) -> bool:
    return bool(summary.errors or summary.warnings)


def _state(summary: Summary) -> str:
    if not _is_bad(summary):
        return "no problems"
    said = [count_noun(summary.errors, "error")] if summary.errors else []
    return ", ".join([*said, count_noun(summary.warnings, "warning")] if summary.warnings else said)


def held_bytes(registry: Registry) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Bytes of each blob, 0 where they are not known, and whether they are those of its files.

    An engine keeps layers unpacked, in no file that has a length: there the bytes of what is in them count.
    """
    is_engine = not {"docker-daemon", "docker-engine"}.isdisjoint(registry.source.layouts)
    blobs, steps, layers = (registry.columns(name) for name in ("blobs", "manifest_layers", "layers"))
    lengths = np.where(blobs["blob_bytes"] == NA_INT, 0, blobs["blob_bytes"])
    unpacked = (blobs["blob_bytes"] == NA_INT) & (blobs["present"] == 1) & is_engine
    if unpacked.any():
        held = (steps["layer"] >= 0) & (steps["blob"] >= 0)
        blob = np.searchsorted(blobs["blob"], steps["blob"][held])
        content = layers["uncompressed_bytes"][np.searchsorted(layers["layer"], steps["layer"][held])]
        known = unpacked[blob] & (content != NA_INT)
        lengths[blob[known]] = content[known]
    return lengths, unpacked


def _is_live(source: Source) -> bool:
    """Whether it was a registry or an engine that answered, and no storage."""
    return source.layouts[0].startswith("registry-") or source.layouts[0] == "docker-engine"


def summary_line(registry: Registry) -> str:
    """The registry in one line of text."""
    summary = summarise(registry)
    layout = " and ".join(registry.source.layouts)
    return escape_terminal(
        f"<Registry {registry.source.uri} ({layout}): {', '.join(_counts(registry, summary))}, "
        f"{stored_text(registry, summary)} in {count_noun(summary.blobs, 'blob')}; {_state(summary)}>"
    )


def stored_text(registry: Registry, summary: Summary) -> str:
    """Bytes of the blobs; a listing need not have the length of any."""
    unknown = summary.blobs and not registry.source.knows_contents and not summary.stored_bytes
    return "unknown bytes" if unknown else format_bytes(summary.stored_bytes)


def summary_html(registry: Registry) -> str:
    """The registry as a card."""
    summary, source = summarise(registry), registry.source
    cells = "".join(
        '<div style="padding:0 1.4em 0 0">'
        f'<div style="font-size:1.3em;font-variant-numeric:tabular-nums">{number}</div>'
        f'<div style="opacity:.75">{noun}</div></div>'
        for number, noun in (
            *(fact.split(" ") for fact in _counts(registry, summary)),
            (stored_text(registry, summary), f"in {count_noun(summary.blobs, 'blob')}"),
            (_state(summary), "see reg.problems" if _is_bad(summary) else "neither error nor warning"),
        )
    )
    when = source.read_at.strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<div style="border:1px solid currentColor;border-radius:6px;padding:.8em 1em;display:inline-block;'
        'font-family:system-ui,sans-serif;line-height:1.35">'
        f"<div><strong>{escape_html(source.uri)}</strong></div>"
        '<div style="opacity:.75;margin-bottom:.6em">'
        f"{escape_html(' and '.join(source.layouts))}{'' if _is_live(source) else ' storage'}, read {when}</div>"
        f'<div style="display:flex;flex-wrap:wrap">{cells}</div></div>'
    )

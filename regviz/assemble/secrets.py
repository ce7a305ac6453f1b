"""What looks like a secret in the texts that tables show: masked, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.masks import mask_labels, mask_texts, shapes
from regviz.text import count_noun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from regviz.assemble.draft import Draft


def _table(draft: Draft, name: str) -> Mapping[str, NDArray[Any]]:
    return draft.spread[name] if name in draft.spread else draft.tables[name]


def find_secrets(draft: Draft) -> None:
    """Mask what looks like a secret, and add it to ``facts.problems``: each text once, whatever many images say it."""
    facts = draft.facts
    found = mask_texts(facts.texts) | mask_labels(draft.tables["labels"], facts.names, facts.texts)
    if not found:
        return
    what = {shape.shape: shape.what for shape in shapes()}
    history, labels, manifests = _table(draft, "history"), draft.tables["labels"], draft.tables["manifests"]

    def say(rule: str, table: Mapping[str, NDArray[Any]], column: str, where: Callable[[int], str]) -> None:
        codes, owners = table[column], table["manifest"]
        rows = np.flatnonzero(np.isin(codes, [*found]))
        order = rows[np.argsort(codes[rows], kind="stable")]
        _, first = np.unique(codes[order], return_index=True)
        for same in np.split(order, first[1:]):
            row = int(same.min()) if len(same) else -1
            if row >= 0:
                more = len(np.unique(owners[same])) - 1
                kinds = ", ".join(what[shape] for shape in found[int(codes[row])])
                others = f"; {count_noun(more, 'more manifest has', 'more manifests have')} it" if more else ""
                facts.problem(rule, manifest=int(owners[row]), detail=f"{kinds}, in {where(row)}{others}")

    steps = history["step"]
    for column in ("created_by", "comment", "author"):
        say("secret-in-history", history, column, lambda row, column=column: f"{column} of step {steps[row]}")  # type: ignore[misc]
    say("secret-in-history", manifests, "author", lambda _: "author")
    say("secret-in-label", labels, "value", lambda row: f"label {facts.names.text(int(labels['key'][row]))}")

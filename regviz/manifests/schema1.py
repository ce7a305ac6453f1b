"""Docker's image manifest, version 2, schema 1: top layer first, its configuration in ``v1Compatibility`` texts.

Source: Distribution docs/spec/manifest-v2-1.md; manifest/schema1/config_builder.go for what later clients wrote there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.manifests.json import Document, load_object, mapping, objects, optional_text, text
from regviz.text import clean

if TYPE_CHECKING:
    from regviz.columns import Facts


class Schema1Reader:
    """Puts what a schema 1 manifest says of its own into `configs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def read(self, document: Document) -> tuple[int, list[tuple[object, bool]]]:
        """Take one document.

        Returns
        -------
        row : int
            Its row in `configs`.
        steps : list of (object, bool)
            From the base up: the ``blobSum`` as it is written, and whether the step is a throwaway.
        """
        facts = self._facts
        layers = objects(document.get("fsLayers"))
        compatible = [
            load_object(text(entry.get("v1Compatibility")).encode("utf-8", "replace")) or {}
            for entry in objects(document.get("history"))
        ]
        compatible += [{}] * (len(layers) - len(compatible))
        top = compatible[0] if compatible else {}
        row = len(facts.configs.number("os"))
        name = facts.names.code
        architecture = optional_text(top.get("architecture")) or optional_text(document.get("architecture"))
        facts.configs.add(
            "",
            name(_clean(top.get("os"))),
            name(_clean(architecture)),
            name(_clean(top.get("variant"))),
            -1,
            facts.stamps.code(optional_text(top.get("created"))),
            facts.texts.code(_clean(top.get("author"))),
            -1,
        )
        for key, value in mapping(mapping(top.get("config")).get("Labels")).items():
            facts.labels.add(row, name(clean(key)), facts.texts.code(clean(text(value))))
        steps: list[tuple[object, bool]] = []
        for layer, step in reversed(list(zip(layers, compatible, strict=False))):
            throwaway = step.get("throwaway") is True
            steps.append((layer.get("blobSum"), throwaway))
            add_v1_step(facts, row, step, empty=throwaway)
        return row, steps


def add_v1_step(facts: Facts, row: int, step: Document, *, empty: bool) -> None:
    """One row of history from a v1 image's JSON, whose instruction is its container's command."""
    facts.history.add(
        row,
        facts.stamps.code(optional_text(step.get("created"))),
        facts.texts.code(v1_instruction(step)),
        facts.texts.code(_clean(step.get("author"))),
        facts.texts.code(_clean(step.get("comment"))),
        int(empty),
    )


def v1_instruction(image: Document) -> str | None:
    """The command that made a v1 image, its words joined as ``docker history`` joins them.

    Examples
    --------
    >>> v1_instruction({"container_config": {"Cmd": ["/bin/sh", "-c", "apt-get update"]}})
    '/bin/sh -c apt-get update'
    """
    container = image.get("container_config")
    command = container.get("Cmd") if isinstance(container, dict) else None
    if isinstance(command, list):
        return clean(" ".join(word for word in command if isinstance(word, str))) or None
    return clean(command) if isinstance(command, str) and command else None


def _clean(value: object) -> str | None:
    said = optional_text(value)
    return clean(said) if said else None

"""Docker's image manifest, version 2, schema 1: top layer first, its configuration in ``v1Compatibility`` texts.

Source: Distribution docs/spec/manifest-v2-1.md; manifest/schema1/config_builder.go for what later clients wrote there.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from regviz.manifests.config import History
from regviz.manifests.json import Document, load_object, mapping, objects, optional_text, text

if TYPE_CHECKING:
    from regviz.columns import Facts


class Schema1Reader:
    """Puts what a schema 1 manifest says of its own into `configs`, `history` and `labels`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._words = History(facts)

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
        row = facts.configs.numbers(1)[0]
        architecture = optional_text(top.get("architecture")) or document.get("architecture")
        pairs = list(zip(layers, compatible, strict=False))[::-1]
        platform = (top.get("os"), architecture, top.get("variant"), None)
        facts.configs.add(-1, *platform, top.get("created"), top.get("author"), -1, len(pairs))
        for key, value in mapping(mapping(top.get("config")).get("Labels")).items():
            facts.labels.add(row, key, value)
        steps: list[tuple[object, bool]] = []
        for layer, step in pairs:
            throwaway = step.get("throwaway") is True
            steps.append((layer.get("blobSum"), throwaway))
            self._words.add_word(step, v1_instruction(step), empty=throwaway)
        return row, steps


def signed_payload(data: bytes) -> bytes:
    """What was signed of a schema 1 manifest, which its digest is of; any other document as it is.

    The protected header of the first signature has the length of the document without signatures, and its end (JSON
    Web Signature, as libtrust writes it: jsonsign.go, ParsePrettySignature).

    Examples
    --------
    >>> signed_payload(b'{"schemaVersion": 2}')
    b'{"schemaVersion": 2}'
    """
    if b'"signatures"' not in data:
        return data
    document = load_object(data) or {}
    signatures = objects(document.get("signatures"))
    if "fsLayers" not in document or not signatures:
        return data
    header = load_object(_base64url(text(signatures[0].get("protected")))) or {}
    length, tail = header.get("formatLength"), _base64url(text(header.get("formatTail")))
    return data[:length] + tail if type(length) is int and 0 < length <= len(data) and tail else data


def _base64url(encoded: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return b""


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
        try:
            return " ".join(command)
        except TypeError:
            return " ".join(word for word in command if isinstance(word, str))
    return command if isinstance(command, str) else None

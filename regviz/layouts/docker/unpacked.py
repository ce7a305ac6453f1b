"""Images whose layers an engine keeps unpacked: they lie under their chain IDs, and have no digest there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.columns import NO_NUMBER
from regviz.pool import is_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regviz.facts import Facts


class Unpacked:
    """Puts such images into facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._chains: dict[tuple[str, str], str] = {}

    def chain(self, below: str, diff_id: str) -> str:
        """The chain ID of a layer on another (none: at the base); image-spec config.md, Layer ChainID."""
        if not below:
            return diff_id
        chain = self._chains.get((below, diff_id))
        if chain is None:
            chain = "sha256:" + hashlib.sha256(f"{below} {diff_id}".encode()).hexdigest()
            self._chains[below, diff_id] = chain
        return chain

    def chains(self, diff_ids: Sequence[str]) -> list[str]:
        """The chain ID of each layer of a stack, from the base up."""
        made, below = [], ""
        for diff_id in diff_ids:
            below = self.chain(below, diff_id)
            made.append(below)
        return made

    def put_images(
        self, images: Mapping[str, Sequence[Any]], digests: Mapping[str, list[str]], *, have_configs: bool = True
    ) -> None:
        """Add images by their IDs, each with its diff IDs.

        Parameters
        ----------
        images : mapping of str to sequence
        digests : mapping of str to list of str
            Digests that layers had elsewhere, by diff ID, the newest last.
        have_configs : bool
            An image's ID is the digest of its configuration.
        """
        facts = self._facts
        rows: dict[str, int] = {}
        steps: list[int] = []
        for image, diff_ids in images.items():
            good = all(isinstance(diff_id, str) and is_digest(diff_id) for diff_id in diff_ids)
            if not good:
                facts.problem("digest-malformed", manifest=image, detail="a diff ID")
            chains = self.chains(diff_ids) if good else []
            for chain, diff_id in zip(chains, diff_ids, strict=False):
                key = f"chain:{chain}"
                if key not in rows:
                    rows[key] = len(rows)
                    facts.nameless.add(key, digests[diff_id][-1] if diff_id in digests else "")
                steps.append(rows[key])
            facts.manifests.add(
                image, "image", None, None, image if have_configs else "", None, None, "", 1, -1, len(chains)
            )
            facts.manifests.numbers(1)
        count = len(rows)
        descriptors = facts.descriptors
        descriptors.key("digest").extend_numbers(facts.keys.intern([*rows]))  # as they are: they are no digests
        descriptors.text("media_type").repeat(None, count)
        descriptors.column("declared_bytes").extend_numbers(np.full(count, NO_NUMBER, np.int64))
        for flag in ("foreign", "throwaway"):
            descriptors.column(flag).extend_numbers(np.zeros(count, np.int8))
        descriptors.numbered += count
        facts.steps.column("descriptor").extend_numbers(np.array(steps, np.int32))

"""How one image came from another, in a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from regviz.analysis.comparison.align import align

if TYPE_CHECKING:
    from regviz.analysis.comparison.align import Rows
    from regviz.analysis.comparison.stacks import Stack, Step

Match = Literal["digest", "diff_id", "instruction", "none"]
Verdict = Literal[
    "same",
    "reconfigured",
    "recompressed",
    "derived",
    "base",
    "squashed",
    "unsquashed",
    "rebased",
    "rebuilt",
    "changed",
    "different",
]
VERDICTS: dict[Verdict, str] = {
    "same": "the same image",
    "reconfigured": "the same layers, byte for byte, under another configuration",
    "recompressed": "the same content in every layer, other bytes",
    "derived": "it stands on the one before",
    "base": "the one before stands on it",
    "squashed": "steps that made layers in the one before are in its history, and made none",
    "unsquashed": "it has the layers that the one before was squashed from",
    "rebased": "the steps on top are those of the one before, on another base",
    "rebuilt": "the same steps, some with other content",
    "changed": "it shares steps with the one before, and has others",
    "different": "no step in common",
}
"""What each verdict means, of an image and the one before it."""


def match(steps: list[Step]) -> Match:
    """What the layers of one row have in common."""
    if len(steps) == 1:
        return "none"
    contents: tuple[tuple[Match, set[str | None]], ...] = (
        ("digest", {step.blob for step in steps}),
        ("diff_id", {step.diff_id for step in steps}),
    )
    for kind, said in contents:
        if len(said) == 1 and None not in said:
            return kind
    return "diff_id" if all(step.empty for step in steps) else "instruction"


def verdict(first: Stack, second: Stack, rows: tuple[Rows, Rows]) -> Verdict:
    """How the second image came from the first.

    Layers that change nothing say nothing, and are passed over. The first of these that holds:

    - *same*: one manifest.
    - *reconfigured*: equal digests throughout; *recompressed*: equal diff IDs.
    - *derived*, *base*: one's layers, by content, are the beginning of the other's.
    - *squashed*, *unsquashed*: fewer layers, and a step that makes a layer in one is in the other's history without.
    - *rebased*: the topmost layers match, and the bases do not: both stand on different tagged images, or the
      lowest layers share no content and either are not made alike or lie below equal content.
    - *rebuilt*: each layer goes with one of the other's.
    - *changed*: some do; *different*: none does.
    """
    if first.manifest == second.manifest:
        return "same"
    own, other = ([step for step in stack.steps if not step.empty] for stack in (first, second))
    kinds = _matches(first, second, rows)
    begin = _common_beginning(own, other)
    if begin == len(own) or begin == len(other):
        if len(own) != len(other):
            return "derived" if begin == len(own) else "base"
        pairs = zip(own, other, strict=True)
        return "reconfigured" if all(one.blob == two.blob for one, two in pairs) else "recompressed"
    if len(own) > len(other) and _squashed(own, other, second):
        return "squashed"
    if len(other) > len(own) and _squashed(other, own, first):
        return "unsquashed"
    if not kinds:
        return "different"
    if _rebased(first, second, kinds, begin):
        return "rebased"
    return "rebuilt" if len(kinds) == len(own) == len(other) else "changed"


def _common_beginning(own: list[Step], other: list[Step]) -> int:
    """How many layers from the base up have the same content in both."""
    alike = [match([*pair]) != "instruction" for pair in zip(own, other, strict=False)]
    return [*alike, False].index(False)


def _matches(first: Stack, second: Stack, rows: tuple[Rows, Rows]) -> dict[tuple[int, int], Match]:
    """Which layers that change something go together, by their places among all, and how."""
    found: dict[tuple[int, int], Match] = {}
    for place, other in align(*rows):
        steps = [first.steps[place], second.steps[other]]
        if not any(step.empty for step in steps):
            found[place, other] = match(steps)
    return found


def _squashed(layers: list[Step], fewer: list[Step], squashed: Stack) -> bool:
    """Whether a step that makes one of the layers is in the other image's history without a layer, and only so."""
    kept = {step.instruction for step in fewer}
    return any(step.instruction in squashed.layerless and step.instruction not in kept for step in layers)


def _rebased(first: Stack, second: Stack, kinds: dict[tuple[int, int], Match], begin: int) -> bool:
    tops = [max(place for place, step in enumerate(stack.steps) if not step.empty) for stack in (first, second)]
    if (tops[0], tops[1]) not in kinds:
        return False
    if first.base and second.base and first.base != second.base:
        on_top = [pair for pair in kinds if pair[0] >= first.base_layers and pair[1] >= second.base_layers]
        return bool(on_top)
    if begin:
        return False
    lowest = [min(place for place, step in enumerate(stack.steps) if not step.empty) for stack in (first, second)]
    how = kinds.get((lowest[0], lowest[1]))
    return how is None or any(kind != "instruction" for kind in kinds.values())

"""Archives as hypothesis draws them: every kind of member in every format that `tarfile` writes."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hypothesis import strategies as st

BLOCK = 512
_FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)

# Names of few letters, so that paths repeat, links meet their targets, and parts are "." and "..".
_WORDS = (
    b"a",
    b"b",
    b"link",
    b".",
    b"..",
    b"sha256",
    b"x" * 99,
    b"y" * 100,
    b"z" * 101,
    b"w" * 250,
    b"n\nl",
    b"caf\xe9",
)
_PARTS = st.sampled_from(_WORDS) | st.text("abé中\\:", min_size=1, max_size=6).map(str.encode)
_NAMES = st.lists(_PARTS, min_size=1, max_size=4).map(b"/".join)
_PREFIXES = st.sampled_from([b"", b"", b"", b"./", b"/", b".//"])
_SIZES = st.sampled_from([0, 1, 100, 511, 512, 513, 1023, 1024, 1025, 4096, 9000])
_KINDS = st.sampled_from([*[tarfile.REGTYPE] * 6, tarfile.LNKTYPE, *tarfile.SUPPORTED_TYPES[:8]])
_TIMES = {
    tarfile.USTAR_FORMAT: st.integers(0, 2**33 - 1),
    tarfile.GNU_FORMAT: st.integers(-(2**37), 2**37),
    tarfile.PAX_FORMAT: st.integers(-(2**35), 2**35) | st.integers(-(2**35), 2**38).map(lambda eighths: eighths / 8),
}


# Contents that look like headers: of members, of a long name and its member, of what an archive ends with.
_INNER = tarfile.TarInfo("inner/member")
_INNER.size = 1024
_LONG = tarfile.TarInfo("long/" * 30)
LOOKALIKES = (_INNER.tobuf(), _LONG.tobuf(tarfile.GNU_FORMAT), _LONG.tobuf(tarfile.PAX_FORMAT), bytes(BLOCK))


@dataclass(frozen=True)
class Member:
    name: bytes
    kind: bytes
    size: int
    mtime: Any
    target: bytes
    lookalike: bytes

    def content(self, number: int) -> bytes:
        """So many bytes: the member's own letter, or what looks like headers."""
        piece = self.lookalike or bytes([number + 65])
        return (piece * (self.size // len(piece) + 1))[: self.size]


@dataclass(frozen=True)
class Archive:
    form: int
    members: tuple[Member, ...]

    def build(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=self.form) as archive:
            for number, member in enumerate(self.members):
                info = tarfile.TarInfo(os.fsdecode(member.name))
                info.type, info.mtime = member.kind, member.mtime
                if info.isreg():
                    info.size = member.size
                elif info.issym() or info.islnk():
                    info.linkname = os.fsdecode(member.target)
                archive.addfile(info, io.BytesIO(member.content(number)) if info.size else None)
        return buffer.getvalue()


@st.composite
def archives(draw: st.DrawFn) -> Archive:
    """An archive; a hard link's target is mostly a member before it."""
    form = draw(st.sampled_from(_FORMATS))
    members: list[Member] = []
    for _ in range(draw(st.integers(0, 12))):
        name, target = draw(_PREFIXES) + draw(_NAMES), draw(_NAMES)
        if members and draw(st.booleans()):
            target = draw(st.sampled_from(members)).name
        kind = draw(_KINDS)
        if form == tarfile.USTAR_FORMAT or kind == tarfile.AREGTYPE:  # tarfile takes a cut name for a whole one
            name, target = name[:90], target[:90]
        lookalike = draw(st.sampled_from([b"", *LOOKALIKES]))
        members.append(Member(name, kind, draw(_SIZES), draw(_TIMES[form]), target, lookalike))
    return Archive(form, tuple(members))


def small_windows(blocks: int) -> Any:
    """Have the scan look through a keyhole, so that every header meets the border of a window."""
    return mock.patch.multiple(
        "regviz.storage.tar_headers",
        _SMALLEST_WINDOW=blocks * BLOCK,
        _LARGEST_WINDOW=2 * blocks * BLOCK,
        _FEWEST_BLOCKS=2,
        BATCH=3,
    )

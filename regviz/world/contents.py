"""Made-up file contents: as large as wanted, the same everywhere, and nobody's property."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from regviz.world.describe import program

if TYPE_CHECKING:
    from regviz.world.describe import File

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def noise(name: str, size: int) -> bytes:
    """Bytes that no compressor makes smaller, as those of a program: SHA-256 of the name and a counter.

    Examples
    --------
    >>> len(noise("bin/sh", 1000)), noise("a", 4) == noise("a", 8)[:4]
    (1000, True)
    """
    blocks = (hashlib.sha256(f"{name} {counter}".encode()).digest() for counter in range(-(-size // 32)))
    return b"".join(blocks)[:size]


def prose(name: str, size: int) -> bytes:
    """Text of made-up words in lines, as that of a manual, which compresses well.

    Examples
    --------
    >>> len(prose("README", 100)), prose("README", 100).isascii()
    (100, True)
    """
    words = [_word(noise(f"{name} {number}", 3)) for number in range(64)]
    picked = (words[byte % len(words)] for byte in noise(f"{name} order", size // 3 + 1))
    text = " ".join(f"{word}\n" if number % 11 == 10 else word for number, word in enumerate(picked))
    return text[: max(size - 1, 0)].encode() + b"\n"


def _word(letters: bytes) -> str:
    return "".join(_CONSONANTS[byte % len(_CONSONANTS)] + _VOWELS[byte % len(_VOWELS)] for byte in letters)


def package(name: str, version: str, size: int) -> dict[str, bytes | File]:
    """An installed package of about this many bytes: a program, a library, a manual, its record."""
    return {
        f"usr/bin/{name}": program(noise(f"{name} {version} program", size * 5 // 8)),
        f"usr/lib/{name}/lib{name}.so": noise(f"{name} {version} library", size // 4),
        f"usr/share/doc/{name}/manual.txt": prose(f"{name} {version} manual", size // 8),
        f"var/lib/dpkg/info/{name}.list": f"/usr/bin/{name}\n/usr/lib/{name}/lib{name}.so\n".encode(),
        "var/lib/dpkg/status": f"Package: {name}\nVersion: {version}\nStatus: ok\n".encode(),
    }

"""Which image of an index a client takes for a platform, as containerd and Docker choose it."""

from __future__ import annotations

import platform as machine
import re
from dataclasses import dataclass

from regviz.errors import RegvizError

_SYSTEMS = ("linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "wasip1", "android", "aix")
_ARCHITECTURES = {
    "i386": ("386", ""),
    "i686": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
}
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_OLDEST_ARM = 5


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform, its names as containerd normalises them (``platforms.Normalize``).

    Examples
    --------
    >>> str(Platform.of("linux", "aarch64", "v8")), str(Platform.of("Linux", "arm", ""))
    ('linux/arm64', 'linux/arm/v7')
    """

    system: str
    architecture: str
    variant: str = ""

    @classmethod
    def of(cls, system: str, architecture: str, variant: str) -> Platform:
        """The platform of three names as they are written somewhere."""
        family, implied = _ARCHITECTURES.get(architecture.lower(), (architecture.lower(), ""))
        version = variant.lower() or implied
        version = f"v{version}" if version.isdecimal() else version
        usual = {"amd64": "v1", "arm64": "v8"}.get(family)
        if family == "386" or version == usual:
            version = ""
        elif family == "arm" and not version:
            version = "v7"
        known = system.lower()
        return cls("darwin" if known == "macos" else known, family, version)

    @classmethod
    def parse(cls, text: str) -> Platform:
        """The platform of ``os/architecture[/variant]``; where one word stands alone, the rest is this host's.

        Raises
        ------
        RegvizError
            It is no platform.

        Examples
        --------
        >>> str(Platform.parse("linux/x86_64")), str(Platform.parse("arm64"))
        ('linux/amd64', 'linux/arm64')
        """
        parts = text.split("/")
        if not 1 <= len(parts) <= len(("os", "architecture", "variant")) or not all(map(_PART.fullmatch, parts)):
            raise RegvizError(f"{text!r} is no platform: give os/architecture or os/architecture/variant")
        if len(parts) == 1:
            alone = parts[0].lower()
            return cls.of(alone, machine.machine(), "") if alone in _SYSTEMS else cls.of("linux", alone, "")
        return cls.of(*parts, *[""] * (3 - len(parts)))

    @classmethod
    def of_this_host(cls) -> Platform:
        """Linux, on this machine's architecture."""
        return cls.of("linux", machine.machine(), "")

    def accepted(self) -> tuple[Platform, ...]:
        """What a host of this platform can run, the best first (containerd's ``platforms.Only``).

        Examples
        --------
        >>> [str(other) for other in Platform.parse("linux/arm/v7").accepted()]
        ['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5']
        >>> [str(other) for other in Platform.parse("linux/amd64").accepted()]
        ['linux/amd64', 'linux/386']
        """
        number = int(self.variant[1:]) if re.fullmatch(r"v\d{1,2}", self.variant) else 0
        system = self.system
        if self.architecture == "amd64":
            older = [Platform.of(system, "amd64", f"v{n}") for n in range(number - 1, 0, -1)]
            return (self, *older, Platform(system, "386"))
        if self.architecture == "arm":
            return (self, *(Platform(system, "arm", f"v{n}") for n in range(number - 1, _OLDEST_ARM - 1, -1)))
        if self.architecture == "arm64":
            return (self, *Platform(system, "arm", self.variant or "v8").accepted())
        return (self,)

    def __str__(self) -> str:
        return "/".join(part for part in (self.system, self.architecture, self.variant) if part)

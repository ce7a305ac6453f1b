"""Compiles what is in `regviz/native` where there is a C compiler; without one regviz finds the same, more slowly.

The wheel then is one for this system; otherwise it is one for all. `REGVIZ_NATIVE=0` leaves the compiler alone.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCES = tuple(f"regviz/native/{name}" for name in ("files.h", "json.c", "native.c", "rows.c", "walk.c"))
_LIBRARY = "regviz/native/_native.so"
_OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC")


class CompileNative(BuildHookInterface[Any]):
    """Puts the compiled library beside its source, for a wheel and for a checkout that is installed in place."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; what goes wrong is said, and is no failure."""
        del version
        if self.target_name != "wheel":
            return
        library = Path(self.root, _LIBRARY)
        if not self._compile([Path(self.root, source) for source in _SOURCES], library):
            library.unlink(missing_ok=True)
            return
        build_data["artifacts"].append(_LIBRARY)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def _compile(self, sources: list[Path], library: Path) -> bool:
        compiler = (
            shlex.split(os.environ.get("CC", "")) or [*filter(None, map(shutil.which, ("cc", "gcc", "clang")))][:1]
        )
        if os.name != "posix" or not compiler or os.environ.get("REGVIZ_NATIVE") == "0":
            self.app.display_info("No C compiler is used: regviz will be slower")
            return False
        digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        aside = library.with_name(f"{library.name}.{os.getpid()}")
        compiled = [str(source) for source in sources if source.suffix == ".c"]
        command = [*compiler, *_OPTIONS, f'-DSOURCE="{digest}"', "-o", str(aside), *compiled]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # the builder's compiler
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"regviz will be slower, as {shlex.join(compiler)} failed: {error}")
            aside.unlink(missing_ok=True)
            return False
        aside.replace(library)
        return True

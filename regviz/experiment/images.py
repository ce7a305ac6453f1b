"""The images of the experiment: their Dockerfiles, and what is sent to the engine to build them."""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regviz.errors import RegvizError, SourceNotFoundError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

VERSION = "v0.10.26"
"""What the article's image printed."""
NODE = f"""#!/bin/sh
# As much of Node.js as the article asks for: its version.
case "$*" in
    --version | -v | *process.version*) echo {VERSION} ;;
    *) echo "this node only tells its version: node --version" >&2; exit 1 ;;
esac
"""
PYTHON = """#!/bin/sh
# As much of Python as there is to show: its version.
echo Python 2.7.6
"""
_FROM = re.compile(r"(?i)^\s*FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?\s*$")
_ARG = re.compile(r"(?i)^\s*ARG\s+(\w+)(?:=(\S*))?\s*$")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_MOST_BYTES = 1 << 20
_CHANGED = "regviz-changed"


@dataclass(frozen=True)
class Recipe:
    """An image to build.

    Attributes
    ----------
    dockerfile : str
    files : mapping
        Names and contents of what lies beside it.
    folder : Path, optional
        A folder whose files are sent too.
    bases : tuple of str
        The images it is built on, which must be there.
    """

    dockerfile: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    folder: Path | None = None
    bases: tuple[str, ...] = ()

    def labelled(self, first: Mapping[str, str], last: Mapping[str, str]) -> Recipe:
        r"""The same with labels from the first line on, so that images in between have them too, and those of its end.

        Examples
        --------
        >>> print(Recipe("FROM busybox\nRUN true").labelled({"a": "b"}, {"a": "c"}).dockerfile)
        FROM busybox
        LABEL a="b"
        RUN true
        LABEL a="c"
        """
        lines = []
        for line in self.dockerfile.rstrip().splitlines():
            lines += [line, _label(first)] if _FROM.match(line) else [line]
        lines += [_label(last)] if last != first else []
        return Recipe("\n".join(lines) + "\n", self.files, self.folder, self.bases)

    def context(self) -> bytes:
        """What is sent to the engine: an archive of the Dockerfile and what lies beside it.

        Raises
        ------
        RegvizError
            A file of the folder cannot be read.
        """
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            if self.folder is not None:
                self._add_folder(archive, self.folder)
            for name, content in {"Dockerfile": self.dockerfile.encode(), **self.files}.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644
                archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()

    def _add_folder(self, archive: tarfile.TarFile, folder: Path) -> None:
        from docker.utils.build import exclude_paths

        ignore = folder / ".dockerignore"
        try:
            excluded = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
            for name in sorted(exclude_paths(str(folder), [line for line in excluded if line.strip()])):
                if name not in ("Dockerfile", *self.files):
                    archive.add(folder / name, name, recursive=False)
        except (OSError, ValueError) as error:
            raise RegvizError(f"{folder} cannot be sent to the engine whole: {error}") from error

    def write(self, folder: Path) -> None:
        """Write the Dockerfile and what lies beside it into a folder, for ``docker build``."""
        for name, content in {"Dockerfile": self.dockerfile.encode(), **self.files}.items():
            (folder / name).write_bytes(content)


def article(base: str, *, changed: bool = False) -> Recipe:
    """The article's image in spirit: base, install, profile line; it needs no internet, and runs on every architecture.

    Parameters
    ----------
    base : str
        An image with a shell.
    changed : bool
        With another profile line, as when it is built anew.
    """
    line = '\\n# Node.js\\nexport PATH="node_modules/.bin:$PATH"'
    line += "\\nexport NODE_ENV=production" if changed else ""
    lines = (
        "# Pull base image.",
        f"FROM {base}",
        "",
        "# Install Node.js",
        "COPY node /usr/bin/node",
        "RUN chmod 755 /usr/bin/node && node --version > /etc/node-version",
        "",
        "# Append to $PATH variable.",
        f"RUN printf '{line}\\n' >> /root/.bash_profile",
    )
    return Recipe("\n".join(lines) + "\n", {"node": NODE.encode()}, bases=(base,))


def second(base: str) -> Recipe:
    """The second image, on the same base: it shares that, and nothing else."""
    dockerfile = f"FROM {base}\nCOPY python /usr/bin/python\nRUN chmod 755 /usr/bin/python\n"
    return Recipe(dockerfile, {"python": PYTHON.encode()}, bases=(base,))


def own(dockerfile: str | os.PathLike[str], *, changed: bool = False) -> Recipe:
    """A person's own image; its Dockerfile's folder is sent to the engine, as ``docker build`` does.

    Parameters
    ----------
    dockerfile : path
        The file, or a folder with one called Dockerfile.
    changed : bool
        With one more file at its end, as when it is built anew.

    Raises
    ------
    RegvizError
        It is not there, or names the image it is built on by what only a build would know.
    """
    path = Path(dockerfile)
    path = path / "Dockerfile" if path.is_dir() else path
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceNotFoundError(f"there is no Dockerfile at {path}") from None
    except (OSError, ValueError) as error:
        raise RegvizError(f"{path} cannot be read as a Dockerfile: {error}") from error
    if len(text) > _MOST_BYTES:
        raise RegvizError(f"{path} is too long for a Dockerfile")
    bases = _bases(text, path)
    if not changed:
        return Recipe(text, {}, path.parent, bases)
    more = f"{text.rstrip()}\nCOPY {_CHANGED} /{_CHANGED}\n"
    return Recipe(more, {_CHANGED: b"built anew\n"}, path.parent, bases)


def _label(labels: Mapping[str, str]) -> str:
    return "LABEL " + " ".join(f'{name}="{value}"' for name, value in labels.items())


def _bases(text: str, path: Path) -> tuple[str, ...]:
    """The images that a Dockerfile is built on, its last stage's last; stages of its own are none."""
    defaults: dict[str, str] = {}
    stages: set[str] = set()
    found: list[str] = []
    for line in text.splitlines():
        if (said := _ARG.match(line)) and not stages and not found:
            defaults[said[1]] = said[2] or ""
        elif said := _FROM.match(line):
            name = _VARIABLE.sub(lambda match: defaults.get(match[1] or match[3], "") or match[2] or "", said[1])
            if not name or "$" in name:
                raise RegvizError(f"{path} says FROM {said[1]}, which only a build would know: write the image's name")
            if name.lower() not in stages and name != "scratch":
                found.append(name)
            if said[2]:
                stages.add(said[2].lower())
    if not stages and not found and "scratch" not in text:
        raise RegvizError(f"{path} has no line FROM IMAGE: it is no Dockerfile")
    return tuple(dict.fromkeys(found))


def details(image: Mapping[str, Any]) -> dict[str, int | str]:
    """An image's number of layers, its bytes and its ID, as the engine tells them."""
    layers = (image.get("RootFS") or {}).get("Layers") or []
    return {"image": str(image.get("Id", "")), "layers": len(layers), "image_bytes": int(image.get("Size") or 0)}

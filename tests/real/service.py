"""Programs that a test starts on the loopback and stops by their process id, and HTTP to talk to them."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from email.message import Message
    from pathlib import Path

LOOPBACK = "127.0.0.1"
_PATIENCE = 60
_PAUSE = 0.02


def require_program(program: str, package: str) -> str:
    """The program's path; skips where it is not installed and says what installs it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not here; apt-get install -y --no-install-recommends {package}")
    return path


@contextmanager
def running(command: Sequence[str], log: Path, *, listening: str, env: Mapping[str, str]) -> Iterator[int]:
    """Run a server that was told to listen on port 0, and yield the port it chose.

    The port is the first group of the pattern `listening` in the server's log: no port is ever guessed.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=log.parent)
    try:
        yield _wait_for_port(process, log, listening)
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], log: Path, listening: str) -> int:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        text = log.read_text(errors="replace")
        if found := re.search(listening, text):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(_PAUSE)
    raise RuntimeError(f"{process.args!r} does not listen (exit code {process.poll()}); its log:\n{text}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """A header that must be there."""
        value = self.headers[name]
        assert value is not None, f"no {name} in the answer {self.status}: {self.body[:300]!r}"
        return str(value)

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to the loopback; the path is sent as it is."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PATIENCE)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()

"""The demo in a process of its own, as an installation runs it; and what to do where this machine lacks something."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from app.settings import PREFIX
from tests.api import CHEAP, OWNER, PASSWORD
from tests.house import ROOT

PATIENCE = 30
"""Seconds that a server may take to come up, and to go."""
COMMAND = (sys.executable, "-c", "from app.cli import main; main()", "demo")
SIGN_IN = """mutation SignIn($email: EmailAddress!, $password: String!) {
  sessionCreate(input: { email: $email, password: $password, transport: BEARER }) { credentials { accessToken } } }"""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str
    database: Path
    errors: Path
    """What it writes to standard error, which is its log."""

    def log(self) -> str:
        """What it logged so far."""
        return self.errors.read_text("utf-8")


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[Server]:
    """A migrated and seeded sandbox on SQLite in `folder`, with these settings. It has to stop cleanly at the end."""
    database, errors, port = folder / "server.sqlite", folder / "server.log", free_port()
    defaults = {"database_url": f"sqlite:///{database}", "port": port, "log_format": "json", **CHEAP}
    with errors.open("wb") as file:
        process = subprocess.Popen(
            COMMAND, cwd=ROOT, env=environment({**defaults, **settings}), stdout=subprocess.DEVNULL, stderr=file
        )
    server = Server(f"http://127.0.0.1:{port}", database, errors)
    try:
        assert answers(f"{server.url}/livez", process), server.log()
        yield server
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        assert process.returncode in (0, -signal.SIGTERM), server.log()
        assert "Finished server process" in server.log()
    finally:
        process.kill()
        process.wait()


def access_token(url: str) -> str:
    """Of the demo's owner, who signs in."""
    variables = {"email": OWNER.email, "password": PASSWORD}
    answer = httpx.post(f"{url}/graphql", json={"query": SIGN_IN, "variables": variables})
    token: str = answer.json()["data"]["sessionCreate"]["credentials"]["accessToken"]
    return token


def environment(settings: Mapping[str, object], inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of a process with these settings and no others."""
    kept = {name: value for name, value in inherited.items() if not name.upper().startswith(PREFIX)}
    return kept | {PREFIX + name.upper(): str(value) for name, value in settings.items()}


def answers(url: str, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> bool:
    """Wait until `url` is answered; False where the process ends before, or takes too long."""
    end = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < end:
        try:
            return httpx.get(url).is_success
        except httpx.TransportError:
            time.sleep(0.1)
    return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def untested(reason: str) -> NoReturn:
    """Skip the test for want of something; where CI promises that everything is there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"NOT TESTED: {reason}")

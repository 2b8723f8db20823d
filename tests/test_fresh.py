"""A fresh machine: a clone, Python, make, git and an empty home are enough for the demo and for the tests."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.house import ROOT, files
from tests.server import access_token, free_port, untested, wait_for

pytestmark = pytest.mark.timeout(600)

PATIENCE = 400
"""Seconds for downloading and installing everything."""
PROGRAMS = ("awk", "cat", "chmod", "cp", "env", "expr", "git", "ln", "make", "mkdir", "mv", "rm", "sed", "sh", "touch")
NO_INDEX = "after connection broken by"
"""What pip says where it reaches no index."""


@dataclass(frozen=True)
class Clone:
    """A working copy on a machine that has hardly anything."""

    folder: Path
    environment: dict[str, str]

    def make(self, *words: str, **settings: object) -> subprocess.Popen[str]:
        """`make` under way, in a group of processes of its own; its output, errors included, is to be read."""
        return subprocess.Popen(
            ["make", *words],
            cwd=self.folder,
            env=self.environment | {f"ESPACE_{name.upper()}": str(value) for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of what stands in this folder, committed or not."""
    folder = tmp_path_factory.mktemp("fresh")
    programs, home, origin = (folder / name for name in ("bin", "home", "origin"))
    programs.mkdir()
    home.mkdir()
    for program in PROGRAMS:
        if found := shutil.which(program):
            (programs / program).symlink_to(found)
    (programs / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    for path in filter(lambda path: (ROOT / path).is_file(), files()):
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, origin / path)
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    clone = Clone(folder / "espace", {"PATH": str(programs), "HOME": str(home), **pip})
    author = ("-c", "user.name=Espace", "-c", "user.email=espace@example.org")
    for words in (
        ("init", "--quiet", str(origin)),
        ("-C", str(origin), "add", "--all"),
        ("-C", str(origin), *author, "commit", "--quiet", "--message", "As it stands"),
        ("clone", "--quiet", str(origin), str(clone.folder)),
    ):
        subprocess.run([programs / "git", *words], env=clone.environment, check=True)
    return clone

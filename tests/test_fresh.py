"""A fresh machine: a clone, Python, make, git and an empty home are enough for the demo and for the tests."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from tests.house import ROOT, files
from tests.server import access_token, answers, environment, free_port, untested

pytestmark = pytest.mark.timeout(600)

PATIENCE = 400
"""Seconds for downloading and installing everything."""
PROGRAMS = ("cat", "cp", "echo", "env", "git", "ln", "make", "mkdir", "mv", "printf", "rm", "sh", "touch", "uname")
"""All that the machine has, besides Python. There is no Node."""
AUTHOR = ("-c", "user.name=Espace", "-c", "user.email=espace@example.org")
OUTPUT = "make.log"
NO_INDEX = "after connection broken by"
"""What pip says where it reaches no index."""


@dataclass(frozen=True)
class Clone:
    """A working copy on a machine that has hardly anything."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    @contextmanager
    def making(self, *words: str, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
        """`make` under way; what is left of it at the end is stopped as from a keyboard."""
        with (self.folder / OUTPUT).open("wb") as file:
            process = subprocess.Popen(
                ["make", *words],
                cwd=self.folder,
                env=environment(settings, self.environment),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(30)

    def output(self) -> str:
        """What `make` printed."""
        return (self.folder / OUTPUT).read_text("utf-8")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of what stands in this folder, committed or not."""
    folder = tmp_path_factory.mktemp("fresh")
    programs, home, origin = (folder / name for name in ("bin", "home", "origin"))
    home.mkdir()
    programs.mkdir()
    for name, program in {"python3": f"{sys.base_prefix}/bin/python3", **found(PROGRAMS)}.items():
        (programs / name).symlink_to(program)
    for path in filter(lambda path: (ROOT / path).is_file(), files()):
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, origin / path)
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    clone = Clone(folder / "espace", {"PATH": str(programs), "HOME": str(home), **pip})
    for words in (
        ["init", "--quiet", str(origin)],
        ["-C", str(origin), "add", "--all"],
        ["-C", str(origin), *AUTHOR, "commit", "--quiet", "--message=As it stands"],
        ["clone", "--quiet", str(origin), str(clone.folder)],
    ):
        subprocess.run([programs / "git", *words], env=clone.environment, check=True)
    return clone


def found(programs: Iterable[str]) -> dict[str, str]:
    """Where those programs are that this machine has."""
    return {name: path for name in programs if (path := shutil.which(name))}


def test_one_command_brings_up_the_demo(clone: Clone) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    with clone.making("demo", port=port) as process:
        if not answers(f"{url}/livez", process, PATIENCE):
            no_index(clone)
        page = httpx.get(f"{url}/graphql", headers={"Accept": "text/html"})
        assert "<textarea" in page.text
        assert httpx.get(f"{url}/_graphiql/fallback.js").is_success
        bearer = {"Authorization": f"Bearer {access_token(url)}"}
        answer = httpx.post(f"{url}/graphql", json={"query": "{ viewer { displayName } }"}, headers=bearer)
        assert answer.json()["data"] == {"viewer": {"displayName": "Atelier Exemple"}}
    output = clone.output()
    assert "Node 20 or later is not there" in output
    assert f"{url}/graphql" in output
    assert "Finished server process" in output
    assert "Traceback" not in output


def test_the_tests_run_there(clone: Clone) -> None:
    with clone.making("test", "ARGS=-n0 tests/test_house.py") as process:
        if process.wait(PATIENCE):
            no_index(clone)
    assert " passed" in clone.output()


def no_index(clone: Clone) -> NoReturn:
    """`make` failed: for want of an index of packages, which is not ours to mend, or for a reason of ours."""
    if NO_INDEX in clone.output():
        untested("pip reaches no index of packages: whether a fresh clone sets itself up is not known")
    pytest.fail(clone.output())

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.lock import DatabaseInUse, only_process

HOLD = """
import sys, time
from app.lock import only_process
with only_process(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that serves the database at `url`, until it is killed."""
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/folder/espace.db"


def test_a_second_process_is_refused_and_told_which_is_the_first(url: str) -> None:
    with another_process(url) as first, pytest.raises(DatabaseInUse) as refused, only_process(url):
        pytest.fail("two processes at once")
    assert f"espace.db is in use by process {first.pid}:" in str(refused.value)


def test_a_killed_process_frees_its_database(url: str) -> None:
    with another_process(url) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with only_process(url):
        assert Path(f"{url.removeprefix('sqlite:///')}.lock").exists()


def test_who_leaves_frees_the_database(url: str) -> None:
    with only_process(url):
        pass
    with another_process(url) as second:
        assert second.poll() is None


def test_another_way_to_the_same_file_is_the_same_file(url: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with only_process(url), pytest.raises(DatabaseInUse), only_process(f"sqlite:///{tmp_path}/link/espace.db"):
        pytest.fail("two processes at once")


def test_postgresql_may_have_many_processes() -> None:
    with only_process("postgresql://localhost/espace"), only_process("postgresql://localhost/espace"):
        assert True

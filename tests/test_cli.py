"""The command `espace`, as an operator runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.lock import only_process
from app.reference import settings_table
from schema.root import build


def espace(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A finished run of the command, over a database in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ESPACE_")}
    environment |= {"ESPACE_DATABASE_URL": f"sqlite:///{folder}/espace.sqlite", **settings}
    command = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_server_refuses_a_database_that_is_not_migrated(tmp_path: Path) -> None:
    run = espace(tmp_path, "serve")
    assert run.returncode == 1
    assert run.stderr == "The database is not migrated: run `espace migrate` first.\n"


def test_the_doctor_says_what_is_wrong_and_then_that_all_is_well(tmp_path: Path) -> None:
    ill = espace(tmp_path, "doctor", ESPACE_TRUSTED_DOCUMENTS="/nowhere.json")
    assert ill.returncode == 1
    assert "- The database is not migrated: run `espace migrate` first.\n" in ill.stdout
    assert "- ESPACE_TRUSTED_DOCUMENTS: " in ill.stdout
    assert espace(tmp_path, "migrate").returncode == 0
    well = espace(tmp_path, "doctor")
    assert [line for line in well.stdout.splitlines() if "migrated" in line or "TRUSTED" in line] == []


def test_everything_that_is_wrong_with_the_settings_is_said_at_once(tmp_path: Path) -> None:
    run = espace(tmp_path, "doctor", ESPACE_MODE="production", ESPACE_PORT="none", ESPACE_PROT="8000")
    named = [line.split(":")[0] for line in run.stdout.splitlines()]
    assert run.returncode == 1
    assert named == [
        "- ESPACE_PROT",
        "- ESPACE_PORT",
        "- ESPACE_SECRET_KEY",
        "- ESPACE_TLS_ONLY_COOKIES",
        "- ESPACE_PUBLIC_URL",
        "- ESPACE_BANK_IBAN",
    ]
    assert run.stderr == ""


def test_the_demo_is_for_the_sandbox_only(tmp_path: Path) -> None:
    production = {
        "ESPACE_MODE": "production",
        "ESPACE_SECRET_KEY": "s" * 32,
        "ESPACE_TLS_ONLY_COOKIES": "true",
        "ESPACE_PUBLIC_URL": "https://espace.example",
        "ESPACE_BANK_IBAN": "DE89370400440532013000",
    }
    run = espace(tmp_path, "demo", **production)
    assert (run.returncode, run.stderr) == (1, "ESPACE_MODE: the demo is for the sandbox only\n")
    assert not (tmp_path / "espace.sqlite").exists()


@pytest.mark.parametrize("command", ["serve", "worker", "demo", "migrate"])
def test_a_second_process_on_one_sqlite_file_is_refused(tmp_path: Path, command: str) -> None:
    with only_process(f"sqlite:///{tmp_path}/espace.sqlite"):
        run = espace(tmp_path, command)
    assert run.returncode == 1
    assert "is in use by process" in run.stderr
    assert "Traceback" not in run.stderr


def test_schema_and_settings_are_printed(tmp_path: Path) -> None:
    assert espace(tmp_path, "schema").stdout == build().schema.as_str() + "\n"
    assert espace(tmp_path, "settings").stdout == settings_table()

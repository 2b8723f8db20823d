"""The documents tell the truth: their examples are run, their tables compared with the code, their links followed.

A fenced block says what it is by the words after its language: `graphql` is asked by the demo's owner, with the
`json variables` after it, and answers the `json answer` after that; `graphql error` has errors; `json request` is sent
as it is. In an answer `…` stands for any text. `sh` blocks that talk to the demo's address are run against a demo.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.demo import seed
from app.doctor import complaints
from app.host import Host
from app.passwords import HashingPool
from app.reference import rows, settings_table
from app.settings import PREFIX, Settings
from engine import error
from engine.bind import Bound
from engine.media import GRAPHQL, JSON
from engine.trusted import digest
from models.clock import RealClock
from models.db import Database, async_url
from models.refusal import Code
from tests.api import OWNER, Api, serving
from tests.database import PostgresqlServer
from tests.house import ROOT
from tests.server import environment, running, untested

README, GUIDE, OPERATING = (ROOT / name for name in ("README.md", "docs/guide.md", "docs/operating.md"))
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DEMO = "http://127.0.0.1:8000"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
COMMANDS = {".venv/bin/python": sys.executable, ".venv/bin/espace": f"{sys.executable} -c 'from app.cli import main; main()'"}


@dataclass
class Block:
    """A fenced block, and what is said of it in those after it."""

    path: Path
    kind: str
    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] | None = None


def blocks(*paths: Path) -> Iterator[Block]:
    for path in paths:
        last = Block(path, "", "")
        for kind, text in FENCE.findall(path.read_text("utf-8")):
            if kind == "json variables":
                last.variables = orjson.loads(text)
            elif kind == "json answer":
                last.answer = orjson.loads(text)
            else:
                last = Block(path, kind, text)
                yield last


def of_kind(*kinds: str) -> list[Block]:
    # All of a document's blocks are read before the first is judged: an answer stands after its question.
    return [block for block in list(blocks(README, GUIDE, OPERATING)) if block.kind in kinds]


def name(block: Block) -> str:
    return f"{block.path.stem}: {' '.join(block.text.split())[:60]}"


def is_shown(shown: Any, given: Any) -> bool:
    """Whether what a document shows is what was given."""
    match shown, given:
        case str(), str():
            return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), given, re.DOTALL) is not None
        case list(), list():
            return len(shown) == len(given) and all(map(is_shown, shown, given))
        case dict(), dict():
            return shown.keys() == given.keys() and all(is_shown(shown[key], given[key]) for key in shown)
        case _:
            return bool(shown == given)


def check_answer(shown: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """`data` and `errors` are shown whole, or not at all; of the cost, a part."""
    parts = {key: value for key, value in given.items() if key in shown and key != "extensions"}
    assert is_shown({key: value for key, value in shown.items() if key != "extensions"}, parts), given
    cost = shown.get("extensions", {}).get("cost", {})
    assert cost.items() <= given.get("extensions", {}).get("cost", {}).items(), given


def table_below(path: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    _, _, below = path.read_text("utf-8").partition(f"# {heading}\n")
    _head, _line, *lines = re.findall(r"^\|.*\|$", below.partition("\n#")[0], re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Examples


@pytest.mark.parametrize("block", of_kind("graphql", "graphql error"), ids=name)
async def test_an_example_answers_what_is_shown(api: Api, block: Block) -> None:
    answer = await api.ask(block.text, block.variables, token=await api.token(OWNER))
    assert bool(answer.errors) is (block.kind == "graphql error"), answer.errors
    if block.answer is not None:
        check_answer(block.answer, answer.body)


async def test_a_trusted_document_is_asked_in_each_of_the_shapes(
    api: Api, database: Database, bound: Bound, tmp_path: Path
) -> None:
    document = "{ viewer { displayName } }"
    assert [block for block in of_kind("graphql") if block.text.strip() == document]
    (tmp_path / "documents.json").write_bytes(orjson.dumps({digest(document): document}))
    token, requests = await api.token(OWNER), of_kind("json request")
    assert len(requests) == 3
    async with serving(database, bound, trusted_documents=tmp_path / "documents.json", trusted_only=True) as trusting:
        for block in requests:
            headers = {"authorization": f"Bearer {token}"}
            answer = await trusting.client.post("/graphql", json=orjson.loads(block.text), headers=headers)
            assert answer.json()["data"] == {"viewer": {"displayName": "Atelier Exemple"}}


@pytest.mark.parametrize("path", [README, GUIDE], ids=lambda path: path.stem)
def test_what_is_typed_into_a_shell_works_as_shown(path: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        untested("there is no curl")
    typed = [block for block in list(blocks(path)) if block.kind == "sh" and DEMO in block.text.partition("#")[0]]
    assert any(block.answer for block in typed)
    with running(tmp_path) as server:
        script = "printf '\\0'\n".join(block.text.replace(DEMO, server.url) for block in typed)
        outputs = shell(script, tmp_path).split("\0")
    for block, output in zip(typed, outputs, strict=True):
        assert block.answer is None or output
        if block.answer is not None:
            check_answer(block.answer, orjson.loads(output))


def shell(script: str, folder: Path, **settings: object) -> str:
    """What a script prints, run in `folder`; every command in it has to succeed."""
    for command, here in COMMANDS.items():
        script = script.replace(command, here)
    variables = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=environment(settings, variables), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


# Operating


def typed_with(word: str) -> str:
    """The one shell block of the operating guide that has this word."""
    [block] = [block for block in of_kind("sh") if block.path == OPERATING and word in block.text]
    return block.text


async def test_an_sqlite_file_is_backed_up_while_served_and_restored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/espace.sqlite"
    with running(tmp_path, database_url=url):
        shell(typed_with("VACUUM INTO"), tmp_path)
    (tmp_path / "var" / "espace.sqlite").write_bytes(b"spoilt")
    shell(typed_with("rm -f"), tmp_path)
    assert await faults(url) == []
    with running(tmp_path, database_url=url) as server:
        assert httpx.get(f"{server.url}/readyz").text == "ready\n"


async def test_a_postgresql_database_is_dumped_and_restored(
    postgresql_databases: PostgresqlServer, hashing: HashingPool, tmp_path: Path
) -> None:
    if shutil.which("pg_dump") is None:
        untested("there is no pg_dump")
    async with postgresql_databases.migrated() as url, postgresql_databases.empty() as empty:
        database = Database(url, clock=RealClock(), sandbox=True)
        await seed(database, hashing)
        await database.close()
        shell(typed_with("pg_dump"), tmp_path, database_url=address(url))
        assert await faults(empty) != []
        shell(typed_with("pg_restore"), tmp_path, database_url=address(empty))
        assert await faults(empty) == []


def address(url: str) -> str:
    """As an operator writes it."""
    return async_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def faults(url: str) -> list[str]:
    """What the doctor has to say of a database."""
    return [line for line in await complaints(Settings(database_url=url)) if "database" in line.lower()]


def test_the_settings_shown_for_production_are_accepted() -> None:
    exports = dict(re.findall(r'^export (\w+)="?(.*?)"?$', typed_with("export "), re.MULTILINE))
    values = {key.removeprefix(PREFIX).lower(): re.sub(r"\$\(.*\)", "x" * 32, value) for key, value in exports.items()}
    settings = Settings(**values)
    assert not settings.sandbox
    assert len(settings.trusted_proxies) == 2


def test_spans_of_time_are_written_as_shown() -> None:
    shown = re.search(r"Spans of time are written like `(.*?)` or `(.*?)`", OPERATING.read_text("utf-8"))
    assert shown
    first, second = (Settings.model_validate({"session_lifetime": text}).session_lifetime for text in shown.groups())
    assert first == second


def test_the_table_of_settings_is_what_the_command_prints() -> None:
    _, _, rest = OPERATING.read_text("utf-8").partition("<!-- settings -->\n")
    assert rest.partition("<!-- /settings -->")[0] == settings_table(), "paste what `espace settings` prints"


# Tables of the guide


def test_every_code_of_an_error_is_explained() -> None:
    codes = {value for key, value in vars(error).items() if key == value}
    assert [row[0].strip("`") for row in table_below(GUIDE, "errors")] == unique(codes, "errors")
    assert "RATE_LIMITED" in codes


def test_every_code_of_a_user_error_is_explained() -> None:
    assert [row[0].strip("`") for row in table_below(GUIDE, "userErrors")] == [code.value for code in Code]


def unique(codes: Iterable[str], heading: str) -> list[str]:
    """The codes, each once, in the order of the table that explains them; then those that it lacks."""
    explained = [row[0].strip("`") for row in table_below(GUIDE, heading)]
    return [code for code in dict.fromkeys(explained) if code in codes] + sorted(set(codes) - set(explained))

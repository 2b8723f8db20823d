"""The documents tell the truth: their examples are run, their tables compared with the code, their links followed.

A fenced block says what it is by the words after its language: `graphql` is asked by the demo's owner, with the
`json variables` after it, and answers the `json answer` after that; `graphql error` has errors; `graphql shown` needs
what only a mail or an authenticator tells, and is compared with the schema; `json request` is sent as it is. In an
answer `…` stands for any text. `sh` blocks that talk to the demo's address are run against a demo.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values
from sqlalchemy import update

from app.demo import seed
from app.doctor import complaints
from app.passwords import HashingPool
from app.reference import rows, settings_table
from app.settings import PREFIX, Settings
from engine import error
from engine.bind import Bound
from engine.document import Documents
from engine.media import GRAPHQL, JSON
from engine.trusted import digest
from models.clock import RealClock
from models.column import table
from models.conflict import Busy
from models.db import Database, Db, async_url
from models.profile import Profile
from models.refusal import Code
from models.secret import SecretKind, is_well_formed, new_secret
from tests.api import OWNER, Api, serving
from tests.database import PostgresqlServer
from tests.house import ROOT
from tests.server import environment, running, untested

README, GUIDE, OPERATING = (ROOT / name for name in ("README.md", "docs/guide.md", "docs/operating.md"))
ASVS = ROOT / "docs" / "asvs.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DEMO = "http://127.0.0.1:8000"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMANDS = {
    ".venv/bin/python": sys.executable,
    ".venv/bin/espace": f"{sys.executable} -c 'from app.cli import main; main()'",
}


@dataclass
class Block:
    """A fenced block, and what is said of it in those after it."""

    path: Path
    kind: str
    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.path.stem}: {' '.join(self.text.split())[:60]}"


def blocks(path: Path) -> list[Block]:
    found = [Block(path, "", "")]
    for kind, text in FENCE.findall(path.read_text("utf-8")):
        if kind == "json variables":
            found[-1].variables = orjson.loads(text)
        elif kind == "json answer":
            found[-1].answer = orjson.loads(text)
        else:
            found.append(Block(path, kind, text))
    return found


BLOCKS = [block for path in (README, GUIDE, OPERATING) for block in blocks(path)]


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
    """`data` and `errors` are shown whole or left out; of the cost a part is shown."""
    for part in shown.keys() - {"extensions"}:
        assert is_shown(shown[part], given.get(part)), given
    cost = shown.get("extensions", {}).get("cost", {})
    assert cost.items() <= given.get("extensions", {}).get("cost", {}).items(), given


def table_below(path: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    _, _, below = path.read_text("utf-8").partition(f"# {heading}\n")
    _head, _line, *lines = re.findall(r"^\|.*\|$", below.partition("\n#")[0], re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Examples


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in ("graphql", "graphql error")], ids=str)
async def test_an_example_answers_what_is_shown(api: Api, block: Block) -> None:
    answer = await api.ask(block.text, block.variables, token=await api.token(OWNER))
    assert bool(answer.errors) is (block.kind == "graphql error"), answer.errors
    check_answer(block.answer or {}, answer.body)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "graphql shown"], ids=str)
def test_an_example_that_is_only_shown_fits_the_schema(bound: Bound, block: Block) -> None:
    document = parse(block.text)
    schema = bound.schema._schema
    assert validate(schema, document) == []
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(schema, operation.variable_definitions or (), block.variables)
    assert not isinstance(values, list), values


async def test_a_trusted_document_is_asked_in_each_of_the_shapes(
    api: Api, database: Database, bound: Bound, tmp_path: Path
) -> None:
    documents = {digest(block.text.strip()): block.text.strip() for block in BLOCKS if block.kind == "graphql"}
    (tmp_path / "documents.json").write_bytes(orjson.dumps(documents))
    requests = [orjson.loads(block.text) for block in BLOCKS if block.kind == "json request"]
    assert len(requests) == 3
    headers = {"authorization": f"Bearer {await api.token(OWNER)}"}
    async with serving(database, bound, trusted_documents=tmp_path / "documents.json", trusted_only=True) as trusting:
        for request in requests:
            answer = await trusting.client.post("/graphql", json=request, headers=headers)
            assert answer.json()["data"] == {"viewer": {"displayName": "Atelier Exemple"}}


@pytest.mark.parametrize("path", [README, GUIDE], ids=lambda path: path.stem)
def test_what_is_typed_into_a_shell_works_as_shown(path: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        untested("there is no curl")
    scripts = [block for block in BLOCKS if block.path == path and block.kind == "sh"]
    typed = [block for block in scripts if "curl" in block.text and DEMO in block.text]
    assert typed
    with running(tmp_path) as server:
        script = "printf '\\0'\n".join(block.text.replace(DEMO, server.url) for block in typed)
        outputs = shell(script, tmp_path).split("\0")
    for block, output in zip(typed, outputs, strict=True):
        check_answer(block.answer or {}, orjson.loads(output or "{}"))


def shell(script: str, folder: Path, **settings: object) -> str:
    """What a script prints, run in `folder`; every command in it has to succeed."""
    for command, here in COMMANDS.items():
        script = script.replace(command, here)
    variables = environment(settings) | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(["sh", "-euc", script], cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


# Operating


def typed_with(word: str) -> str:
    """The one shell block of the operating guide that has this word."""
    [text] = [block.text for block in BLOCKS if block.path == OPERATING and block.kind == "sh" and word in block.text]
    return text


async def test_an_sqlite_file_is_backed_up_while_served_and_restored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/espace.sqlite"
    with running(tmp_path, database_url=url):
        shell(typed_with("VACUUM INTO"), tmp_path)
    (tmp_path / "var" / "espace.sqlite").write_bytes(b"spoilt")
    shell(typed_with("rm -f"), tmp_path)
    assert await faults(url) == []


def test_credentials_of_services_are_added_listed_and_ended(tmp_path: Path) -> None:
    with running(tmp_path, database_url=f"sqlite:///{tmp_path}/var/espace.sqlite"):
        secret, shown = shell(typed_with("services add"), tmp_path).split("\n")[:2]
    assert is_well_formed(secret, SecretKind.SERVICE)
    assert shown == "mail  in force  ACCESS_CHECK  last used never"


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
    settings = Settings.model_validate({"database_url": url})
    return [line for line in await complaints(settings) if "database" in line.lower()]


def test_the_settings_shown_for_production_are_accepted() -> None:
    exports = re.findall(r'^export (\w+)="?(.*?)"?$', typed_with("export "), re.MULTILINE)
    given = {name.removeprefix(PREFIX).lower(): re.sub(r"\$\(.*\)", "x" * 32, value) for name, value in exports}
    settings = Settings.model_validate(given)
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
    explained = [row[0].strip("`") for row in table_below(GUIDE, "errors")]
    assert sorted(explained) == sorted(name for name, value in vars(error).items() if name == value)


def test_every_code_of_a_user_error_is_explained() -> None:
    assert [row[0].strip("`") for row in table_below(GUIDE, "userErrors")] == [code.value for code in Code]


LIMITS = ("Per minute", "Of one request", "Of one document")
COUNTED = re.compile(r"ESPACE_(\w+_PER_MINUTE|OPERATIONS_AT_ONCE|REQUESTS__\w+|DOCUMENTS__(?!LIST_SIZE)\w+)")


def test_every_limit_is_told_with_its_default() -> None:
    told = {row[2]: re.sub(r"[^0-9]", "", row[1]) for heading in LIMITS for row in table_below(GUIDE, heading)}
    assert told == {f"`{name}`": default.strip("`") for name, default, _ in rows() if COUNTED.fullmatch(name)}


VIEWER = {"query": "{ viewer { id } }"}
ASKED: dict[tuple[str, str], dict[str, Any]] = {
    ("200", ""): {"json": VIEWER},
    ("294", "any"): {"json": {"query": "{ sandbox { now } viewer { id } }"}},
    ("400", "SYNTAX"): {"json": {"query": "{"}},
    ("400", "BAD_REQUEST"): {"json": [VIEWER]},
    ("401", "UNAUTHENTICATED"): {"json": VIEWER, "headers": {"authorization": "Bearer nonsense"}},
    ("403", "BAD_REQUEST"): {"method": "GET", "params": VIEWER},
    ("403", "IP_NOT_ALLOWED"): {"json": VIEWER},
    ("404", "PERSISTED_DOCUMENT_NOT_FOUND"): {"json": {"documentId": "0" * 64}},
    ("405", "BAD_REQUEST"): {"method": "PUT", "json": VIEWER},
    ("406", "BAD_REQUEST"): {"json": VIEWER, "headers": {"accept": "text/plain"}},
    ("413", "BAD_REQUEST"): {"json": {"query": " " * 70_000}},
    ("414", "BAD_REQUEST"): {"method": "GET", "params": {"query": " " * 9_000}, "headers": {"x-csrf-token": "-"}},
    ("415", "BAD_REQUEST"): {"content": "{}", "headers": {"content-type": "text/plain"}},
    ("422", "INVALID_DOCUMENT"): {"json": {"query": "{ nothing }"}},
    ("422", "BAD_USER_INPUT"): {"json": {"query": "query ($id: ID!) { node(id: $id) { id } }"}},
    ("422", "COST_EXCEEDED"): {"json": {"query": "{" + "".join(f"a{n}: viewer {{ id }} " for n in range(200)) + "}"}},
    ("429", "RATE_LIMITED"): {"json": VIEWER},
    ("500", "INTERNAL"): {"json": VIEWER},
    ("503", "UNAVAILABLE"): {"json": VIEWER, "headers": {"authorization": f"Bearer {new_secret(SecretKind.ACCESS)}"}},
}
SPECIAL: dict[str, dict[str, Any]] = {
    "294": {"partial_success_status": True},
    "429": {"rate_limits": True, "anonymous_per_minute": 1},
}


@pytest.mark.parametrize(
    ("status", "to_json", "code"), [row[:3] for row in table_below(GUIDE, "Requests, statuses and media types")]
)
async def test_a_status_means_what_is_told(
    database: Database,
    bound: Bound,
    hashing: HashingPool,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    to_json: str,
    code: str,
) -> None:
    if status == "500":
        monkeypatch.setattr(Documents, "prepare", lambda *_: 1 / 0)
    if status == "503":
        monkeypatch.setattr(Db, "read", busy)
    if code.strip("`") == error.IP_NOT_ALLOWED:
        await seed(database, hashing)
    settings = {"rate_limits": False, **SPECIAL.get(status, {})}
    asked = {"method": "POST", "url": "/graphql", **ASKED[status, code.strip("`")]}
    for accept, expected in ((GRAPHQL, status), (JSON, to_json)):
        async with serving(database, bound, **settings) as api:
            if status == "429":
                await api.client.post("/graphql", json=VIEWER)
            headers = {"accept": accept, **asked.get("headers", {})}
            if code.strip("`") == error.IP_NOT_ALLOWED:
                headers["authorization"] = f"Bearer {await shut_out(api)}"
            answer = await api.client.request(**{**asked, "headers": headers})
        assert answer.status_code == int(expected)
        codes = {found["extensions"]["code"] for found in answer.json().get("errors", [])}
        assert codes == {code.strip("`")} - {""} or (code == "any" and codes)


async def busy(*_: Any) -> None:
    raise Busy


async def shut_out(api: Api) -> str:
    """The access token of somebody whose profile is allowed from elsewhere only."""
    token, profiles = await api.token(OWNER), table(Profile)
    elsewhere = update(profiles).where(profiles.c.id == OWNER.key).values(ip_allowlist=["198.51.100.0/24"])
    async with Db(api.database) as db:
        await db.note(elsewhere)
    return token


def test_every_status_is_told() -> None:
    told = [(row[0], row[2].strip("`")) for row in table_below(GUIDE, "Requests, statuses and media types")]
    assert sorted(told) == sorted(ASKED)


# Security


def test_what_meets_a_requirement_is_a_test_that_exists() -> None:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| .* \| (\w[\w ]*) \| (.*) \|$", ASVS.read_text("utf-8"), re.MULTILINE)
    assert rows
    assert {state for _, state, _ in rows} <= {"met", "partly", "not met", "deployment", "not applicable"}
    for requirement, state, why in rows:
        named = re.findall(r"`(tests/\w+\.py)::(\w+)`", why)
        assert named or state != "met", f"{requirement} names no test"
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), f"{requirement}: {path} has no {name}"


# Links


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{path.name} links to {target}#{anchor}"


def test_every_document_is_reached_from_the_readme() -> None:
    reached, pending = set(), [README]
    while pending:
        path = pending.pop()
        reached.add(path)
        linked = {(path.parent / target).resolve() for target, _ in LINK.findall(path.read_text("utf-8")) if target}
        pending += [found for found in linked - reached if found.suffix == ".md"]
    assert reached == set(DOCUMENTS)


def anchors(path: Path) -> set[str]:
    """The places in a document that links can name."""
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(path.read_text("utf-8"))
    }

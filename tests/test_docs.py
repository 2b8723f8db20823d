"""The documents tell the truth: their examples are run, their tables compared with the code, their links followed.

A fenced block says what it is by the words after its language: `graphql` is asked by the demo's owner, with the
`json variables` after it, and answers the `json answer` after that; `graphql error` has errors; `json request` is sent
as it is. In an answer `…` stands for any text, and what is left out is not compared. `sh` blocks that talk to the
demo's address are run against one.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select

from app.doctor import complaints
from app.host import Host
from app.main import open_database
from app.migration import upgrade
from app.reference import rows, settings_table
from app.settings import PREFIX, Settings
from engine import error as errors
from engine.bind import Bound
from engine.trusted import digest
from models.clock import RealClock
from models.column import table
from models.db import Database, Db, async_url
from models.profile import Profile
from models.refusal import Code
from tests.api import CHEAP, GRAPHQL, Answer, Api, serving
from tests.database import Databases
from tests.house import ROOT
from tests.server import running, untested

README, GUIDE, OPERATING = (ROOT / name for name in ("README.md", "docs/guide.md", "docs/operating.md"))
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DEMO = "http://127.0.0.1:8000"
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: `graphql`, `sh`, or another language and its word, such as `json answer`."""

    path: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


@dataclass
class Example:
    """A block that is run, and those after it that belong to it."""

    block: Block
    variables: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] | None = None


def blocks(path: Path) -> Iterator[Block]:
    text = path.read_text("utf-8")
    for found in FENCE.finditer(text):
        kind = f"{found[1]} {found[2].strip()}".strip()
        yield Block(path, text.count("\n", 0, found.start()) + 1, kind, found[3])


def examples(*kinds: str) -> list[Example]:
    found: list[Example] = []
    for path in (README, GUIDE, OPERATING):
        last: Example | None = None
        for block in blocks(path):
            if last is not None and block.kind == "json variables":
                last.variables = orjson.loads(block.text)
            elif last is not None and block.kind == "json answer":
                last.answer = orjson.loads(block.text)
            else:
                last = Example(block)
                found.append(last)
    return [example for example in found if example.block.kind in kinds]


def agrees(shown: Any, given: Any, *, whole: bool = True) -> bool:
    """Whether what a document shows is what was given. Of a response and its extensions it may show a part."""
    match shown, given:
        case str(), str():
            return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), given, re.DOTALL) is not None
        case list(), list():
            return len(shown) == len(given) and all(map(agrees, shown, given))
        case dict(), dict():
            names = shown.keys() == given.keys() if whole else shown.keys() <= given.keys()
            parts = {"extensions"} if not whole else set()
            return names and all(
                agrees(value, given[name], whole=whole and name not in parts if whole else name == "data")
                for name, value in shown.items()
            )
        case _:
            return bool(shown == given)


def table_after(path: Path, heading: str) -> list[list[str]]:
    """The cells of the rows of the first table below a heading."""
    _, _, below = path.read_text("utf-8").partition(f"\n{heading}\n")
    found = re.search(r"^\|.*?(?=\n\n|\Z)", below, re.MULTILINE | re.DOTALL)
    assert found, f"{path.name} has no table below {heading}"
    _head, _line, *lines = found[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

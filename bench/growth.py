"""What more objects in an answer cost, and more rows in the database."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from bench.compare import WARM_UP, Effort, middle
from bench.contender import OURS
from bench.load import Server, Spent, cores, on_one_core, pin_database, served
from bench.population import Visitor, populated
from bench.screen import ACTIVITY, EVENT, Screen
from tests.database import Databases

SIZES = (10, 100, 1_000)
"""Objects in an answer."""
PAGE = 100
"""The most that one page, or one list of ids, holds: a thousand objects are ten of them under aliases."""
FEW, MANY = 1_000, 1_000_000
"""Rows of the history."""
CURSORS = """query ($after: String) {
  viewer { activity(first: 100, after: $after) { nodes { id } pageInfo { endCursor } } }
}"""
NEWEST = f"{{ viewer {{ activity(first: 50) {{ nodes {{ {EVENT} }} }} }} }}"


async def objects(url: str, visitor: Visitor, effort: Effort) -> list[str]:
    """What an object costs in answers of each size, to what it costs in one of 100."""
    where = cores()
    with on_one_core(where and where.others), served([OURS], url, visitor.token, where) as (server,):
        asked = answers(server)
        await pin_database(url, where)
        found = rounds({each.name: (server, each) for each in asked}, effort)
    lines = []
    for name, title in TITLES.items():
        each = [found[f"{name} {size}"].cpu / size for size in SIZES]
        lines.append(f"    {title:40}" + "".join(f"{cost / each[1]:7.2f}" for cost in each))
    return [f"  an object in an answer of {', '.join(f'{size:,}' for size in SIZES)}, to one of {SIZES[1]}", *lines]


TITLES = {"pages": "in pages of 100 at most", "nodes": "by their ids"}


def answers(server: Server) -> list[Screen]:
    """Documents that are answered with so many objects."""
    cursors: list[str | None] = [None]
    ids: list[str] = []
    while len(ids) < SIZES[-1]:
        page = server.answer(Screen("page", "", CURSORS, {"after": cursors[-1]}))["viewer"]["activity"]
        cursors.append(page["pageInfo"]["endCursor"])
        ids += [node["id"] for node in page["nodes"]]
    return [each for size in SIZES for each in (pages(size, cursors[: max(1, size // PAGE)]), by_id(ids[:size]))]


def pages(size: int, cursors: Sequence[str | None]) -> Screen:
    """As many pages as that takes."""
    page = f"activity(first: {min(size, PAGE)}, after: $v#) {{ nodes {{ {EVENT} }} }}"
    values = {f"v{number}": cursor for number, cursor in enumerate(cursors)}
    return Screen(
        f"pages {size}", "", f"query ({declared(values, 'String')}) {{ viewer {{ {aliased(values, page)} }} }}", values
    )


def by_id(ids: Sequence[str]) -> Screen:
    """As many lists of ids as that takes."""
    listed = f"nodes(ids: $v#) {{ ... on ActivityEvent {{ {EVENT} }} }}"
    parts = [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]
    values = {f"v{number}": part for number, part in enumerate(parts)}
    return Screen(
        f"nodes {len(ids)}", "", f"query ({declared(values, '[ID!]!')}) {{ {aliased(values, listed)} }}", values
    )


def declared(values: Mapping[str, Any], kind: str) -> str:
    return ", ".join(f"${name}: {kind}" for name in values)


def aliased(values: Mapping[str, Any], field: str) -> str:
    """The field once for each value, each time under a name of its own."""
    return " ".join(f"a{name}: {field.replace('v#', name)}" for name in values)


async def rows(databases: Databases, effort: Effort) -> list[str]:
    """What a page of a history costs among a million rows, to the same among a thousand."""
    where, halfway = cores(), Screen("halfway", "a page halfway", ACTIVITY)
    newest = Screen("newest", "the first page", NEWEST)
    async with databases.empty() as small, databases.empty() as large:
        sides = {FEW: small, MANY: large}
        with ExitStack() as stack:
            asked: dict[str, tuple[Server, Screen]] = {}
            for count, url in sides.items():
                visitor = await populated(url, events=count, deep=count // 2)
                stack.enter_context(on_one_core(where and where.others))
                (server,) = stack.enter_context(served([OURS], url, visitor.token, where))
                there = Screen(halfway.name, halfway.title, halfway.document, {"after": visitor.after})
                asked |= {f"{each.name} {count}": (server, each) for each in (newest, there)}
                for each in (newest, there):
                    server.answer(each)
                await pin_database(url, where)
            found = rounds(asked, effort)
    pairs = [(each, found[f"{each.name} {MANY}"], found[f"{each.name} {FEW}"]) for each in (newest, halfway)]
    lines = [f"    {each.title:40}{big.cpu / few.cpu:7.2f} ({big.wall / few.wall:.2f})" for each, big, few in pairs]
    return [f"  a page of a history of {MANY:,} rows, to one of {FEW:,}: CPU (until answered)", *lines]


def rounds(asked: Mapping[str, tuple[Server, Screen]], effort: Effort) -> dict[str, Spent]:
    """What each costs: the median of rounds that take turns."""
    for server, screen in asked.values():
        for _ in range(WARM_UP):
            server.answer(screen)
    spent: dict[str, list[Spent]] = {name: [] for name in asked}
    for _ in range(effort.rounds):
        for name, (server, screen) in asked.items():
            spent[name].append(server.time(screen, effort.requests))
    return {name: middle(each) for name, each in spent.items()}

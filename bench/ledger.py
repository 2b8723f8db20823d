"""A page of the money of a profile with 20,000 movements and 2,000 documents: what it costs however deep it is."""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from app.demo import seed
from app.migration import upgrade
from app.passwords import HashingPool
from models.clock import RealClock, stopwatch
from models.db import Database
from models.password import Argon2
from schema.root import build
from tests.api import OWNER, Api, profile_id, serving
from tests.much import DOCUMENTS, ENTRIES, much

DEPTHS = (0, 0.25, 0.5, 0.99)
PAGE, LARGEST_PAGE = 20, 100
FIELDS = {
    "ledger": "nodes { kind label amount { amount } balanceAfter { amount } bookedAt }",
    "invoices": "nodes { number kind status issuedOn dueOn amountDue { amount } }",
}
SIZES = {"ledger": ENTRIES, "invoices": DOCUMENTS}
CURSORS = "edges { cursor } pageInfo { hasNextPage endCursor }"


def document(name: str, fields: str) -> str:
    return f"""query ($id: ID!, $first: Int, $after: String) {{ node(id: $id) {{ ... on Profile {{ billing {{
      {name}(first: $first, after: $after) {{ {fields} }} }} }} }} }}"""


async def ratios(url: str, rounds: int) -> Mapping[str, Sequence[float]]:
    """What a page at each depth takes, to the first page; the median of rounds that take turns.

    CPU time is that of this process, in which SQLite is and PostgreSQL is not; elapsed time is of both.
    """
    database = Database(url, clock=RealClock(), sandbox=True)
    passwords = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=50)
    await upgrade(database)
    await seed(database, passwords)
    passwords.close()
    found: dict[str, Sequence[float]] = {}
    async with serving(database, build(), rate_limits=False) as api:
        await much(api)
        token = await api.token(OWNER)
        for name in FIELDS:
            spent = await taken(api, token, name, rounds)
            for place, measure in enumerate(("CPU", "elapsed")):
                medians = [median(each[place] for each in pages) for pages in spent]
                found[f"{name}, {measure}"] = [each / medians[0] for each in medians]
    await database.close()
    return found


async def taken(api: Api, token: str, name: str, rounds: int) -> list[list[tuple[int, int]]]:
    """CPU and elapsed time of the pages at each depth."""
    after = await places(api, token, name)
    spent: list[list[tuple[int, int]]] = [[] for _ in DEPTHS]
    for _ in range(rounds):
        for pages, cursor in zip(spent, after, strict=True):
            pages.append(await page(api, token, name, cursor))
    return spent


async def places(api: Api, token: str, name: str) -> list[str | None]:
    """The cursors at which pages begin, as a client finds them: from page to page."""
    cursors: list[str] = []
    end: str | None = None
    while end is None or len(cursors) < SIZES[name]:
        found = await asked(api, token, document(name, CURSORS), LARGEST_PAGE, end)
        cursors += (edge["cursor"] for edge in found[name]["edges"])
        end = found[name]["pageInfo"]["endCursor"]
    return [cursors[int(len(cursors) * depth) - 1] if depth else None for depth in DEPTHS]


async def page(api: Api, token: str, name: str, after: str | None) -> tuple[int, int]:
    """CPU and elapsed time of one page."""
    text = document(name, FIELDS[name])
    begun, began = time.process_time_ns(), stopwatch()
    found = await asked(api, token, text, PAGE, after)
    spent = time.process_time_ns() - begun, stopwatch() - began
    assert len(found[name]["nodes"]) == PAGE
    return spent


async def asked(api: Api, token: str, text: str, first: int, after: str | None) -> Any:
    answer = await api.ask(text, {"id": profile_id(OWNER), "first": first, "after": after}, token=token)
    return answer.data["node"]["billing"]

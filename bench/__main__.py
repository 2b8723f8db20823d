"""`python -m bench [--quick] [--only PART]`: how dear we are, next to others in the same run; and hostile documents."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench import compare, depth, growth, hostile, ledger, live, memory, years
from bench.compare import Effort
from bench.load import NOT_PINNED, cores
from bench.population import populated
from tests.database import Databases, SqliteFiles, postgresql_server, with_template
from tests.much import DOCUMENTS, ENTRIES

BOUND_MS = 50
SHOWN = 5
PARTS = SCREENS, GROWTH, YEARS, LIVE, MEMORY, HOSTILE = "screens", "growth", "years", "live", "memory", "hostile"
QUICK, SOME = Effort(rounds=3, requests=5), Effort(rounds=9, requests=5)


def main() -> int:
    """Print the tables; 1 where a hostile document, what documents leave behind or a live connection is too dear."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be given several times")
    given = parser.parse_args()
    parts, effort = set(given.only or PARTS), QUICK if given.quick else Effort()
    print(f"What one request costs, as a ratio; the median of {effort.rounds} rounds that take turns.")
    print("Servers are on one core, databases and the client on another." if cores() else NOT_PINNED)
    within = True
    with all_databases() as found:
        for name, databases in found:
            print(f"\n{name}", flush=True)
            uvloop.run(side_by_side(databases, effort, parts, quick=given.quick))
            if YEARS in parts:
                show(of_years(databases, quick=given.quick))
        if len(found) == 1:
            print("\nPostgreSQL: none answers at 127.0.0.1:5432 and none is installed; not measured.")
        print()
        if LIVE in parts:
            within = uvloop.run(followed(found[0][1], live.QUICK if given.quick else live.CONNECTIONS))
        if MEMORY in parts:
            number = memory.QUICK if given.quick else memory.DOCUMENTS
            within = uvloop.run(left_behind(found[0][1], number)) and within
    return max(hostile_documents() if HOSTILE in parts else 0, int(not within))


@contextmanager
def all_databases() -> Iterator[list[tuple[str, Databases]]]:
    """SQLite, and PostgreSQL where there is one."""
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as server:
        found: list[tuple[str, Databases]] = [("SQLite", SqliteFiles(Path(folder)))]
        yield [*found, ("PostgreSQL", server)] if server else found


async def side_by_side(databases: Databases, effort: Effort, parts: Set[str], *, quick: bool) -> None:
    """The tables of one database; how it grows takes long to find out."""
    async with databases.empty() as url:
        visitor = await populated(url)
        if SCREENS in parts:
            show(await compare.lines(url, visitor, effort))
        if GROWTH in parts:
            show(await growth.objects(url, visitor, QUICK if quick else SOME))
    if GROWTH in parts and not quick:
        show(await growth.rows(databases, SOME))
        show(await deep(databases, effort))
        show(await deep_in_money(databases, effort))


def of_years(databases: Databases, *, quick: bool) -> list[str]:
    """How fast the clockwork plays; a quick look is at few customers."""
    with with_template(databases) as made:
        return uvloop.run(years.lines(made, *((years.QUICK, 1) if quick else (years.CUSTOMERS, years.ROUNDS))))


async def deep(databases: Databases, effort: Effort) -> list[str]:
    """A page of many accounts, to the first one, at each depth."""
    async with databases.empty() as url:
        found = await depth.ratios(url, effort.rounds * effort.requests)
    return pages(f"50 of {depth.ACCOUNTS:,} accounts, {depth.GRANTS:,} grants", depth.DEPTHS, found)


async def deep_in_money(databases: Databases, effort: Effort) -> list[str]:
    """A page of many movements and of many documents, to the first one, at each depth."""
    async with databases.empty() as url:
        found = await ledger.ratios(url, effort.rounds * effort.requests)
    of = f"{ledger.PAGE} of {ENTRIES:,} entries, and of {DOCUMENTS:,} invoices"
    return pages(of, ledger.DEPTHS, found)


def pages(of: str, depths: Sequence[float], found: Mapping[str, Sequence[float]]) -> list[str]:
    """The lines of pages at some depths."""
    head = f"  {of}: a page at {', '.join(f'{place:.0%}' for place in depths)}, to the first"
    return [head, *(f"    {name:40}" + "".join(f"{ratio:7.2f}" for ratio in each) for name, each in found.items())]


async def followed(databases: Databases, number: int) -> bool:
    """Whether so many live connections stay within the bound."""
    async with databases.empty() as url:
        lines, within = await live.held(url, await populated(url), number)
    show(lines)
    return within


async def left_behind(databases: Databases, number: int) -> bool:
    """Whether a server that is sent so many documents stays within the bound."""
    async with databases.empty() as url:
        lines, within = memory.grown(url, await populated(url), number)
    show(lines)
    return within


def show(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)


def hostile_documents() -> int:
    """Print the dearest; 1 where one is beyond the bound."""
    figures = hostile.measure()
    print(f"\nThe dearest of {len(figures)} hostile documents: CPU time before execution, {BOUND_MS} ms at most")
    for name, milliseconds in figures[:SHOWN]:
        print(f"  {milliseconds:5.1f} ms  {name}")
    return int(figures[0][1] > BOUND_MS)


if __name__ == "__main__":
    sys.exit(main())

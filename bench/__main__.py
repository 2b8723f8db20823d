"""`python -m bench [--quick]`: how dear we are, next to others in the same run, and what hostile documents cost."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench import depth, hostile
from bench.compare import BARE, OURS, SCREENS, STOCK, STOCK_CACHED, Costs, Effort, costs
from tests.database import Databases, SqliteFiles, postgresql_server

BOUND_MS = 50
SHOWN = 5
RATIOS = {
    f"{OURS} / {BARE}": (OURS, BARE),
    f"{STOCK} / {OURS}": (STOCK, OURS),
    f"{STOCK_CACHED} / {OURS}": (STOCK_CACHED, OURS),
}


def main() -> int:
    """Print both tables; 1 where a hostile document is too dear."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    effort = Effort(rounds=3, requests=5) if parser.parse_args().quick else Effort()
    print(f"CPU time of one request, as a ratio; the median of {effort.rounds} rounds that take turns.\n")
    print(f"{'':38}" + "".join(f"{title:>28}" for title in RATIOS))
    with all_databases() as found:
        for name, databases in found:
            print(name)
            for line in table(uvloop.run(compared(databases, effort))):
                print(line)
            for line in uvloop.run(deep(databases, effort)):
                print(line)
    return hostile_documents()


@contextmanager
def all_databases() -> Iterator[list[tuple[str, Databases]]]:
    """SQLite, and PostgreSQL where there is one."""
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as server:
        found: list[tuple[str, Databases]] = [("SQLite", SqliteFiles(Path(folder)))]
        yield [*found, ("PostgreSQL", server)] if server else found


async def compared(databases: Databases, effort: Effort) -> Costs:
    async with databases.empty() as url:
        return await costs(url, effort)


async def deep(databases: Databases, effort: Effort) -> list[str]:
    """A page of many accounts, to the first one, at each depth."""
    async with databases.empty() as url:
        found = await depth.ratios(url, effort.rounds * effort.requests)
    places = ", ".join(f"{place:.0%}" for place in depth.DEPTHS)
    head = f"  50 of {depth.ACCOUNTS:,} accounts, {depth.GRANTS:,} grants: a page at {places}, to the first"
    return [head, *(f"    {name:34}" + "".join(f"{ratio:7.2f}" for ratio in each) for name, each in found.items())]


def table(measured: Costs) -> Iterator[str]:
    for screen in SCREENS:
        ratios = [measured[screen, one] / measured[screen, other] for one, other in RATIOS.values()]
        yield f"  {screen:36}" + "".join(f"{ratio:>28.1f}" for ratio in ratios)


def hostile_documents() -> int:
    """Print the dearest; 1 where one is beyond the bound."""
    figures = hostile.measure()
    print(f"\nThe dearest of {len(figures)} hostile documents: CPU time before execution, {BOUND_MS} ms at most")
    for name, milliseconds in figures[:SHOWN]:
        print(f"  {milliseconds:5.1f} ms  {name}")
    return int(figures[0][1] > BOUND_MS)


if __name__ == "__main__":
    sys.exit(main())

"""The same screens, asked of everybody in turns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.contender import CACHED, CONTENDERS, HANDWRITTEN, OURS, STOCK, UNPLANNED
from bench.load import Server, Spent, cores, on_one_core, pin_database, served
from bench.population import Visitor
from bench.screen import Screen, screens

WARM_UP = 3
RATIOS = ((OURS, HANDWRITTEN), (UNPLANNED, OURS), (STOCK, OURS), (CACHED, OURS))


@dataclass(frozen=True)
class Effort:
    """How often everything is asked."""

    rounds: int = 15
    requests: int = 20
    """Of each kind, in each round."""


Costs = Mapping[tuple[str, str], Spent]
"""By screen and contender."""


async def lines(url: str, visitor: Visitor, effort: Effort) -> list[str]:
    """The table of one database."""
    asked, where = screens(visitor), cores()
    with on_one_core(where and where.others), served(list(CONTENDERS), url, visitor.token, where) as servers:
        agree(servers, asked)
        note = await pin_database(url, where)
        found = costs(servers, asked, effort)
    head = f"  {'CPU of the server, and (until answered)':42}" + "".join(f"{f'{a} / {b}':>28}" for a, b in RATIOS)
    return [*filter(None, [note and f"  {note}"]), head, *table(found, asked)]


def agree(servers: Sequence[Server], asked: Sequence[Screen]) -> None:
    """Everybody answers the same; asked a few times, so that all is warm."""
    for screen in asked:
        answers = [server.answer(screen) for server in servers for _ in range(WARM_UP)]
        if any(answer != answers[0] for answer in answers) or None in answers[0]["viewer"].values():
            raise AssertionError(f"not everybody answers {screen.name} alike: {answers}")


def costs(servers: Sequence[Server], asked: Sequence[Screen], effort: Effort) -> Costs:
    """What each screen costs each contender: the median of rounds that take turns."""
    spent: dict[tuple[str, str], list[Spent]] = {(screen.name, each.name): [] for screen in asked for each in servers}
    for _ in range(effort.rounds):
        for screen in asked:
            for server in servers:
                spent[screen.name, server.name].append(server.time(screen, effort.requests))
    return {key: middle(rounds) for key, rounds in spent.items()}


def middle(rounds: Sequence[Spent]) -> Spent:
    return Spent(median(each.cpu for each in rounds), median(each.wall for each in rounds))


def table(found: Costs, asked: Sequence[Screen]) -> Iterator[str]:
    """One line for each screen."""
    for screen in asked:
        pairs = ((found[screen.name, one], found[screen.name, other]) for one, other in RATIOS)
        ratios = (f"{one.cpu / other.cpu:.1f} ({one.wall / other.wall:.1f})" for one, other in pairs)
        yield f"  {screen.title:42}" + "".join(f"{ratio:>28}" for ratio in ratios)

"""Whether a process grows with the documents that it is sent: many, all different, each as large as one may be."""

from collections import Counter
from collections.abc import Iterator
from itertools import count, islice

import orjson
from graphql import GraphQLSchema

from bench.contender import OURS
from bench.load import cores, served
from bench.population import Visitor
from schema.root import build
from tests.scope import Bounds, Request
from tests.walker import Walker

DOCUMENTS, QUICK = 10_000, 300
FIRST = 50
"""Documents after which all code is loaded: from there on it is documents that make the process grow."""
PARTS = 20
BOUND_MB = 400
LARGE = Bounds(depth=12, selections=200, points=2_000)


def documents(schema: GraphQLSchema, bounds: Bounds = LARGE) -> Iterator[Request]:
    """Valid documents without end, of which no two are alike, with fragments, aliases and variables."""
    walker, seen = Walker(schema, bounds=bounds), set()
    for seed in count():
        request = walker.request(seed)
        if request.text not in seen:
            seen.add(request.text)
            yield request


def grown(url: str, visitor: Visitor, number: int) -> tuple[list[str], bool]:
    """What so many documents leave behind in a server with the usual settings; whether that is within the bound."""
    sizes: list[int] = []
    statuses: Counter[int] = Counter()
    with served([OURS], url, visitor.token, cores()) as (server,):
        if server.spent()["memory"] is None:
            return ["  the memory of a process cannot be told here"], True
        for place, request in enumerate(islice(documents(build().graphql), number), start=1):
            body = {"query": request.text, "variables": request.variables, "operationName": request.operation_name}
            status, _ = server.client.answer(server.client.request("/graphql", orjson.dumps(body)))
            statuses[status] += 1
            if place == FIRST or (place > FIRST and place % (number // PARTS) == 0):
                sizes.append(server.spent()["memory"])
    steps = ", ".join(f"{(size - sizes[0]) / 2**20:+.0f}" for size in sizes[1:])
    answered = ", ".join(f"{times:,} with {status}" for status, times in sorted(statuses.items()))
    looked = f"looked at {len(sizes) - 1} times"
    return [
        f"Memory that {number:,} different documents leave behind, {looked}: {BOUND_MB} MB at most",
        f"  {steps} MB ({answered})",
    ], sizes[-1] - sizes[0] <= BOUND_MB * 2**20

"""What a hostile document costs before anything is executed, or is refused."""

import time

from graphql import build_schema

from engine.document import Documents
from engine.error import RequestRefused
from engine.measure import DocumentLimits
from tests.hostile import SDL, corpus

ROUNDS = 3


def measure() -> list[tuple[str, float]]:
    """CPU milliseconds of each document, the best of a few rounds, dearest first. Nothing is kept in between."""
    documents = Documents(build_schema(SDL), DocumentLimits(), lambda field: None, entries=0, size_bytes=10**6)
    figures = [(hostile.name, min(cost(documents, hostile.text) for _ in range(ROUNDS))) for hostile in corpus()]
    return sorted(figures, key=lambda figure: -figure[1])


def cost(documents: Documents, text: str) -> float:
    start = time.process_time()
    refused(documents, text)
    return (time.process_time() - start) * 1_000


def refused(documents: Documents, text: str) -> bool:
    try:
        documents.prepare(text)
    except RequestRefused:
        return True
    return False


if __name__ == "__main__":
    for name, milliseconds in measure():
        print(f"{milliseconds:7.2f} ms  {name}")

"""What documents leave behind: the caches hold so many of them, and nothing else holds any."""

import gc
import tracemalloc
from functools import lru_cache
from itertools import islice

from bench.memory import documents
from engine.bind import Bound
from models.db import Database
from tests.api import serving
from tests.scope import Bounds

FEW = 20
"""Documents and plans that are kept."""
WARM, SENT = 40, 60
PER_DOCUMENT_KB = 20
"""What a document that is not kept may leave: one that were kept would be some hundred."""
SMALL = Bounds(depth=7, selections=50, points=300)


async def test_documents_that_are_not_kept_leave_nothing(database: Database, bound: Bound) -> None:
    """Whoever sends documents that differ does not make the process grow."""
    database.prepared = lru_cache(maxsize=FEW)(database._prepared)
    sent = list(islice(documents(bound.graphql, SMALL), WARM + SENT))
    sizes = []
    async with serving(database, bound, rate_limits=False, document_cache=FEW, plan_cache=FEW) as api:
        tracemalloc.start()
        for part in (sent[:WARM], sent[WARM:]):
            for request in part:
                await api.ask(request.text, request.variables)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < SENT * PER_DOCUMENT_KB * 1024

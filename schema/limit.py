"""LIM-2. What a request costs, and what is left."""

from datetime import datetime

import strawberry

from engine.declare import Computed, declare
from models.context import Quota
from schema.directive import PUBLIC, SEMANTIC_NON_NULL


@strawberry.type(description="Quota of the caller.")
class RateLimit:
    cost: int = strawberry.field(description="Points this request costs.")
    limit: int = strawberry.field(description="Points per window.")
    remaining: int = strawberry.field(description="Points left.")
    reset_at: datetime = strawberry.field(description="Start of the next window.")


def rate_limit(quota: Quota) -> Quota:
    """The quota, as it is."""
    return quota


@strawberry.type
class LimitQuery:
    rate_limit: RateLimit | None = declare(
        Computed(rate_limit, (), given="quota"),
        PUBLIC,
        marks=[SEMANTIC_NON_NULL],
        description="Cost and quota of this very request; also sent in the response's `extensions.cost`.",
    )

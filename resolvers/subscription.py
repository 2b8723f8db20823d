"""Subscriptions: which a profile has, and which of them runs for an account."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlmodel import select as select_rows

from models.column import table
from models.context import Context
from models.db import Write
from models.plan import Plan
from models.subscription import Subscription, SubscriptionStatus

SUBSCRIPTIONS = table(Subscription)
PLANS = table(Plan)
WANTED: Any = bindparam("wanted", expanding=True)
NAMES = select(PLANS.c.id, PLANS.c.name_en, PLANS.c.name_fr).where(PLANS.c.id.in_(WANTED))


def of_owner(*, status: Sequence[SubscriptionStatus] | None = None) -> Select[Any]:
    """The subscriptions of a profile, running and past; those in one of these states."""
    subscriptions = select(SUBSCRIPTIONS.c.owner_id)
    return subscriptions if status is None else subscriptions.where(SUBSCRIPTIONS.c.status.in_(status))


def running() -> Select[Any]:
    """The subscription that runs for an account; none for a free one, nor on a server."""
    return select(SUBSCRIPTIONS.c.account_id).where(SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED)


async def labels(context: Context, keys: Sequence[UUID]) -> list[str]:
    """The name of each plan, in the reader's language."""
    found = {row.id: row for row in await context.db.rows(NAMES, {"wanted": list(keys)})}
    return [context.locale.pick(found[key].name_en, found[key].name_fr) for key in keys]


async def end_of_account(write: Write, account_id: UUID) -> None:
    """BIL-18. What runs for an account ends with it."""
    of_account = SUBSCRIPTIONS.c.account_id == account_id, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
    for subscription in await write.lock(select_rows(Subscription).where(*of_account)):
        subscription.end(write.record)

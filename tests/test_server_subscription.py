"""CAT-1, BIL-4. What is paid for a server decides what it is, and whether it and the accounts on it are used."""

from typing import Any

import pytest
from sqlmodel import select as select_rows

from models.activity import ActivityEvent
from models.column import table
from models.db import Db
from models.obstacle import BeingDeleted
from models.opening import PlanUnavailable
from models.plan import Plan
from models.price import BillingPeriod
from models.subscription import Subscription
from tests.api import OWNER, Api
from tests.cycle import alone
from tests.test_clockwork import order
from tests.test_server import deleted


async def test_a_server_is_what_is_subscribed_for_it(api: Api) -> None:
    """CAT-1. The plan that is ordered becomes its own, and that is told where it was another; not of one that goes."""
    await alone(api)
    token = await api.token(OWNER)

    async def plan() -> Any:
        return (await api.ask('{ server(name: "forge") { plan { code } } }', token=token)).data["server"]["plan"][
            "code"
        ]

    async def told() -> list[Any]:
        return [row.changes["plan_id"] for row in await api.rows(ActivityEvent) if row.kind == "server.plan_changed"]

    ids = {row.code: str(row.id) for row in await api.rows(Plan)}
    begun = await order(api, "gold", period=BillingPeriod.YEARLY, agreed_cents=900_000)
    assert (await plan(), await told()) == ("gold", [])
    async with Db(api.database) as db, db.write() as write:
        running = await write.lock_one(select_rows(Subscription).where(table(Subscription).c.id == begun.id))
        assert running is not None
        running.end(write.record, on=running.anchor)
    with pytest.raises(PlanUnavailable):
        await order(api, "small")
    await order(api, "dedicated")
    assert (await plan(), await told()) == ("dedicated", [[ids["gold"], ids["dedicated"]]])
    assert (await deleted(api, token))["userErrors"] == []
    with pytest.raises(BeingDeleted):
        await order(api, "gold", agreed_cents=90_000)
    assert await plan() == "dedicated"

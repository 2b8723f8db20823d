"""BIL-4. Subscriptions: what is paid for again and again, and for which days."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from engine.declare import Batch, Computed, Either, One, declare
from models import subscription as rows
from models.context import Context
from models.permission import OverallPermission
from models.price import BillingPeriod
from resolvers import subscription as acts
from schema.connection import connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.node import Node, node
from schema.plan import Plan

if TYPE_CHECKING:
    from schema.account import Account
    from schema.server import Server

described(
    rows.SubscriptionStatus,
    "State of a subscription.",
    name="ServiceSubscriptionStatus",
    ACTIVE="Running.",
    SUSPENDED="Suspended with its profile.",
    ENDED="Ended.",
)
COMMERCIAL = authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT])
SubscriptionItem = Annotated[
    Annotated["Account", strawberry.lazy("schema.account")] | Annotated["Server", strawberry.lazy("schema.server")],
    strawberry.union("SubscriptionItem", description="Things one can subscribe to."),
]


def last_day(period_end: date) -> date:
    """The last day of a period, which is kept by the first one after it."""
    return period_end - timedelta(days=1)


@node(
    rows.Subscription,
    gate=COMMERCIAL,
    owner="owner_id",
    account="account_id",
    server="server_id",
    description="What is billed again each period; named so because Subscription is the root of GraphQL subscriptions.",
)
class ServiceSubscription(Node):
    item: SubscriptionItem | None = declare(
        Either((("Account", "account_id"), ("Server", "server_id"))),
        description="Thing subscribed; null once deleted.",
    )
    label: str = declare(
        Batch("plan_id", acts.labels), description="What it is, as printed: plan, server option, IP address..."
    )
    plan: Plan | None = declare(One("plan_id"), description="Plan; null for an option.")
    period: BillingPeriod = strawberry.field(description="Billing period.")
    status: rows.SubscriptionStatus = strawberry.field(description="State.")
    period_start: date = strawberry.field(description="First day of the current period.")
    period_end: date = declare(
        Computed(last_day, ("period_end",)),
        description="Last day of the current period; renewed tacitly the day after.",
    )
    renews: bool = strawberry.field(description="It renews itself at the end of the period.")


@strawberry.input(description="Filter; all given criteria must hold.")
class ServiceSubscriptionFilter:
    status: list[rows.SubscriptionStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of subscriptions takes of the field's filter."""
    wanted: ServiceSubscriptionFilter = given.get("filter") or ServiceSubscriptionFilter()
    return {"status": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None}


def subscriptions() -> Any:
    """The connection of what a profile subscribes to."""
    return connection(
        acts.of_owner,
        COMMERCIAL,
        key="id",
        order=newest("created_at"),
        more={"filter": (ServiceSubscriptionFilter | None, "Keep only matching items.")},
        given=criteria,
        description="Running and past subscriptions.",
    )


def running() -> Any:
    """The subscription of an account."""
    return declare(One("id", acts.running), COMMERCIAL, description="Running subscription; null on the private cloud.")

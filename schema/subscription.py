"""BIL-4. Subscriptions: what is paid for again and again, and for which days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Computed, Either, One, declare
from models import subscription as rows
from models.context import Context
from models.discount import DiscountKind, in_force
from models.money import TaxedAmount
from models.permission import OverallPermission
from models.price import BillingPeriod
from models.profile import Locale
from resolvers import subscription as acts
from schema.connection import connection, newest
from schema.directive import SEMANTIC_NON_NULL, authorize
from schema.enumeration import described
from schema.global_id import key_of
from schema.invoice_line import TaxedMoney
from schema.message import say
from schema.mutation import Info, MutationPayload, mutation, refetched
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
PROGRAM = "Program discount"
REFERRAL = "Referral discount"
COMMERCIAL = authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT])
SubscriptionItem = Annotated[
    Annotated["Account", strawberry.lazy("schema.account")] | Annotated["Server", strawberry.lazy("schema.server")],
    strawberry.union("SubscriptionItem", description="Things one can subscribe to."),
]


def last_day(period_end: date) -> date:
    """The last day of a period, which is kept by the first one after it."""
    return period_end - timedelta(days=1)


def last_committed(committed_until: date | None) -> date | None:
    """CAT-1. The last day of the commitment."""
    return last_day(committed_until) if committed_until else None


@strawberry.type(description="A reduction on a subscription.")
class Discount:
    label: str = strawberry.field(description="Origin: referral or program.")
    percent: Decimal = strawberry.field(description="Percentage off.")
    ends_on: date | None = strawberry.field(description="Last day.")


def discounts(locale: Locale, stored: list[dict[str, Any]], period_end: date) -> list[Discount]:
    """BIL-17. The discounts that the next period has, in the order in which they apply."""
    return [
        Discount(
            label=say(locale, PROGRAM) if each.kind is DiscountKind.PROGRAM else say(locale, REFERRAL),
            percent=each.percent,
            ends_on=last_committed(each.ends_before),
        )
        for each in in_force(rows.discounts_of(stored), period_end)
    ]


async def prices(context: Context, keys: Sequence[UUID]) -> list[TaxedAmount]:
    """CAT-4. What the next period of each costs, discounts applied, with VAT as it is now."""
    return [TaxedAmount(*each) for each in await acts.next_prices(context, keys)]


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
        Batch("id", acts.labels), description="What it is, as printed: plan, server option, IP address..."
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
    committed_until: date | None = declare(
        Computed(last_committed, ("committed_until",)), description="End of the minimum commitment."
    )
    price: TaxedMoney | None = declare(
        Batch("id", prices),
        authorize(overall=[OverallPermission.BILLING]),
        marks=[SEMANTIC_NON_NULL],
        description="Next price, discounts applied.",
    )
    discounts: list[Discount] = declare(
        Computed(discounts, ("discounts", "period_end"), given="locale"),
        description="Discounts in force (bounded list).",
    )


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


def running_server() -> Any:
    """The subscription of a server."""
    return declare(One("id", acts.of_server), COMMERCIAL, description="Running subscription.")


@strawberry.input(description="Arguments of subscriptionRenewalUpdate.")
class SubscriptionRenewalUpdateInput:
    subscription_id: strawberry.ID = strawberry.field(description="Subscription.")
    renews: bool = strawberry.field(description="Renew at the end of the period.")


@strawberry.type(description="Result of subscriptionRenewalUpdate.")
class SubscriptionRenewalUpdatePayload(MutationPayload):
    subscription: ServiceSubscription | None = refetched("subscription", "The subscription.")


@strawberry.type
class SubscriptionMutation:
    @mutation(
        SubscriptionRenewalUpdatePayload,
        authorize(subject="input.subscriptionId", overall=[OverallPermission.ACCOUNT_MANAGEMENT]),
        description="Stop or resume the tacit renewal of a subscription.",
    )
    async def subscription_renewal_update(
        self, info: Info, input: SubscriptionRenewalUpdateInput
    ) -> SubscriptionRenewalUpdatePayload | None:
        key = key_of(input.subscription_id, "ServiceSubscription", "subscription_id")
        await acts.renewal_update(info.context, key=key, renews=input.renews)
        return SubscriptionRenewalUpdatePayload.of(subscription=key)

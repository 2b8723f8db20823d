"""Section 14. Customers as the staff finds and sees them: types of its own, so that no customer's type has a field
for the staff."""

from datetime import datetime
from typing import Any

import strawberry

from engine.error import BAD_USER_INPUT, FieldRefused
from models import customer as rules
from models.account import AccountStatus
from models.activity import ACTIONS, ActivityChannel
from models.money import Money as Amount
from models.profile import Locale, ProfileKind, ProfileStatus, SuspensionReason, display_name, status_of
from models.refusal import Refusal
from models.server import ServerStatus
from resolvers import customer as acts
from schema.global_id import global_id, key_of, read_global_id
from schema.message import say
from schema.money import Money
from schema.mutation import Info, mutation
from schema.page import MOST, next_of, place
from schema.provisioning import ServicePayload
from schema.service import ANY_STAFF

EVENTS = 50
"""Of the history at once."""
REASON = "Why; it stands in the customer's history."


@strawberry.type(description="A customer that was found.")
class CustomerFound:
    profile_id: strawberry.ID = strawberry.field(description="Global id of the profile.")
    name: str = strawberry.field(description="Its name.")
    email: str = strawberry.field(description="Its e-mail address.")
    status: ProfileStatus = strawberry.field(description="State.")


@strawberry.type(description="Customers that were found.")
class CustomerPage:
    customers: list[CustomerFound] = strawberry.field(description="Customers (bounded list).")
    next: str | None = strawberry.field(description="What to go on after; null at the end.")


@strawberry.type(description="A suspension of a customer, in force or lifted.")
class CustomerSuspension:
    reason: SuspensionReason = strawberry.field(description="Cause.")
    text: str | None = strawberry.field(description="What the customer was told about it.")
    since: datetime = strawberry.field(description="Start.")
    deletion_at: datetime = strawberry.field(description="When the profile would be deleted.")
    lifted_at: datetime | None = strawberry.field(description="When it was lifted.")


@strawberry.type(description="An account of a customer.")
class CustomerAccount:
    id: strawberry.ID = strawberry.field(description="Global id.")
    name: str = strawberry.field(description="Name.")
    status: AccountStatus = strawberry.field(description="State.")


@strawberry.type(description="A server of a customer.")
class CustomerServer:
    id: strawberry.ID = strawberry.field(description="Global id.")
    name: str = strawberry.field(description="Name.")
    status: ServerStatus = strawberry.field(description="State.")


@strawberry.type(description="An action in a customer's history.")
class CustomerEvent:
    occurred_at: datetime = strawberry.field(description="When.")
    action: str = strawberry.field(description="Stable dotted code.")
    summary: str = strawberry.field(description="Localised sentence.")
    channel: ActivityChannel = strawberry.field(description="Through what.")
    who: str | None = strawberry.field(description="Who: an e-mail address, of the staff a first name.")
    reason: str | None = strawberry.field(description="Why, of what the staff did.")
    ip_address: str | None = strawberry.field(description="From which address; of the staff none is shown.")


@strawberry.type(description="A customer as the staff sees them.")
class Customer:
    profile_id: strawberry.ID = strawberry.field(description="Global id of the profile.")
    name: str = strawberry.field(description="Name.")
    email: str = strawberry.field(description="E-mail address.")
    email_verified: bool = strawberry.field(description="The address was confirmed.")
    pending_email: str | None = strawberry.field(description="The address that is to replace it, once it is confirmed.")
    kind: ProfileKind = strawberry.field(description="Legal form.")
    first_name: str | None = strawberry.field(description="First name.")
    last_name: str | None = strawberry.field(description="Last name.")
    street_lines: list[str] = strawberry.field(description="Street lines.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="City.")
    country: str | None = strawberry.field(description="Country.")
    registration_number: str | None = strawberry.field(description="Registration number.")
    vat_number: str | None = strawberry.field(description="VAT number.")
    phone: str | None = strawberry.field(description="Telephone number on file.")
    locale: Locale = strawberry.field(description="Language.")
    status: ProfileStatus = strawberry.field(description="State.")
    created_at: datetime = strawberry.field(description="Registration.")
    last_signed_in_at: datetime | None = strawberry.field(description="Last sign-in.")
    two_factor: bool = strawberry.field(description="Two-factor authentication is on.")
    restricted_networks: bool = strawberry.field(description="The profile may be used from listed networks only.")
    balance: Money = strawberry.field(description="Balance.")
    suspensions: list[CustomerSuspension] = strawberry.field(description="Suspensions, the last 100, newest first.")
    accounts: list[CustomerAccount] = strawberry.field(description="Accounts by name, the first 100.")
    servers: list[CustomerServer] = strawberry.field(description="Servers by name, the first 100.")
    activity: list[CustomerEvent] = strawberry.field(description="History, newest first (bounded list).")
    activity_next: str | None = strawberry.field(description="What to go on after in the history; null at the end.")


SAME = (
    "email",
    "pending_email",
    "kind",
    "first_name",
    "last_name",
    "street_lines",
    "postal_code",
    "city",
    "country",
    "registration_number",
    "vat_number",
    "phone",
    "locale",
    "created_at",
    "last_signed_in_at",
)
"""Columns that are shown as they are."""


def _name(row: Any) -> str:
    return display_name(row.organization_name, row.first_name, row.last_name, row.email)


def _event(locale: Locale, row: Any) -> CustomerEvent:
    by_staff = row.channel is ActivityChannel.SUPPORT
    return CustomerEvent(
        occurred_at=row.occurred_at,
        action=row.kind,
        summary=say(locale, ACTIONS[row.kind].sentence),
        channel=row.channel,
        who=acts.who(row),
        reason=row.facts.get("why") if by_staff else None,
        ip_address=None if by_staff else row.ip_address,
    )


def _shown(locale: Locale, seen: acts.Seen, most: int) -> Customer:
    row, events = seen.profile, seen.activity[:most]
    return Customer(
        **{name: getattr(row, name) for name in SAME},
        profile_id=strawberry.ID(global_id("Profile", row.id)),
        name=_name(row),
        email_verified=row.email_verified_at is not None,
        status=status_of(row.invited_at, row.suspended_at),
        two_factor=row.two_factor_since is not None,
        restricted_networks=bool(row.ip_allowlist),
        balance=Amount(seen.balance_cents),  # type: ignore[arg-type]
        suspensions=[
            CustomerSuspension(
                reason=each.reason,
                text=each.text,
                since=each.since,
                deletion_at=each.deletion_at,
                lifted_at=each.lifted_at,
            )
            for each in seen.suspensions
        ],
        accounts=[
            CustomerAccount(id=strawberry.ID(global_id("Account", each.id)), name=each.name, status=each.status)
            for each in seen.accounts
        ],
        servers=[
            CustomerServer(id=strawberry.ID(global_id("Server", each.id)), name=each.name, status=each.status)
            for each in seen.servers
        ],
        activity=[_event(locale, each) for each in events],
        activity_next=next_of(events[-1].occurred_at, events[-1].id) if len(seen.activity) > most else None,
    )


async def customer_search(
    self: object, info: Info, text: str, first: int = 25, after: strawberry.ID | None = None
) -> CustomerPage:
    """Section 14. Who is found."""
    if not 0 < first <= MOST:
        raise FieldRefused(BAD_USER_INPUT, "A page has 1 to {most} items.", most=MOST)
    try:
        words = rules.wanted(text)
    except Refusal as refusal:
        raise FieldRefused(BAD_USER_INPUT, refusal.message, **refusal.figures) from None
    last = read_global_id(after) if after else None
    if after and (last is None or last[0] != "Profile"):
        raise FieldRefused(BAD_USER_INPUT, "This is not an id.")
    found = await acts.search(info.context, words, last[1] if last else None, first + 1)
    customers = [
        CustomerFound(
            profile_id=strawberry.ID(global_id("Profile", row.id)),
            name=_name(row),
            email=row.email,
            status=status_of(row.invited_at, row.suspended_at),
        )
        for row in found[:first]
    ]
    return CustomerPage(customers=customers, next=customers[-1].profile_id if len(found) > first else None)


@strawberry.type
class CustomerQuery:
    customer_search: CustomerPage | None = strawberry.field(
        resolver=customer_search,
        directives=[ANY_STAFF],
        description=(
            "Customers by their e-mail address or whole name, or by how the name of an account or a server of theirs "
            "begins."
        ),
    )


@strawberry.input(description="Arguments of customerOpen.")
class CustomerOpenInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile.")
    activity_after: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `activityNext` from which the history goes on."
    )
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.type(description="Result of customerOpen.")
class CustomerOpenPayload(ServicePayload):
    customer: Customer | None = strawberry.field(description="The customer.")


@strawberry.type
class CustomerMutation:
    @mutation(
        CustomerOpenPayload,
        ANY_STAFF,
        cost=100,
        description="Look into a customer's profile; that somebody did, and why, stands in its history.",
    )
    async def customer_open(self, info: Info, input: CustomerOpenInput) -> CustomerOpenPayload | None:
        key = key_of(input.profile_id, "Profile", "profile_id")
        after = place(input.activity_after) if input.activity_after else None
        seen = await acts.look(info.context, key=key, after=after, most=EVENTS + 1)
        return CustomerOpenPayload.of(customer=_shown(info.context.locale, seen, EVENTS))

"""Profiles: the identity part, and the viewer."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Column, Computed, Many, One, declare
from models import profile as rows
from models.context import Context
from models.customer_number import customer_number
from models.issuer import BUYER
from models.permission import OverallPermission, Subject, permissions_in
from models.restriction import REMEDY
from models.viewer import NOTHING_GRANTED, Viewer
from resolvers import account as account_acts
from resolvers import contract as contracts
from resolvers import grant as grant_acts
from resolvers import profile as acts
from resolvers import restriction
from resolvers import server as server_acts
from schema.account import Account
from schema.account_list import BY_NAME, AccountFilter, AccountOrder
from schema.account_list import ORDERS as ACCOUNT_ORDERS
from schema.account_list import chosen as account_order
from schema.account_list import criteria as account_criteria
from schema.activity import ActivityEvent, history
from schema.alert import Alert, alerts
from schema.billing import Billing, billing
from schema.connection import Connection, connection
from schema.contract import Contract
from schema.deletion import DeletionPreview, deletion_preview
from schema.directive import PUBLIC, SEMANTIC_NON_NULL, Authorize, authorize
from schema.enumeration import described
from schema.grant import PermissionGrant, grants
from schema.identity import LegalIdentity
from schema.identity import identity as shown_identity
from schema.invoicing_day import invoicing_day_quote
from schema.message import say
from schema.mutation import Info, MutationPayload, given, mutation, refetched
from schema.node import Actor, Node, node
from schema.opening import opening_quote
from schema.quote import AccountOpenQuote, InvoicingDayQuote
from schema.scalar import CountryCode, EmailAddress
from schema.server import Server
from schema.subscription import ServiceSubscription, subscriptions
from schema.suspension import Suspension, suspension
from schema.ticket import Ticket, tickets
from schema.transfer import Transfer, transfers

if TYPE_CHECKING:
    from schema.security import Security

described(
    rows.ProfileKind,
    "Legal form of a profile.",
    INDIVIDUAL="Private person.",
    COMPANY="Company.",
    NON_PROFIT="Non-profit organisation.",
    PUBLIC_BODY="Public body; may need Chorus Pro.",
)
described(
    rows.ProfileStatus,
    "Life-cycle state of a profile.",
    INVITED="Invited by a permission grant or an academic invitation, never logged in.",
    ACTIVE="In normal use.",
    SUSPENDED="Services blocked; deleted 30 days later unless corrected.",
)
described(rows.Locale, "Languages of the service.", EN="English.", FR="French.")

ANY_OVERALL = authorize(
    overall=[
        OverallPermission.BILLING,
        OverallPermission.ACCOUNT_MANAGEMENT,
        OverallPermission.TECHNICAL_ACCOUNT,
        OverallPermission.TECHNICAL_SERVER,
    ]
)
BILLING = authorize(overall=[OverallPermission.BILLING])
OWNER = authorize()


def guarded(guard: Authorize, description: str, what: Any = None) -> Any:
    """A column, or what is declared, that asks something of the caller; null only with an error."""
    return declare(what or Column(), guard, description=description, marks=[SEMANTIC_NON_NULL])


def shown_name(viewer: Viewer, key: UUID, *names: Any) -> str:
    """The name to show; to whoever has no right on the profile, its e-mail address."""
    known = viewer.own_id == key or viewer.in_force(key) is not NOTHING_GRANTED
    return rows.display_name(*names) if known else str(names[-1])


async def remedies(context: Context, keys: Sequence[UUID]) -> list[str | None]:
    """PRO-11. What would lift each restriction."""
    found = await restriction.restricted(context, keys)
    return [say(context.locale, REMEDY) if each else None for each in found]


def held(viewer: Viewer, key: UUID) -> tuple[OverallPermission, ...]:
    """PER-13. The overall permissions that the viewer holds on a profile."""
    return permissions_in(viewer.holds(Subject(key)), OverallPermission)


def is_owner(viewer: Viewer, key: object) -> bool:
    """Whether the viewer is this profile."""
    return viewer.profile_id == key


@node(
    rows.Profile,
    gate=authorize(related=True),
    owner="id",
    description=(
        "A person or an organisation: logs in with an e-mail address, owns accounts and servers, receives invoices."
    ),
)
class Profile(Node, Actor):
    display_name: str = declare(
        Computed(shown_name, ("id", "organization_name", "first_name", "last_name", "email"), given="viewer"),
        description="Name to show: the organisation, else the person, else the e-mail address.",
    )
    email: EmailAddress = strawberry.field(description="Log-in address.")
    kind: rows.ProfileKind | None = guarded(ANY_OVERALL, "Legal form.")
    email_verified: bool | None = guarded(
        OWNER, "The address was confirmed.", Computed(lambda instant: instant is not None, ("email_verified_at",))
    )
    customer_number: str | None = guarded(
        BILLING, "Number to quote on bank transfers.", Computed(customer_number, ("id",))
    )
    identity: LegalIdentity | None = guarded(
        BILLING, "Legal identity printed on invoices.", Computed(shown_identity, BUYER)
    )
    locale: rows.Locale | None = guarded(OWNER, "Language of e-mails and messages.")
    created_at: datetime | None = guarded(ANY_OVERALL, "Registration.")
    status: rows.ProfileStatus | None = guarded(
        ANY_OVERALL, "Life-cycle state.", Computed(rows.status_of, ("invited_at", "suspended_at"))
    )
    suspension: Suspension | None = suspension()
    restricted: bool | None = guarded(
        BILLING, "Technical limits apply until a first payment or a stored card.", Batch("id", restriction.restricted)
    )
    restriction_remedy: str | None = declare(
        Batch("id", remedies),
        BILLING,
        description="Localised sentence: what would lift the restriction; null when there is none.",
    )
    accounts: Connection[Account] = connection(
        account_acts.of_owner,
        key="id",
        order=BY_NAME,
        orders=ACCOUNT_ORDERS,
        chosen=account_order,
        more={
            "filter": (AccountFilter | None, "Keep only matching items."),
            "order_by": (AccountOrder | None, "Order; default: see the input's defaults."),
        },
        given=account_criteria,
        description="Accounts owned; a delegate sees those on which they hold a permission.",
    )
    servers: Connection[Server] = connection(
        server_acts.of_owner,
        key="id",
        order=BY_NAME,
        description="Servers owned; a delegate sees those on which they hold a permission.",
    )
    grants_given: Connection[PermissionGrant] | None = grants(grant_acts.given, "Permissions given to others.")
    grants_received: Connection[PermissionGrant] | None = grants(
        grant_acts.received, "Permissions received from others."
    )
    alerts: Connection[Alert] = alerts()
    tickets: Connection[Ticket] = tickets()
    activity: Connection[ActivityEvent] | None = history("History of actions, newest first.")
    security: Annotated["Security", strawberry.lazy("schema.security")] | None = guarded(
        authorize(interactive=True), "Password, two-factor, address filter, sessions and tokens.", One("id")
    )
    subscriptions: Connection[ServiceSubscription] | None = subscriptions()
    billing: Billing | None = billing()
    transfers: Connection[Transfer] | None = transfers()
    contracts: list[Contract] | None = guarded(
        authorize(overall=[OverallPermission.BILLING, OverallPermission.ACCOUNT_MANAGEMENT]),
        "Contracts, latest version first (bounded list).",
        Many("id", contracts.of_owner),
    )
    account_open_quote: AccountOpenQuote | None = opening_quote()
    invoicing_day_quote: InvoicingDayQuote | None = invoicing_day_quote()
    deletion_preview: DeletionPreview | None = deletion_preview()
    viewer_is_owner: bool = declare(
        Computed(is_owner, ("id",), given="viewer"), description="The viewer is this profile."
    )
    viewer_permissions: list[OverallPermission] = declare(
        Computed(held, ("id",), given="viewer"),
        description="Overall permissions the viewer holds here, all of them for the owner.",
    )


@strawberry.input(description="Identity and address printed on documents.")
class LegalIdentityInput:
    organization_name: str | None = strawberry.field(default=strawberry.UNSET, description="Organisation, if any.")
    first_name: str | None = strawberry.field(default=strawberry.UNSET, description="First name.")
    last_name: str | None = strawberry.field(default=strawberry.UNSET, description="Last name.")
    street_lines: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Street lines, at most 4.")
    postal_code: str | None = strawberry.field(default=strawberry.UNSET, description="Postal code.")
    city: str | None = strawberry.field(default=strawberry.UNSET, description="City.")
    country: CountryCode | None = strawberry.field(default=strawberry.UNSET, description="Country.")
    registration_number: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Registration number of an organisation: SIRET in France, the national one elsewhere.",
    )
    vat_number: str | None = strawberry.field(default=strawberry.UNSET, description="Intra-community VAT number.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Phone number in E.164 form.")


@strawberry.input(description="Arguments of profileUpdate.")
class ProfileUpdateInput:
    kind: rows.ProfileKind | None = strawberry.field(default=strawberry.UNSET, description="Legal form.")
    locale: rows.Locale | None = strawberry.field(default=strawberry.UNSET, description="Language.")
    identity: LegalIdentityInput | None = strawberry.field(
        default=strawberry.UNSET, description="Fields of the identity to change."
    )


def changed(input: ProfileUpdateInput) -> dict[str, Any]:
    """PRO-3. What an update names, the identity's fields among the others; a null for all of it clears each."""
    changes = given(input)
    if "identity" in changes:
        identity = changes.pop("identity")
        cleared = dict.fromkeys(field.name for field in fields(LegalIdentityInput))
        changes |= cleared if identity is None else given(identity)
    return changes


@strawberry.type(description="Result of profileUpdate.")
class ProfileUpdatePayload(MutationPayload):
    profile: Profile | None = refetched("profile", "The profile.")


@strawberry.type
class ProfileQuery:
    viewer: Profile | None = declare(
        One(lambda context: context.viewer.profile_id),
        PUBLIC,
        description="The signed-in profile; null without a session.",
    )


@strawberry.type
class ProfileMutation:
    @mutation(
        ProfileUpdatePayload,
        authorize(interactive=True),
        description="Change the profile; later invoices carry the new identity.",
        suspended=True,
    )
    async def profile_update(self, info: Info, input: ProfileUpdateInput) -> ProfileUpdatePayload | None:
        key = await acts.update(info.context, changes=changed(input))
        return ProfileUpdatePayload.of(profile=key)

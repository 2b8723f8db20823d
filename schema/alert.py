"""ALE-1 to ALE-3. Alerts: shown to those concerned; those about the terms are opened and resolved by the abuse team."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from engine.declare import Computed, Reference, declare
from models import alert as rows
from models.context import Context
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.profile import Locale
from resolvers import alert as acts
from schema.connection import connection, newest
from schema.directive import authorize
from schema.enumeration import described
from schema.global_id import key_of
from schema.live import live
from schema.message import say
from schema.mutation import Info, mutation
from schema.node import Node, node
from schema.provisioning import ServicePayload
from schema.service import ABUSE, WHY

if TYPE_CHECKING:
    from schema.account import Account
    from schema.migration import Migration
    from schema.payment_method import CardPaymentMethod
    from schema.profile import Profile

described(
    rows.AlertKind,
    "Kinds of alerts.",
    INACTIVITY="No log-in for too long, free plans.",
    NEGATIVE_BALANCE="Negative balance.",
    DOMAIN_EXPIRY="A domain is about to expire.",
    DOMAIN_RENEWAL_FUNDS="A domain cannot be renewed automatically.",
    CARD_EXPIRY="A card is about to expire.",
    MIGRATION_SCHEDULED="A migration is scheduled.",
    TERMS_VIOLATION="Terms not complied with.",
)
described(
    rows.AlertStatus,
    "State of an alert.",
    OPEN="To be corrected.",
    RESOLVED="Corrected.",
    EXPIRED="Not corrected in time.",
)
described(
    rows.AlertConsequence,
    "Consequences of an expired alert.",
    NONE="None.",
    SUSPENSION="Suspension of the profile and its accounts.",
    DOMAIN_LOSS="Loss of the domain.",
    MIGRATION_APPLIED="Migration applied automatically.",
)
TITLES: Mapping[rows.AlertKind, str] = {
    rows.AlertKind.INACTIVITY: "Nobody has signed in for a long time",
    rows.AlertKind.NEGATIVE_BALANCE: "The balance is negative",
    rows.AlertKind.DOMAIN_EXPIRY: "The domain {about} ends on {on}",
    rows.AlertKind.DOMAIN_RENEWAL_FUNDS: "There is no money to renew the domain {about}",
    rows.AlertKind.CARD_EXPIRY: "The card {about} ends on {on}",
    rows.AlertKind.MIGRATION_SCHEDULED: "A migration of {about} is scheduled for {on}",
    rows.AlertKind.TERMS_VIOLATION: "The terms are not complied with",
}
BODIES: Mapping[rows.AlertKind, str] = {
    rows.AlertKind.INACTIVITY: "Sign in: that resolves it. Otherwise the profile and its accounts are suspended.",
    rows.AlertKind.NEGATIVE_BALANCE: (
        "Pay what is owed: it is resolved when the balance is back to zero. Otherwise the profile and its accounts are "
        "suspended."
    ),
    rows.AlertKind.DOMAIN_EXPIRY: "Renew it: that resolves it. Otherwise the domain is lost after that day.",
    rows.AlertKind.DOMAIN_RENEWAL_FUNDS: (
        "It is renewed by itself, but the balance does not suffice for that. Pay money in, or let a card be debited "
        "automatically: either resolves it."
    ),
    rows.AlertKind.CARD_EXPIRY: (
        "Remove it, or make a card the default one that ends later: either resolves it. Nothing follows by itself."
    ),
    rows.AlertKind.MIGRATION_SCHEDULED: (
        "You can have it applied whenever it suits you before: that resolves it. Otherwise it is applied by itself "
        "after that day."
    ),
    rows.AlertKind.TERMS_VIOLATION: (
        "Put it right, and answer our team, which then resolves it. Otherwise the profile and its accounts are "
        "suspended."
    ),
}
AlertSubject = Annotated[
    Annotated["Profile", strawberry.lazy("schema.profile")]
    | Annotated["Account", strawberry.lazy("schema.account")]
    | Annotated["CardPaymentMethod", strawberry.lazy("schema.payment_method")]
    | Annotated["Migration", strawberry.lazy("schema.migration")],
    strawberry.union("AlertSubject", description="Objects an alert can be about."),
]
SUBJECTS = ("Profile", "Account", "CardPaymentMethod", "Migration")


def title(locale: Locale, kind: rows.AlertKind, label: str | None, due_on: date | None) -> str:
    """What it is, in the reader's language."""
    return say(locale, TITLES[kind], about=label or "", on=due_on)


def body(locale: Locale, kind: rows.AlertKind, text: str | None) -> str:
    """How to resolve it, after what whoever opened it says."""
    how = say(locale, BODIES[kind])
    return f"{text}\n\n{how}" if text else how


@node(
    rows.Alert,
    gate=authorize(
        overall=[OverallPermission.BILLING],
        account=[AccountPermission.TECHNICAL_CONTACT],
        server=[ServerPermission.TECHNICAL_CONTACT],
    ),
    owner="owner_id",
    account="account_id",
    server="server_id",
    concerned="concerned",
    description="Something to be corrected in time, with consequences otherwise. See ALE-3 for who is concerned.",
)
class Alert(Node):
    kind: rows.AlertKind = strawberry.field(description="Nature.")
    status: rows.AlertStatus = strawberry.field(description="State.")
    subject: AlertSubject | None = declare(
        Reference("about_type", "about_id", only=SUBJECTS), description="What it is about."
    )
    title: str = declare(Computed(title, ("kind", "label", "due_on"), given="locale"), description="Localised title.")
    body: str = declare(
        Computed(body, ("kind", "text"), given="locale"), description="Localised explanation and how to resolve it."
    )
    opened_at: datetime = strawberry.field(description="Opening.")
    reminded_at: list[datetime] = declare(
        Computed(rows.reminded, ("told",)), description="Reminders sent, final warning included (bounded list)."
    )
    expires_at: datetime | None = strawberry.field(description="Expiry; null for kinds that never expire.")
    consequence: rows.AlertConsequence = declare(
        Computed(lambda kind: rows.CONSEQUENCES[kind], ("kind",)), description="What happens at expiry."
    )
    closed_at: datetime | None = strawberry.field(description="When it was resolved or expired.")


OF_PROFILE = "Alerts concerning the profile; a delegate sees those within their permissions."


@strawberry.input(description="Filter; all given criteria must hold.")
class AlertFilter:
    status: list[rows.AlertStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )
    kind: list[rows.AlertKind] | None = strawberry.field(default=strawberry.UNSET, description="Any of these kinds.")


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of alerts takes of the field's filter."""
    wanted: AlertFilter = given.get("filter") or AlertFilter()
    return {
        "status": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None,
        "kind": tuple(sorted(set(wanted.kind))) if isinstance(wanted.kind, list) else None,
    }


def alerts(select: Any = acts.of_owner, description: str = OF_PROFILE) -> Any:
    """The connection of the alerts of a profile, or those that another select tells."""
    return connection(
        select,
        key="id",
        order=newest("opened_at"),
        more={"filter": (AlertFilter | None, "Keep only matching items.")},
        given=criteria,
        description=description,
    )


@strawberry.input(description="Arguments of termsAlertOpen.")
class TermsAlertOpenInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile.")
    text: str = strawberry.field(description="What the customer is told about it.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.input(description="Arguments of termsAlertResolve.")
class TermsAlertResolveInput:
    profile_id: strawberry.ID = strawberry.field(description="Profile.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.type(description="Result of termsAlertOpen.")
class TermsAlertOpenPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


@strawberry.type(description="Result of termsAlertResolve.")
class TermsAlertResolvePayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


@strawberry.type
class AlertMutation:
    @mutation(
        TermsAlertOpenPayload, ABUSE, description="Tell a customer what does not comply with the terms, and by when."
    )
    async def terms_alert_open(self, info: Info, input: TermsAlertOpenInput) -> TermsAlertOpenPayload | None:
        key = key_of(input.profile_id, "Profile", "profile_id")
        await acts.open_for(info.context, key=key, text=input.text)
        return TermsAlertOpenPayload.of(changed=True)

    @mutation(TermsAlertResolvePayload, ABUSE, description="Say that it complies again.")
    async def terms_alert_resolve(self, info: Info, input: TermsAlertResolveInput) -> TermsAlertResolvePayload | None:
        await acts.resolve_for(info.context, key=key_of(input.profile_id, "Profile", "profile_id"))
        return TermsAlertResolvePayload.of(changed=True)


@strawberry.type
class AlertSubscription:
    alert_changed: Alert | None = live(
        ["alert."],
        authorize(
            subject="profileId",
            overall=[
                OverallPermission.BILLING,
                OverallPermission.ACCOUNT_MANAGEMENT,
                OverallPermission.TECHNICAL_ACCOUNT,
                OverallPermission.TECHNICAL_SERVER,
            ],
        ),
        arguments={"profile_id": (strawberry.ID | None, "Profile; default: the viewer.")},
        description="An alert was opened, repeated, resolved or expired.",
    )

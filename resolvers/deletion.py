"""PRO-9, PRO-13. Deleting profiles: what is looked at before, what ends with one, and what is erased after it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, func, select, update
from sqlmodel import SQLModel
from sqlmodel import select as select_rows

from models.access_recovery import AccessRecovery
from models.account import Account, AccountStatus
from models.alert import Alert
from models.approval import Approval
from models.bank_transfer import BankTransferCandidate
from models.challenge import Challenge
from models.charge import Charge, ChargeStatus
from models.clock import civil_day, later
from models.collection import Collection
from models.column import IdArray, Instant, among, normalised_email, table
from models.context import Context
from models.db import Db, Write
from models.deletion import MoneyUnderWay, Situation, WrongAddress, forfeited_cents, obstacles
from models.deletion import delete as leave
from models.domain import Domain
from models.export import Export
from models.grant import PermissionGrant
from models.idempotency import KeptIntent
from models.intervention import Intervention, InterventionStatus
from models.invoice import Invoice
from models.journal import JournalEntry
from models.known_network import KnownNetwork
from models.link import Link
from models.mail import SandboxMail
from models.migration import Migration
from models.payment import OPEN, Payment
from models.payment_method import MethodState, PaymentMethod
from models.payment_provider import PaymentMethodKind
from models.profile import Profile, SuspensionReason
from models.recovery_code import RecoveryCode
from models.reset_request import ResetRequest
from models.server import Server, ServerStatus
from models.session import Session
from models.setting import Figures
from models.staff import StaffMember
from models.subscription import Subscription, SubscriptionStatus
from models.subscription_period import SubscriptionPeriod
from models.suspension import Suspension, bear
from models.ticket import Ticket
from models.token import ApiToken
from models.two_factor import InvalidCode, TwoFactor
from models.upload import Upload
from models.urgent_fee import UrgentFee, UrgentFeeStatus
from models.viewer import ANYBODY
from resolvers import transfer
from resolvers.attempt import ask_password, still
from resolvers.find import find, writing
from resolvers.grant import forget_invited
from resolvers.provisioning import delete_server
from resolvers.right import Reader
from resolvers.session import live
from resolvers.suspension import PROFILE
from resolvers.two_factor import prove, take_code

ACCOUNTS, SERVERS, SUBSCRIPTIONS = table(Account), table(Server), table(Subscription)
PERIODS, CHARGES, PAYMENTS, METHODS = table(SubscriptionPeriod), table(Charge), table(Payment), table(PaymentMethod)
ENTRIES, INVOICES, COLLECTIONS, GRANTS = table(JournalEntry), table(Invoice), table(Collection), table(PermissionGrant)
PROFILES, REQUESTS, SUSPENSIONS = table(Profile), table(ResetRequest), table(Suspension)
INTERVENTIONS, FEES = table(Intervention), table(UrgentFee)
OWNER_ID: Any = bindparam("owner_id")
OWNERS: Any = bindparam("owners", type_=IdArray())
BALANCE = (
    select(ENTRIES.c.balance_after_cents.label("cents"))
    .where(ENTRIES.c.owner_id == OWNER_ID)
    .order_by(ENTRIES.c.position.desc())
    .limit(1)
)
ORDERED = CHARGES.c.owner_id == OWNER_ID, CHARGES.c.status == ChargeStatus.PENDING
TO_INVOICE = select(func.max(CHARGES.c.due_at).label("at")).where(*ORDERED, CHARGES.c.net_cents > 0)
GIVEN_UP = select_rows(Charge).where(*ORDERED, CHARGES.c.ordered_at <= bindparam("before", type_=Instant()))
SENT = PAYMENTS.c.owner_id == OWNER_ID, PAYMENTS.c.status.in_(OPEN)
PAYING = select(PAYMENTS.c.id).where(*SENT, PAYMENTS.c.kind != PaymentMethodKind.BANK_TRANSFER).limit(1)
ANNOUNCED = select_rows(Payment).where(*SENT, PAYMENTS.c.kind == PaymentMethodKind.BANK_TRANSFER)
STANDING_STILL = select(SUSPENSIONS.c.id).where(
    SUSPENSIONS.c.owner_id == OWNER_ID, SUSPENSIONS.c.stopped_at.is_not(None)
)
"""ALE-4. What would lift it is on its way."""
UNDECIDED = select(FEES.c.id).where(FEES.c.owner_id == OWNER_ID, FEES.c.status == UrgentFeeStatus.PENDING).limit(1)
STATES = select(ACCOUNTS.c.status).where(ACCOUNTS.c.owner_id == OWNER_ID).distinct()
PLANNED = (
    select(INTERVENTIONS.c.id)
    .where(INTERVENTIONS.c.owner_id == OWNER_ID, INTERVENTIONS.c.status == InterventionStatus.SCHEDULED)
    .limit(1)
)
UNUSED = (
    select(
        SUBSCRIPTIONS.c.owner_id,
        SUBSCRIPTIONS.c.account_id,
        SUBSCRIPTIONS.c.server_id,
        PERIODS.c.starts_on,
        PERIODS.c.ends_before,
        CHARGES.c.net_cents,
    )
    .join_from(PERIODS, CHARGES, CHARGES.c.id == PERIODS.c.charge_id)
    .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == PERIODS.c.subscription_id)
    .where(
        SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED,
        PERIODS.c.ends_before > bindparam("today"),
        CHARGES.c.status != ChargeStatus.DROPPED,
    )
)
"""BIL-18. The days that are charged and not over."""
GONE_WITH: Sequence[tuple[type[SQLModel], str]] = (
    (Session, "profile_id"),
    (Challenge, "profile_id"),
    (TwoFactor, "profile_id"),
    (RecoveryCode, "profile_id"),
    (KnownNetwork, "profile_id"),
    (Link, "profile_id"),
    (KeptIntent, "profile_id"),
    (ApiToken, "profile_id"),
    (ApiToken, "only_owner_id"),
    (Alert, "owner_id"),
    (Suspension, "owner_id"),
    (Domain, "owner_id"),
    (Migration, "owner_id"),
    (BankTransferCandidate, "owner_id"),
    (SandboxMail, "owner_id"),
    (Export, "owner_id"),
    (Upload, "owner_id"),
    (Ticket, "owner_id"),
    (StaffMember, "profile_id"),
    (Approval, "owner_id"),
    (AccessRecovery, "owner_id"),
)
"""PRO-9. What is a profile's alone, and goes with the person. A test asks that of every table."""


class DeletedMeanwhile(Exception):
    """PRO-13. The suspension is over, or has another end: there is nothing to do."""


async def delete_own(context: Context, *, confirmation: str, password: str, code: str | None) -> UUID:
    """PRO-9. Delete the caller's profile; answers the key that it had."""
    context.guess()
    hashed = await ask_password(context, password, "current_password")
    if code is not None:
        await take_code(context, context.viewer.key, code)
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await still(context, write, profile, hashed, "current_password")
        if normalised_email(confirmation) != profile.email:
            raise WrongAddress().at("confirmation")
        if profile.two_factor_since is not None:
            if code is None:
                raise InvalidCode().at("code")
            await prove(context, write, profile, code)
        ended = [session.id for session in await live(write, profile.id)]
        found = await situation(context.figures, write, profile.id)
        for obstacle in obstacles(found):
            raise obstacle
        await _end(write, profile, None)
    context.ended += ended
    viewer = context.viewer
    context.become(replace(ANYBODY, ip_address=viewer.ip_address, user_agent=viewer.user_agent))
    return profile.id


async def delete_suspended(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> None:
    """PRO-13. Delete a profile whose suspension has lasted until now. Raises an Obstacle, and DeletedMeanwhile.

    What could not be invoiced in all that time is invoiced to nobody.
    """
    profile = await write.lock_one(PROFILE, {"owner_id": owner_id})
    if profile is None or profile.deletion_at != at:
        raise DeletedMeanwhile
    before = later(at, -figures.suspension_deletion, ZoneInfo(figures.billing_zone))
    for charge in await write.lock(GIVEN_UP, {"owner_id": owner_id, "before": before}):
        charge.drop(write.record)
    await write.flush()
    if await write.rows(STANDING_STILL, {"owner_id": owner_id}):
        raise MoneyUnderWay
    for obstacle in obstacles(await situation(figures, write, owner_id), automatic=True):
        raise obstacle
    await _end(write, profile, profile.suspension_reason)


async def look_later(db: Db, figures: Figures, owner_id: UUID, at: datetime) -> None:
    """PRO-13. Try again later to delete what something stood in the way of."""
    mine = PROFILES.c.id == owner_id, PROFILES.c.deletion_at == at
    await db.note(update(PROFILES).where(*mine).values(deletion_at=at + figures.deletion_pause))


async def situation(figures: Figures, reader: Reader, owner_id: UUID) -> Situation:
    """PRO-9. What a deletion depends on."""
    mine = {"owner_id": owner_id}
    balance = await reader.rows(BALANCE, mine)
    ((invoiced_at,),) = await reader.rows(TO_INVOICE, mine)
    return Situation(
        balance_cents=balance[0].cents if balance else 0,
        invoiced_on=civil_day(invoiced_at, ZoneInfo(figures.billing_zone)) if invoiced_at else None,
        paying=bool(await reader.rows(PAYING, mine)),
        accounts={row.status for row in await reader.rows(STATES, mine)},
        transferring=bool(await reader.rows(transfer.WAITING, mine)),
        planned=bool(await reader.rows(PLANNED, mine)),
        deciding=bool(await reader.rows(UNDECIDED, mine)),
    )


async def forfeited(context: Context, column: str, keys: Sequence[UUID]) -> list[int]:
    """BIL-18. What was paid for the days to come of profiles, accounts or servers, by that column; VAT excluded."""
    today = civil_day(await context.db.now(), ZoneInfo(context.figures.billing_zone))
    wanted = UNUSED.where(among(SUBSCRIPTIONS.c[column], OWNERS))
    rows = await context.db.rows(wanted, {"owners": list(keys), "today": today})
    return [forfeited_cents([row for row in rows if row._mapping[column] == key], today) for key in keys]


async def leaving(context: Context, key: UUID) -> tuple[str, Situation]:
    """PRO-9. The address that confirms the deletion of a profile, and what it depends on."""
    (row,) = await context.db.rows(select(PROFILES.c.email).where(PROFILES.c.id == key))
    return row.email, await situation(context.figures, context.db, key)


# Parts


async def _end(write: Write, profile: Profile, reason: SuspensionReason | None) -> None:
    """PRO-9. End all that a profile has, is and gave; it is locked. Locks transfers, servers, accounts, the others."""
    mine = {"owner_id": profile.id}
    await transfer.end_of(write, profile.id)
    servers = await write.lock(select_rows(Server).where(SERVERS.c.owner_id == OWNER_ID).order_by(SERVERS.c.id), mine)
    accounts = await write.lock(
        select_rows(Account).where(ACCOUNTS.c.owner_id == OWNER_ID).order_by(ACCOUNTS.c.id), mine
    )
    await _end_hosting(write, servers, accounts)
    running = SUBSCRIPTIONS.c.owner_id == OWNER_ID, SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED
    for subscription in await write.lock(select_rows(Subscription).where(*running), mine):
        subscription.end(write.record, on=subscription.period_end)
    await _end_money(write, profile.id)
    await _end_grants(write, profile)
    bear(profile, ())
    address = profile.email
    write.add(leave(write.record, profile, reason))
    await write.flush()
    for model, column in GONE_WITH:
        rows = table(model)
        await write.run(delete(rows).where(rows.c[column] == profile.id))
    await write.run(delete(REQUESTS).where(REQUESTS.c.address == address))


async def _end_hosting(write: Write, servers: Sequence[Server], accounts: Sequence[Account]) -> None:
    for account in accounts:
        if account.status is not AccountStatus.DELETING:
            write.add(account.leave(write.record))
    for server in servers:
        if server.status is not ServerStatus.DELETING:
            server.leave(write.record)
        if not any(account.server_id == server.id for account in accounts):
            await delete_server(write, server)
    await write.flush()


async def _end_money(write: Write, owner_id: UUID) -> None:
    """BIL-8, BIL-9. Nothing is collected or waited for any more, and providers are told to forget the cards."""
    mine = {"owner_id": owner_id}
    for payment in await write.lock(ANNOUNCED, mine):
        payment.cancel(write.record)
    kept = METHODS.c.owner_id == OWNER_ID, METHODS.c.state != MethodState.REMOVED
    for method in await write.lock(select_rows(PaymentMethod).where(*kept), mine):
        method.remove(write.record)
    await write.run(update(COLLECTIONS).where(COLLECTIONS.c.owner_id == owner_id).values(due_at=None))
    await write.run(update(INVOICES).where(INVOICES.c.owner_id == owner_id).values(vat_check_at=None))


async def _end_grants(write: Write, profile: Profile) -> None:
    """PER-5, PER-8. What was given is taken back, and what was received given up; the others are told."""
    given = select_rows(PermissionGrant).where(GRANTS.c.owner_id == profile.id)
    received = select_rows(PermissionGrant).where(GRANTS.c.grantee_id == profile.id)
    grants = await write.lock(given.order_by(GRANTS.c.id))
    emails = await _emails(write, [grant.grantee_id for grant in grants])
    for grant in grants:
        grant.revoke(write.record, owner=profile.email, address=emails[grant.grantee_id])
    for grant in await write.lock(received.order_by(GRANTS.c.id)):
        grant.renounce(write.record, grantee=profile.email)
    either = (GRANTS.c.owner_id == profile.id) | (GRANTS.c.grantee_id == profile.id)
    await write.run(delete(GRANTS).where(either))
    for grant in grants:
        await forget_invited(write, grant.grantee_id)


async def _emails(write: Write, keys: Sequence[UUID]) -> dict[UUID, str]:
    rows = await write.rows(select(PROFILES.c.id, PROFILES.c.email).where(PROFILES.c.id.in_(keys)))
    return {row.id: row.email for row in rows}

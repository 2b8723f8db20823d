"""Subscriptions: which a profile has, and which of them runs for an account."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select
from sqlmodel import select as select_rows

from models.charge import Charge, ChargeStatus
from models.column import among, table
from models.context import Context
from models.db import Write
from models.discount import Discount
from models.invoice import Invoice
from models.invoice_line import InvoiceLine
from models.issuer import Issuer
from models.journal import EntryKind
from models.profile import Profile
from models.renewal import Course, renewal
from models.setting import Figures
from models.subscription import Subscription, SubscriptionStatus, subscribe
from models.term import Term
from models.vat import tax_of
from resolvers.billing import treatment_of
from resolvers.find import find, writing
from resolvers.invoice import credit_note, whole
from resolvers.renewal import NAMED, VERSIONS, WANTED, add, priceable
from resolvers.right import Reader

SUBSCRIPTIONS = table(Subscription)
PROFILES, CHARGES = table(Profile), table(Charge)
LINES, INVOICES = table(InvoiceLine), table(Invoice)
INVOICING_DAY = select(PROFILES.c.invoicing_day).where(PROFILES.c.id == bindparam("owner_id"))
INVOICED = (
    select(LINES.c.id, LINES.c.invoice_id)
    .join_from(CHARGES, LINES, LINES.c.charge_id == CHARGES.c.id)
    .join(INVOICES, INVOICES.c.id == LINES.c.invoice_id)
    .where(among(CHARGES.c.subscription_id, WANTED), LINES.c.corrects_line_id.is_(None))
    .order_by(INVOICES.c.position, LINES.c.position)
)
"""Of subscriptions, what stands on which invoice."""
BY_KEYS = select(SUBSCRIPTIONS).where(among(SUBSCRIPTIONS.c.id, WANTED))


def of_owner(*, status: Sequence[SubscriptionStatus] | None = None) -> Select[Any]:
    """The subscriptions of a profile, running and past; those in one of these states."""
    subscriptions = select(SUBSCRIPTIONS.c.owner_id)
    return subscriptions if status is None else subscriptions.where(SUBSCRIPTIONS.c.status.in_(status))


def running() -> Select[Any]:
    """The subscription that runs for an account; none for a free one, nor on a server."""
    return select(SUBSCRIPTIONS.c.account_id).where(SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED)


def of_server() -> Select[Any]:
    """The subscription that runs for a server itself; its options have their own."""
    running = SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED, SUBSCRIPTIONS.c.option_id.is_(None)
    return select(SUBSCRIPTIONS.c.server_id).where(*running)


async def labels(context: Context, keys: Sequence[UUID]) -> list[str]:
    """The name of each plan or option, in the reader's language."""
    found = {row.id: row for row in await context.db.rows(NAMED, {"wanted": list(keys)})}
    return [context.locale.pick(found[key].name_en, found[key].name_fr) for key in keys]


async def next_prices(context: Context, keys: Sequence[UUID]) -> list[tuple[int, int, int]]:
    """CAT-4, BIL-17. For each what its next period costs: without VAT, the VAT as it is now, and its rate."""
    rows = await context.db.rows(BY_KEYS, {"wanted": list(keys)})
    found = {each.row.id: each for each in await priceable(context.db, rows)}
    zone, now = ZoneInfo(context.figures.billing_zone), await context.db.now()
    taxed = {owner: await treatment_of(context, context.db, owner, now) for owner in {row.owner_id for row in rows}}
    shown = []
    for key in keys:
        net_cents, rate_bp = found[key].next_term(zone).net_cents, taxed[found[key].row.owner_id].rate_bp
        shown.append((net_cents, tax_of(net_cents, rate_bp), rate_bp))
    return shown


async def invoicing_day(reader: Reader, owner_id: UUID) -> int | None:
    """BIL-5. The day of the month that a profile chose."""
    (owner,) = await reader.rows(INVOICING_DAY, {"owner_id": owner_id})
    day: int | None = owner.invoicing_day
    return day


async def begin(
    figures: Figures,
    write: Write,
    term: Term,
    *,
    owner_id: UUID,
    due_at: datetime,
    account_id: UUID | None = None,
    server_id: UUID | None = None,
    discounts: Sequence[Discount] = (),
    committed_until: date | None = None,
) -> Subscription:
    """BIL-4. Begin the subscription whose first period is this term, and charge that."""
    item, zone = term.item, ZoneInfo(figures.billing_zone)
    thing = {"wanted": [item.plan_id or item.option_id]}
    prices = [row for row in await write.rows(VERSIONS, thing) if row.period is item.period] if term.price.id else []
    day = await invoicing_day(write, owner_id)
    course = Course(term.starts_on, item.period, term.ends_before, term.price.cents, day)
    begun, charged = subscribe(
        write.record,
        term,
        renewal(course, prices, zone, figures.renewal_notice),
        due_at,
        owner_id=owner_id,
        account_id=account_id,
        server_id=server_id,
        discounts=discounts,
        committed_until=committed_until,
    )
    write.add(begun)
    await write.flush()
    await add(write, charged)
    return begun


async def renewal_update(context: Context, *, key: UUID, renews: bool) -> UUID:
    """BIL-4. Stop or resume the tacit renewal of a subscription; answers its key."""
    async with writing(context) as write:
        subscription = await find(context, write, Subscription, key, "subscription_id")
        subscription.renew_itself(write.record, renews)
    return subscription.id


async def end_of_account(write: Write, account_id: UUID) -> list[UUID]:
    """BIL-18. What runs for an account ends with it: what was paid or ordered for it stays so.

    Answers all subscriptions that it had.
    """
    return await _ended(write, SUBSCRIPTIONS.c.account_id == account_id)


async def end_of_server(write: Write, server_id: UUID) -> None:
    """BIL-18. What runs for a server ends with it, options too."""
    await _ended(write, SUBSCRIPTIONS.c.server_id == server_id)


async def _ended(write: Write, whose: Any) -> list[UUID]:
    subscriptions = await write.lock(select_rows(Subscription).where(whose))
    for subscription in subscriptions:
        if subscription.status is not SubscriptionStatus.ENDED:
            subscription.end(write.record, on=subscription.period_end)
    return [subscription.id for subscription in subscriptions]


async def take_back(office: Issuer, write: Write, keys: Sequence[UUID]) -> None:
    """ACC-1, BIL-2. Nothing is charged for what never came to be: what was ordered is dropped, and of what was
    invoiced meanwhile there is a credit note. The profile is locked.
    """
    ordered = CHARGES.c.subscription_id.in_(keys), CHARGES.c.status == ChargeStatus.PENDING
    for charge in await write.lock(select_rows(Charge).where(*ordered)):
        charge.drop(write.record)
    lines = await write.rows(INVOICED, {"wanted": list(keys)})
    for invoice_id, of_invoice in groupby(lines, key=lambda line: line.invoice_id):
        wanted = {line.id for line in of_invoice}
        left = [each for each in await whole(write, invoice_id) if each.line_id in wanted]
        if left:
            await credit_note(office, write, invoice_id, left, kind=EntryKind.CREDIT_NOTE)

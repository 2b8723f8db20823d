"""BIL-7. What was invoiced with VAT since VIES did not tell: credited, and invoiced without, once it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, select, update
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import Instant, table
from models.db import Db, Write
from models.invoice import Invoice
from models.issuer import Issuer
from models.setting import Figures
from models.vat import Treatment
from resolvers import vat
from resolvers.invoice import issue_again

INVOICES = table(Invoice)
OF_OWNER = INVOICES.c.owner_id == bindparam("of_owner"), INVOICES.c.vat_check_at <= bindparam("until", type_=Instant())
WAITING = (
    select(INVOICES.c.id, INVOICES.c.buyer, INVOICES.c.treatment)
    .where(*OF_OWNER, INVOICES.c.cancelled_at.is_(None))
    .order_by(INVOICES.c.position)
)
SETTLED = update(INVOICES).where(*OF_OWNER).values(vat_check_at=None)
PATIENT = INVOICES.c.issued_at > bindparam("since", type_=Instant())
LATER = update(INVOICES).where(*OF_OWNER).values(vat_check_at=case((PATIENT, bindparam("later", type_=Instant()))))


@dataclass(frozen=True, slots=True)
class Wrong:
    """Invoices of a profile that VIES says something else of, and how it is taxed instead."""

    invoices: Sequence[UUID]
    treatment: Treatment


async def wrong(read: vat.Reader, figures: Figures, owner_id: UUID, at: datetime, now: datetime) -> Wrong | None:
    """BIL-7. Those that were to be looked at by an instant, once VIES told; None where the VAT on them is right.

    An invoice to another number or country than the customer has now is left to people.
    """
    day = civil_day(now, ZoneInfo(figures.billing_zone))
    taxed = await vat.of_owner(read, figures, owner_id, day=day, now=now)
    if taxed is None or taxed.needs_check:
        return None
    (identity,) = await read.rows(vat.IDENTITY, {"owner_id": owner_id})
    waiting = await read.rows(WAITING, {"of_owner": owner_id, "until": at})
    found = [
        row.id
        for row in waiting
        if (row.buyer["country"], row.buyer["vat_number"]) == (identity.country, identity.vat_number)
        and row.treatment != taxed.kind.value
    ]
    return Wrong(found, taxed) if found else None


async def correct(office: Issuer, write: Write, owner_id: UUID, at: datetime) -> None:
    """BIL-7. A credit note of each that is wrong, and an invoice in its place; the profile is locked.

    What is wrong is looked at again: the customer may have moved while VIES was asked.
    """
    found = await wrong(write, office.figures, owner_id, at, write.now)
    if found is None:
        return
    wanted = INVOICES.c.id.in_(found.invoices), INVOICES.c.vat_check_at.is_not(None)
    for invoice in await write.lock(select_rows(Invoice).where(*wanted).order_by(INVOICES.c.position)):
        invoice.vat_check_at = None
        await issue_again(office, write, invoice.id, found.treatment)


async def settle(db: Db, owner_id: UUID, at: datetime) -> None:
    """BIL-7. The VAT stays on what was to be looked at."""
    await db.note(SETTLED, {"of_owner": owner_id, "until": at})


async def look_later(db: Db, figures: Figures, owner_id: UUID, at: datetime, now: datetime) -> None:
    """BIL-7. VIES did not tell: ask again later, though not for ever."""
    given = {"later": now + figures.vat_recheck_pause, "since": now - figures.vat_recheck_patience}
    await db.note(LATER, {"of_owner": owner_id, "until": at, **given})

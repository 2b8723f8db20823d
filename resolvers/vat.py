"""BIL-7. VAT of a customer: what the table and the register say of them, read and asked."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from models.column import table
from models.db import Db
from models.profile import Profile, ProfileKind
from models.setting import Figures
from models.vat import ELSEWHERE, SELLER, Buyer, Treatment, VatTable, treatment
from models.vat_consultation import Consultation, VatConsultation, buyer_of, consulted, still_holds
from models.vat_rate import VatRate
from models.vat_register import RegisterSilent, VatRegister

PROFILES, RATES, CONSULTATIONS = table(Profile), table(VatRate), table(VatConsultation)
IDENTITY = select(
    PROFILES.c.id, PROFILES.c.kind, PROFILES.c.country, PROFILES.c.postal_code, PROFILES.c.vat_number
).where(PROFILES.c.id == bindparam("owner_id"))
RATES_OF = select(RATES).where(RATES.c.territory.in_([bindparam("territory"), SELLER, ELSEWHERE]))
NEWEST = (
    select(CONSULTATIONS)
    .where(CONSULTATIONS.c.owner_id == bindparam("owner_id"), CONSULTATIONS.c.vat_number == bindparam("vat_number"))
    .order_by(CONSULTATIONS.c.checked_at.desc(), CONSULTATIONS.c.id.desc())
    .limit(1)
)


class Reader(Protocol):
    """A request's database, or the transaction of a change."""

    async def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]: ...


async def of_owner(reader: Reader, figures: Figures, owner_id: UUID, *, day: date, now: datetime) -> Treatment | None:
    """BIL-7. How a customer is taxed on a day, by what is known `now`; None while they have no country.

    `needs_check` says that VIES has to be asked first: see `consult`.
    """
    (identity,) = await reader.rows(IDENTITY, {"owner_id": owner_id})
    return await of_identity(reader, figures, identity, day=day, now=now)


async def of_identity(reader: Reader, figures: Figures, identity: Any, *, day: date, now: datetime) -> Treatment | None:
    """BIL-7. The same for whoever has the customer's profile already, or what IDENTITY reads of it."""
    if identity.country is None:
        return None
    found = await latest(reader, figures, identity.id, identity.vat_number, now=now)
    buyer = buyer_of(
        identity.country,
        identity.postal_code,
        identity.vat_number,
        found,
        is_person=identity.kind is ProfileKind.INDIVIDUAL,
    )
    return treatment(buyer, day, await table_for(reader, figures, buyer))


async def table_for(reader: Reader, figures: Figures, buyer: Buyer) -> VatTable:
    """BIL-7. The rows of the table that can matter to a customer."""
    rates = await reader.rows(RATES_OF, {"territory": buyer.territory})
    return VatTable(rates, figures.one_stop_shop, figures.seller_vat_number)


async def latest(
    reader: Reader, figures: Figures, owner_id: UUID, vat_number: str | None, *, now: datetime
) -> Consultation | None:
    """BIL-7. What VIES said last of a customer's number, where that still holds."""
    if vat_number is None:
        return None
    rows = await reader.rows(NEWEST, {"owner_id": owner_id, "vat_number": vat_number})
    found: Consultation | None = rows[0] if rows else None
    return found if still_holds(found, vat_number, now, figures.vat_check_validity) else None


async def consult(
    db: Db, figures: Figures, register: VatRegister, owner_id: UUID, *, at: datetime | None = None
) -> Consultation | None:
    """BIL-7. What VIES says of a customer's number, asked where no answer holds; outside of any transaction.

    None where there is no number, or nobody tells: then it is not known, and may be asked again later.
    """
    now = at or await db.now()
    rows = await db.rows(IDENTITY, {"owner_id": owner_id})
    if not rows or (vat_number := rows[0].vat_number) is None:
        return None
    if found := await latest(db, figures, owner_id, vat_number, now=now):
        return found
    await db.release()  # Nobody waits for the connection of whoever waits for VIES.
    try:
        async with asyncio.timeout(figures.vat_check_timeout.total_seconds()):
            told = await register.ask(vat_number)
    except (RegisterSilent, TimeoutError):
        return None
    async with db.write() as write:
        profile = await write.lock_one(select(Profile).where(PROFILES.c.id == owner_id))
        if profile is None:
            raise LookupError("the profile is gone")
        answer = consulted(write.record, profile, vat_number, told, now)
        write.add(answer)
    return answer

"""Money in tests: profiles, charges, and what is booked for them, without the way over the API."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from models.charge import Charge, RevenueKind
from models.column import new_id, table
from models.db import Database, Db, Write
from models.issuer import Office
from models.journal import EntryKind, LedgerAccount
from models.profile import CREATED, Profile, ProfileKind
from models.setting import Figures
from models.vat import Treatment, VatTreatment
from resolvers import invoice as invoices
from resolvers import ledger
from resolvers.invoice import Issued, Return
from tests.test_db import DONE, Thing

OFFICE = Office(Figures(), sandbox=False)
FRENCH = Treatment(VatTreatment.STANDARD, 2000, "FR")
MONTH = date(2026, 11, 5), date(2026, 12, 5)


async def a_customer(database: Database, **values: Any) -> UUID:
    """A new profile, with an identity that documents can be made out to."""
    async with Db(database) as db, db.write() as write:
        key = new_id()
        profile = Profile(
            **{
                "id": key,
                "email": f"{key}@example.com",
                "kind": ProfileKind.COMPANY,
                "organization_name": "Atelier Exemple",
                "street_lines": ["12 rue de l’Exemple"],
                "postal_code": "75011",
                "city": "Paris",
                "country": "FR",
                "password_changed_at": write.real_now,
                "created_at": write.now,
                **values,
            }
        )
        write.add(profile)
        write.record.happened(CREATED, profile)
    return key


async def charged(write: Write, owner_id: UUID, *nets: int, **values: Any) -> list[UUID]:
    """Charges of these amounts, to be invoiced."""
    charges = [
        Charge(
            **{
                "owner_id": owner_id,
                "kind": RevenueKind.HOSTING,
                "label_en": "Medium, one month",
                "label_fr": "Medium, un mois",
                "unit_cents": net,
                "net_cents": net,
                "period_start": MONTH[0],
                "period_end": MONTH[1],
                "ordered_at": write.now,
                "due_at": write.now + timedelta(hours=6),
                **values,
            }
        )
        for net in nets
    ]
    for charge in charges:
        write.add(charge)
    await write.flush()
    return [charge.id for charge in charges]


async def ordered(database: Database, owner_id: UUID, *nets: int, **values: Any) -> list[UUID]:
    """Charges that nobody has invoiced yet."""
    async with Db(database) as db, db.write() as write:
        write.record.happened(DONE, Thing())
        return await charged(write, owner_id, *nets, **values)


async def invoiced(
    database: Database,
    owner_id: UUID,
    *nets: int,
    treatment: Treatment = FRENCH,
    office: Office = OFFICE,
    **values: Any,
) -> Issued:
    """An invoice of charges of these amounts."""
    async with Db(database) as db, db.write() as write:
        keys = await charged(write, owner_id, *nets, **values)
        return await invoices.issue(office, write, owner_id, keys, treatment)


async def paid(database: Database, owner_id: UUID, cents: int) -> UUID:
    """A payment; answers its entry."""
    async with Db(database) as db, db.write() as write:
        return (await ledger.book_payment(write, owner_id, cents)).entry.id


async def spent(database: Database, owner_id: UUID, cents: int) -> UUID:
    """What leaves the balance without a document; answers its entry."""
    async with Db(database) as db, db.write() as write:
        return (await ledger.adjust(write, owner_id, -cents, reason="test")).entry.id


async def adjusted(
    database: Database, owner_id: UUID, cents: int, account: LedgerAccount = LedgerAccount.ADJUSTMENTS, **values: Any
) -> UUID:
    """A correction; answers its entry."""
    async with Db(database) as db, db.write() as write:
        return (await ledger.adjust(write, owner_id, cents, reason="test", account=account, **values)).entry.id


async def given_back(
    database: Database,
    issued: Issued,
    *nets: int,
    kind: EntryKind = EntryKind.PRORATA_REFUND,
    office: Office = OFFICE,
) -> Issued:
    """A credit note of so much of the first lines of an invoice; of all that is left of it where nothing is named."""
    async with Db(database) as db, db.write() as write:
        lines = issued.document.lines
        returns: Sequence[Return] = [Return(line.id, net) for line, net in zip(lines, nets, strict=False)]
        returns = returns or await invoices.whole(write, issued.invoice.id)
        return await invoices.credit_note(office, write, issued.invoice.id, returns, kind=kind)


async def rows(database: Database, model: Any) -> list[Any]:
    """Every row of a table, as the database has it."""
    async with Db(database) as db:
        return list(await db.rows(table(model).select()))

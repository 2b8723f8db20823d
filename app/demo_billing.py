"""What the demo's owner was invoiced for what they host, and paid: the clockwork plays the year that has gone by."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app import demo_alerts
from app.demo import PEOPLE
from app.gateways.sandbox_payments import SandboxPayments
from app.payments import providers_of
from app.register import register_of
from app.settings import Settings
from models.charge import Charge
from models.column import table
from models.db import Database, Db
from models.issuer import Office
from models.payment_method import method_asked
from models.payment_provider import MethodOrder
from resolvers import ledger
from resolvers.clockwork import Works, play, turn

CHARGES = table(Charge)
OWNER = PEOPLE[0]
PAYS_AFTER = timedelta(days=7)
CARD = "card_ok"


async def play_back(database: Database, settings: Settings) -> None:
    """BIL-2, BIL-3. Invoice what was charged when it fell due, and pay it a week later: the newest is left open."""
    async with turn(database), Db(database) as db:
        await _store_card(db, SandboxPayments(database, settings, settings.secret_key))
        payments = providers_of(settings, database)
        works = Works(db, Office(settings, settings.sandbox), register_of(settings), payments)
        now = await db.now()
        due = select(CHARGES.c.due_at).where(CHARGES.c.owner_id == OWNER.key).distinct().order_by(CHARGES.c.due_at)
        for row in await db.rows(due):
            paid_at = row.due_at + PAYS_AFTER
            if paid_at <= now:
                await play(works, paid_at, _stop)
                await _pay(db, OWNER.key, paid_at)
        await play(works, now, _stop)
        await demo_alerts.make(db, works.office, now)
        await play(works, now, _stop)


async def _store_card(db: Db, provider: SandboxPayments) -> None:
    """BIL-9. A valid card on file, which is not debited by itself: one invoice is there to be paid."""
    async with db.write() as write:
        card = method_asked(
            write.record,
            owner_id=OWNER.key,
            provider=provider.name,
            token=CARD,
            auto_debit=False,
            used=0,
            limit=1,
        )
        card.take(write.record, await provider.store(MethodOrder(card.id, CARD), write.now), first=True)
        write.add(card)


async def _pay(db: Db, owner_id: UUID, at: datetime) -> None:
    async with db.write(at=at) as write:
        owed = sum(invoice.left_cents for invoice in (await ledger.locked(write, owner_id)).invoices)
        await ledger.book_payment(write, owner_id, owed)


def _stop(error: Exception) -> None:
    raise error

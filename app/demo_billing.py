"""What the demo's owner was invoiced for what they host, and paid: the clockwork plays the year that has gone by."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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
from models.payment import Means, PaymentInvoice, payment_began
from models.payment_method import method_asked
from models.payment_provider import MethodOrder
from resolvers import ledger
from resolvers.clockwork import play, turn
from resolvers.settlement import Desk, proceed
from resolvers.works import Works

CHARGES = table(Charge)
OWNER = PEOPLE[0]
PAYS_AFTER = timedelta(days=7)
CARD = "card_ok"


async def play_back(database: Database, settings: Settings) -> None:
    """BIL-2, BIL-3. Invoice what was charged when it fell due, and pay it a week later: the newest is left open."""
    async with turn(database), Db(database) as db:
        payments = providers_of(settings, database)
        works = Works(db, Office(settings, settings.sandbox), register_of(settings), payments)
        now = await db.now()
        due = select(CHARGES.c.due_at).where(CHARGES.c.owner_id == OWNER.key).distinct().order_by(CHARGES.c.due_at)
        instants = [row.due_at for row in await db.rows(due)]
        sandbox = SandboxPayments(database, settings, settings.secret_key)
        card = await _store_card(db, sandbox, settings, min([*instants, now]))
        desk = Desk(db, settings, payments)
        for due_at in instants:
            paid_at = due_at + PAYS_AFTER
            if paid_at <= now:
                await play(works, paid_at, _stop)
                await _pay(desk, card, paid_at)
        await play(works, now, _stop)
        await demo_alerts.make(db, works.office, now)
        await play(works, now, _stop)


async def _store_card(db: Db, provider: SandboxPayments, settings: Settings, at: datetime) -> Means:
    """BIL-9. A valid card on file, which is not debited by itself: one invoice is there to be paid."""
    async with db.write(at=at) as write:
        card = method_asked(
            write.record,
            owner_id=OWNER.key,
            provider=provider.name,
            token=CARD,
            auto_debit=False,
            used=0,
            limit=1,
        )
        kept = await provider.store(MethodOrder(card.id, CARD), write.now)
        card.take(write.record, kept, first=True, zone=ZoneInfo(settings.billing_zone))
        write.add(card)
    return Means(card.kind, card.provider, card.id)


async def _pay(desk: Desk, means: Means, at: datetime) -> None:
    """BIL-8. Everything that is open, with the card, as its owner would."""
    async with desk.db.write(at=at) as write:
        open_ones = (await ledger.locked(write, OWNER.key)).invoices
        owed = sum(invoice.left_cents for invoice in open_ones)
        wait = desk.figures.payment_ask_pause
        payment = payment_began(write.record, means, owner_id=OWNER.key, cents=owed, wait=wait)
        write.add(payment)
        await write.flush()
        for invoice in open_ones:
            write.add(PaymentInvoice(payment_id=payment.id, invoice_id=invoice.id))
    await proceed(desk, payment.id, fresh=True, at=at, opened=lambda: desk.db.write(at=at))


def _stop(error: Exception) -> None:
    raise error

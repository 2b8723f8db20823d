"""EVT-4. What is done when something falls due: for each kind the transaction that does it, or the calls around it."""

from uuid import UUID

from sqlalchemy import select

from models.column import table
from models.obstacle import Obstacle
from models.payment import Payment
from resolvers import (
    alert,
    card_expiry,
    collection,
    deletion,
    domain,
    issuing,
    migration,
    payment_method,
    renewal,
    settlement,
    suspension,
    transfer,
    vat,
    vat_correction,
)
from resolvers.works import Due, Item, NothingDue, Works

PAYMENTS = table(Payment)


async def do(works: Works, item: Item) -> None:
    match item.kind:
        case Due.RENEWAL:
            async with works.write(item) as write:
                await renewal.renew(works.office.figures, write, item.owner_id, item.at)
        case Due.NOTICE:
            await _tell(works, item)
        case Due.CHARGE:
            await _issue(works, item)
        case Due.VAT_CHECK:
            await _check_again(works, item)
        case Due.PAYMENT_CHECK:
            await _ask_about_payments(works, item)
        case Due.COLLECTION:
            await _collect(works, item)
        case Due.SUSPENSION:
            async with works.write(item) as write:
                await suspension.warn(works.office.figures, write, item.owner_id, item.at)
        case Due.ALERT:
            async with works.write(item) as write:
                await alert.advance(works.office.figures, write, item.owner_id, item.at)
        case Due.INACTIVITY:
            await _look_for_inactivity(works, item)
        case Due.DELETION:
            await _delete(works, item)
        case Due.TRANSFER:
            async with works.write(item) as write:
                await transfer.lapse(write, item.owner_id, item.at)
        case Due.CARD | Due.DOMAIN:
            await _look_at_ends(works, item)
        case Due.MIGRATION:
            async with works.write(item) as write:
                await migration.retry(works.office.figures, write, item.owner_id, item.at)
        case Due.CARD_END:
            await _end_cards(works, item)


async def _tell(works: Works, item: Item) -> None:
    """BIL-4, CAT-4. Announce what is to be announced; that there is nothing to tell yet is no fact."""
    later: list[renewal.Later] = []
    try:
        async with works.write(item) as write:
            later = await renewal.announce(works.office.figures, write, item.owner_id, item.at)
    except NothingDue:
        if not later:
            raise
        await renewal.look_later(works.db, later)


async def _look_for_inactivity(works: Works, item: Item) -> None:
    """PRO-14. Whoever has more than free accounts is looked at again later; that is no fact."""
    looked = False
    try:
        async with works.write(item) as write:
            looked = True
            await alert.look_for_inactivity(write, item.owner_id, item.at)
    except NothingDue:
        if not looked:
            raise
        await alert.look_later(works.db, item.owner_id, item.at, works.office.figures.inactivity_look)


async def _delete(works: Works, item: Item) -> None:
    """PRO-13. Whoever waits for a payment, an invoice or the machines is deleted later."""
    figures = works.office.figures
    try:
        async with works.write(item) as write:
            await deletion.delete_suspended(figures, write, item.owner_id, item.at)
    except deletion.DeletedMeanwhile:
        raise NothingDue from None
    except Obstacle:
        await deletion.look_later(works.db, figures, item.owner_id, item.at)


async def _look_at_ends(works: Works, item: Item) -> None:
    """ALE-2. Look at the cards or the domains that may end soon; that there is nothing to tell yet is no fact."""
    figures, looked = works.office.figures, False
    try:
        async with works.write(item) as write:
            looked = True
            if item.kind is Due.CARD:
                await card_expiry.due(figures, write, item.owner_id)
            else:
                await domain.due(figures, write, item.owner_id, item.at)
    except NothingDue:
        if not looked:
            raise
        later = card_expiry.look_later if item.kind is Due.CARD else domain.look_later
        await later(works.db, figures, item.owner_id, item.at)


async def _end_cards(works: Works, item: Item) -> None:
    """PRO-11. A card is valid no more; where its holder has another one, or has paid, that is no fact."""
    looked = False
    try:
        async with works.write(item) as write:
            looked = not await payment_method.end(works.office.figures, write, item.owner_id, item.at)
    except NothingDue:
        if not looked:
            raise
        await payment_method.pass_over(works.db, item.owner_id, item.at)


async def _issue(works: Works, item: Item, *, asked: bool = False) -> None:
    """BIL-2, BIL-7. Invoice what is due; VIES is asked between two transactions, and waited for."""
    try:
        async with works.write(item) as write:
            await issuing.issue_due(works.office, write, item.owner_id, item.at, asked=asked)
    except issuing.Waits as waits:
        if not waits.ask:
            await issuing.postpone(works.db, item.owner_id, item.at, waits.until)
            return
        await vat.consult(works.db, works.office.figures, works.register, item.owner_id, at=works.at(item))
        await _issue(works, item, asked=True)


async def _check_again(works: Works, item: Item) -> None:
    """BIL-7. Ask VIES again about what was invoiced with VAT since it did not tell; outside of any transaction."""
    figures, owner_id = works.office.figures, item.owner_id
    now = works.at(item) or await works.db.now()
    if await vat.consult(works.db, figures, works.register, owner_id, at=works.at(item)) is None:
        await vat_correction.look_later(works.db, figures, owner_id, item.at, now)
        return
    if await vat_correction.wrong(works.db, figures, owner_id, item.at, now) is not None:
        async with works.write(item) as write:
            await vat_correction.correct(works.office, write, owner_id, item.at)
    await vat_correction.settle(works.db, owner_id, item.at)


async def _ask_about_payments(works: Works, item: Item) -> None:
    """BIL-10. Ask about the payments that nothing is known of, and about those that may have gone back."""
    desk = settlement.Desk(works.db, works.office.figures, works.payments)
    mine = PAYMENTS.c.owner_id == item.owner_id, PAYMENTS.c.ask_at <= item.at
    for row in await works.db.rows(select(PAYMENTS.c.id).where(*mine).order_by(PAYMENTS.c.id)):
        await settlement.proceed(desk, row.id, at=works.at(item), opened=lambda: works.write(item))


async def _collect(works: Works, item: Item) -> None:
    """BIL-9. Charge what is due to the default card: the payment is committed before its provider is called."""
    begun: list[UUID] = []
    try:
        async with works.write(item) as write:
            begun = await collection.begin(works.office.figures, write, item.owner_id, item.at)
            if not write.record.events:
                raise collection.NothingToCollect
    except collection.NothingToCollect:
        await collection.give_up(works.db, item.owner_id, item.at)
    desk = settlement.Desk(works.db, works.office.figures, works.payments)
    for key in begun:
        await settlement.proceed(desk, key, fresh=True, at=works.at(item), opened=lambda: works.write(item))

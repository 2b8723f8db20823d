"""BIL-2. Invoices that fall due: what was ordered of a profile on one civil day stands on one of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, update
from sqlmodel import select as select_rows

from models.charge import Charge, ChargeStatus
from models.clock import civil_day, day_start
from models.column import Instant, table
from models.db import Db, Write
from models.issuer import Issuer
from models.locking import locking
from models.profile import Profile
from models.setting import Figures
from models.vat import Treatment
from resolvers import vat
from resolvers.invoice import issue_locked
from resolvers.ledger import locked

CHARGES = table(Charge)
ONE_DAY = timedelta(days=1)
OF_OWNER = CHARGES.c.owner_id == bindparam("of_owner"), CHARGES.c.status == ChargeStatus.PENDING
DUE = locking(select_rows(Charge).where(*OF_OWNER, CHARGES.c.due_at < bindparam("tomorrow", type_=Instant())))
POSTPONED = (
    update(CHARGES)
    .where(*OF_OWNER, CHARGES.c.due_at <= bindparam("until", type_=Instant()))
    .values(due_at=bindparam("later", type_=Instant()))
)


class Waits(Exception):
    """An invoice cannot be issued now; `until` is when to try again, `ask` whether VIES has to be asked before that."""

    def __init__(self, until: datetime, *, ask: bool = False) -> None:
        super().__init__("an invoice waits")
        self.until = until
        self.ask = ask


async def issue_due(office: Issuer, write: Write, owner_id: UUID, at: datetime, *, asked: bool) -> None:
    """BIL-2, BIL-7. Invoice what is due of a profile, which is locked. Raises Waits; `asked` is that VIES just was."""
    zone = ZoneInfo(office.figures.billing_zone)
    tomorrow = day_start(civil_day(at, zone) + ONE_DAY, zone)
    charges = await write.lock(DUE, {"of_owner": owner_id, "tomorrow": tomorrow})
    if not any(charge.net_cents for charge in charges):
        for charge in charges:  # Of nothing there is no document.
            charge.drop(write.record)
        return
    purse = await locked(write, owner_id, for_invoice=True)
    today, owner = civil_day(write.now, zone), write.held(Profile, owner_id)
    treatment = await vat.of_identity(write, office.figures, owner, day=today, now=write.now)
    if treatment is None:
        raise Waits(at + ONE_DAY)
    _check_known(office.figures, charges, treatment, write.now, asked=asked)
    issued = await issue_locked(office, write, purse, charges, treatment)
    if treatment.needs_check:
        issued.invoice.vat_check_at = write.now + office.figures.vat_recheck_pause


def _check_known(
    figures: Figures, charges: Sequence[Charge], treatment: Treatment, now: datetime, *, asked: bool
) -> None:
    """BIL-7. An invoice waits for VIES, for days at most; then it is issued with VAT."""
    if not treatment.needs_check:
        return
    patient = now < min(charge.ordered_at for charge in charges) + figures.vat_check_patience
    if not asked or patient:
        raise Waits(now + figures.vat_check_pause, ask=not asked)


async def postpone(db: Db, owner_id: UUID, at: datetime, until: datetime) -> None:
    """BIL-7. Look again later at what was due."""
    await db.note(POSTPONED, {"of_owner": owner_id, "until": at, "later": until})

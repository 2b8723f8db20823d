"""BIL-14. Quotes: what every one of them is made of, for the preview and again under the locks of the command."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from models.context import Context
from models.db import Db
from models.draft import Ordered, draft
from models.quote import Caution, Quote, QuoteKind, Reckoning, Terms, digest, figures_of, sign_quote
from models.refusal import Refusal
from resolvers import vat
from resolvers.billing import treatment_of
from resolvers.ledger import LAST
from resolvers.right import Reader


@dataclass(frozen=True, slots=True)
class Asked:
    """What is quoted: which operation, of whom, with which wishes, and when."""

    kind: QuoteKind
    owner_id: UUID
    wishes: Any
    now: datetime


async def balance(reader: Reader, owner_id: UUID) -> int:
    """BIL-1. The balance of a profile, in cents."""
    rows = await reader.rows(LAST, {"owner_id": owner_id})
    return rows[0].balance_after_cents if rows else 0


async def ask_register(context: Context, owner_id: UUID) -> None:
    """BIL-7. Have VIES asked before something is ordered whose price depends on it; what it says is kept.

    Commands ask, quotes do not: they change nothing.
    """
    taxed = await treatment_of(context, context.db, owner_id, await context.db.now())
    if taxed.needs_check:
        await context.db.release()  # Its view is from before the answer.
        async with Db(context.db.database) as db:
            await vat.consult(db, context.figures, context.vat_register, owner_id)


async def reckoned(
    context: Context, reader: Reader, asked: Asked, charged: Sequence[Ordered], invoiced_on: date | None, **moved: Any
) -> Reckoning:
    """BIL-14. What these charges come to with VAT, and when, where that is known; `moved` is what goes back."""
    if not charged:
        return Reckoning(**moved)
    taxed = await treatment_of(context, reader, asked.owner_id, asked.now)
    due_on = invoiced_on + timedelta(days=context.figures.payment_terms.days) if invoiced_on else None
    unchecked = taxed.needs_check
    return Reckoning(draft(charged, taxed), invoiced_on=invoiced_on, due_on=due_on, vat_unchecked=unchecked, **moved)


async def quote(
    context: Context,
    reader: Reader,
    asked: Asked,
    reckoning: Reckoning,
    blockers: tuple[Refusal, ...],
    cautions: tuple[Caution, ...],
) -> tuple[Quote, Terms]:
    """BIL-14. The quote as of now, and its terms; without a token while something stands in the way."""
    expires_at = asked.now + context.figures.quote_lifetime
    terms = Terms(asked.kind, asked.owner_id, digest(asked.wishes), figures_of(reckoning), expires_at)
    made = Quote(
        asked.kind,
        asked.owner_id,
        expires_at,
        reckoning=reckoning,
        balance_cents=await balance(reader, asked.owner_id),
        blockers=blockers,
        cautions=(*cautions, Caution.VAT_UNCHECKED) if reckoning.vat_unchecked else cautions,
        token=None if blockers else sign_quote(context.key, terms),
    )
    return made, terms

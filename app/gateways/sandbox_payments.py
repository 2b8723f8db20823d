"""BIL-10. The payment provider of the practice system: cards that each do one thing, and a memory in our database.

What became of a charge follows from its card, from when it was asked, and from the time it is by then: so two processes
say the same, before and after a restart.
"""

import hashlib
import hmac
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update

from models.column import INSERTS, table
from models.db import Database, Db
from models.payment_provider import (
    Action,
    CardBrand,
    ChargeOrder,
    DeclineReason,
    MethodOrder,
    PaymentMethodKind,
    ProviderSilent,
    ProviderState,
    Stored,
    Told,
    UntrustedNotice,
)
from models.sandbox_payment import SandboxCharge
from models.setting import Figures

CHARGES = table(SandboxCharge)
ANSWERS_AFTER, DISPUTED_AFTER = timedelta(minutes=10), timedelta(days=10)
YEARS_OF_VALIDITY = 3
STORED = "sandbox"
SIGNATURE, TIMESTAMP = "espace-sandbox-signature", "espace-sandbox-timestamp"
PURPOSE = b"espace:sandbox-payments"
Row = Any


@dataclass(frozen=True, slots=True)
class Card:
    """A card to practise with, before it is stored or after."""

    name: str
    expires_on: date | None = None
    stored: bool = False


FACES: Mapping[str, tuple[CardBrand, str]] = {
    "card_ok": (CardBrand.VISA, "4242"),
    "card_declined": (CardBrand.VISA, "0002"),
    "card_3ds": (CardBrand.VISA, "3155"),
    "card_expiring": (CardBrand.MASTERCARD, "4444"),
    "card_silent": (CardBrand.VISA, "0119"),
    "card_reversed": (CardBrand.VISA, "0259"),
}


class SandboxPayments:
    """Takes the test cards, and no real money."""

    name = "sandbox"
    kinds = frozenset({PaymentMethodKind.CARD})

    def __init__(self, database: Database, figures: Figures, key: str) -> None:
        self.database = database
        self.figures = figures
        self.key = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()

    async def charge(self, order: ChargeOrder, now: datetime) -> Told:
        values = {
            "key": order.key,
            "card": order.token[:80],
            "amount_cents": order.amount_cents,
            "currency": order.currency.value,
            "asked_at": now,
            "refunds": {},
        }
        async with Db(self.database) as db:
            await db.note(INSERTS[self.database.dialect](CHARGES).values(values).on_conflict_do_nothing())
            return self._told(await _row(db, order.key), now)

    async def status(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        async with Db(self.database) as db:
            row = await _row(db, key)
        return None if row is None else self._told(row, now)

    async def confirm(self, key: UUID, now: datetime, reference: str | None = None) -> Told:
        return await self._noted(key, now, CHARGES.c.confirmed_at)

    async def cancel(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        return await self._noted(key, now, CHARGES.c.cancelled_at) if await self.status(key, now) else None

    async def refund(
        self, key: UUID, cents: int, refund_key: UUID, now: datetime, reference: str | None = None
    ) -> Told:
        async with Db(self.database) as db:
            row = await _row(db, key)
            refunds = {**row.refunds, str(refund_key): cents}
            if sum(refunds.values()) <= row.amount_cents:
                await db.note(update(CHARGES).where(CHARGES.c.key == key).values(refunds=refunds))
            return self._told(await _row(db, key), now)

    async def store(self, order: MethodOrder, now: datetime) -> Stored:
        card = _card(order.token)
        if card.name == "card_3ds":
            return self._shown(card, now, ProviderState.REQUIRES_ACTION, action=self._action(order.key, now))
        return self._kept(card, now)

    async def confirm_method(self, order: MethodOrder, now: datetime) -> Stored:
        return self._kept(_card(order.token), now)

    async def forget(self, token: str) -> None:
        """There is nothing to forget: tokens say all that there is."""

    async def notice(self, body: bytes, headers: Mapping[str, str], real_now: datetime) -> Told:
        stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not hmac.compare_digest(self.signature(body, stamp).encode(), signature.encode()):
            raise UntrustedNotice
        try:
            age = real_now - datetime.fromtimestamp(int(stamp), UTC)
            if abs(age) > self.figures.notice_tolerance:
                raise UntrustedNotice
            return _said(orjson.loads(body))
        except (ValueError, KeyError, TypeError):
            raise UntrustedNotice from None

    def signature(self, body: bytes, stamp: str) -> str:
        """What a notice of these bytes is signed with."""
        return hmac.new(self.key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    async def _noted(self, key: UUID, now: datetime, column: Any) -> Told:
        """Only what waits for the customer goes on, or is given up."""
        waits = CHARGES.c.key == key, CHARGES.c.confirmed_at.is_(None), CHARGES.c.cancelled_at.is_(None)
        in_time = CHARGES.c.asked_at > now - self.figures.payment_action_lifetime
        async with Db(self.database) as db:
            await db.note(update(CHARGES).where(*waits, in_time).values({column: now}))
            row = await _row(db, key)
        if row is None:
            raise ProviderSilent("NEVER_ASKED")
        return self._told(row, now)

    def _told(self, row: Row, now: datetime) -> Told:
        card, back = _card(row.card), sum(row.refunds.values())
        look_at = None
        match self._state(card, row, now):
            case ProviderState.FAILED, reason:
                return self._of(row, ProviderState.FAILED, reason=reason)
            case ProviderState.REQUIRES_ACTION, _:
                action = self._action(row.key, row.asked_at)
                return self._of(row, ProviderState.REQUIRES_ACTION, action=action)
            case ProviderState.CANCELLED, _:
                return self._of(row, ProviderState.CANCELLED)
        if card.name == "card_reversed":
            disputed_at = row.asked_at + DISPUTED_AFTER
            back, look_at = (row.amount_cents, None) if now >= disputed_at else (back, disputed_at)
        state = ProviderState.REVERSED if back == row.amount_cents else ProviderState.SUCCEEDED
        return self._of(row, state, reversed_cents=back, look_at=look_at)

    def _state(self, card: Card, row: Row, now: datetime) -> tuple[ProviderState, DeclineReason | None]:
        if card.name == "card_silent" and now < row.asked_at + ANSWERS_AFTER:
            raise ProviderSilent("TIMEOUT")
        if (reason := _refusal(card, row.asked_at)) is not None:
            return ProviderState.FAILED, reason
        if card.name != "card_3ds" or card.stored or row.confirmed_at:
            return ProviderState.SUCCEEDED, None
        late = now >= row.asked_at + self.figures.payment_action_lifetime
        return (ProviderState.CANCELLED if row.cancelled_at or late else ProviderState.REQUIRES_ACTION), None

    def _of(self, row: Row, state: ProviderState, **values: Any) -> Told:
        return Told(row.key, state, f"sandbox_{row.key.hex}", row.amount_cents, row.currency, **values)

    def _action(self, key: UUID, asked_at: datetime) -> Action:
        return Action(
            asked_at + self.figures.payment_action_lifetime,
            f"https://payments.espace.example/3ds/{key.hex}",
            f"sandbox_secret_{key.hex}",
        )

    def _kept(self, card: Card, now: datetime) -> Stored:
        if (reason := _refusal(card, now)) is not None:
            return Stored(ProviderState.FAILED, reason=reason)
        return self._shown(card, now, ProviderState.SUCCEEDED)

    def _shown(self, card: Card, now: datetime, state: ProviderState, action: Action | None = None) -> Stored:
        brand, last4 = FACES[card.name]
        expires_on = _validity(card, now.date())
        return Stored(state, f"{STORED}:{card.name}:{expires_on}", brand, last4, expires_on, action=action)


def _said(said: Mapping[str, Any]) -> Told:
    """A notice, as this provider writes it."""
    reason = said.get("reason")
    return Told(
        UUID(said["key"]),
        ProviderState(said["state"]),
        str(said["reference"]),
        int(said["amount_cents"]),
        str(said["currency"]),
        int(said.get("reversed_cents", 0)),
        DeclineReason(reason) if reason else None,
    )


async def _row(db: Db, key: UUID) -> Row:
    return await db.first(select(CHARGES).where(CHARGES.c.key == key))


def _card(token: str) -> Card:
    """The card that a token stands for; one that nobody knows is refused."""
    stored, _, rest = token.partition(":")
    if stored != STORED:
        return Card(token)
    name, _, expires_on = rest.partition(":")
    return Card(name, date.fromisoformat(expires_on), stored=True)


def _refusal(card: Card, asked_at: datetime) -> DeclineReason | None:
    if card.name not in FACES:
        return DeclineReason.DECLINED
    if card.name == "card_declined":
        return DeclineReason.INSUFFICIENT_FUNDS
    expired = card.expires_on is not None and card.expires_on < asked_at.date()
    return DeclineReason.EXPIRED_CARD if expired else None


def _validity(card: Card, today: date) -> date:
    """The last day of a card: of the next month of one that expires soon, of a month years away of others."""
    months = 1 if card.name == "card_expiring" else 12 * YEARS_OF_VALIDITY
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])

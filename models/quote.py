"""BIL-14. Quotes: what an operation costs, frozen for minutes of business time in a token that is stored nowhere."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from models.draft import Draft, DraftLine
from models.money import Money
from models.refusal import Code, Refusal

PURPOSE = b"espace:quote"
"""What the key of quotes is derived for: a seal made for anything else is no seal of a quote."""
DIGEST_BYTES = 32
MOST_CHARACTERS = 1_000
"""Of a token: far more than one that was made here has."""


class QuoteKind(StrEnum):
    """The operations that are quoted."""

    ACCOUNT_OPEN = "ACCOUNT_OPEN"
    PLAN_CHANGE = "PLAN_CHANGE"
    INVOICING_DAY = "INVOICING_DAY"
    URGENT_TICKET = "URGENT_TICKET"
    TRANSFER = "TRANSFER"
    INTERVENTION = "INTERVENTION"
    INTERVENTION_CANCEL = "INTERVENTION_CANCEL"
    ACCOUNT_MOVE = "ACCOUNT_MOVE"


class Caution(StrEnum):
    """What has to be read before confirming."""

    NO_REFUND = "NO_REFUND"
    RESTRICTED = "RESTRICTED"
    NOT_REFUNDED = "NOT_REFUNDED"
    CUT = "CUT"
    STAYS_BEHIND = "STAYS_BEHIND"
    PERIOD_GOES_WITH_IT = "PERIOD_GOES_WITH_IT"
    PAID_UNTIL_ITS_END = "PAID_UNTIL_ITS_END"
    VAT_UNCHECKED = "VAT_UNCHECKED"
    URGENT_CHARGE = "URGENT_CHARGE"
    CHARGED_WHEN_DONE = "CHARGED_WHEN_DONE"
    CHARGED_ALL_THE_SAME = "CHARGED_ALL_THE_SAME"


class NotThisQuote(Refusal):
    """BIL-14. Forged, of another operation or profile, or of other wishes than those that are carried out."""

    code = Code.INVALID
    message = "This is no quote for what is asked: ask for one, and send it with the same values."


@dataclass(frozen=True, slots=True)
class Terms:
    """BIL-14. What a token holds: for what it was made, which figures it promises, and until when."""

    kind: QuoteKind
    owner_id: UUID
    """Whom it will be invoiced to."""
    wishes: str
    """A digest of what is wanted."""
    figures: str
    """A digest of every figure and day of what is charged and refunded."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reckoning:
    """BIL-14. What an operation moves: the invoice that it brings, and what goes back; no figure is computed again."""

    charge: Draft | None = None
    """The invoice to come; None where nothing is charged."""
    refund_cents: int = 0
    """VAT included; credited at once."""
    cut_cents: tuple[int, ...] = ()
    """What is left of charges that are not invoiced yet, VAT excluded."""
    invoiced_on: date | None = None
    due_on: date | None = None
    vat_unchecked: bool = False
    """BIL-7. VAT is charged because VIES has not told of the customer's number yet."""

    @property
    def lines(self) -> tuple[DraftLine, ...]:
        return self.charge.lines if self.charge else ()

    @property
    def gross_cents(self) -> int:
        return self.charge.gross_cents if self.charge else 0


@dataclass(frozen=True)
class Quote:
    """BIL-14. What an operation will cost, or what stands in its way; then there is no token."""

    kind: QuoteKind
    owner_id: UUID
    """Whose balance it moves."""
    expires_at: datetime
    reckoning: Reckoning = Reckoning()
    balance_cents: int = 0
    """As it is before."""
    blockers: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()
    token: str | None = field(default=None, repr=False)

    @property
    def refund(self) -> Money:
        """What will be credited."""
        return Money(self.reckoning.refund_cents)

    @property
    def balance_after(self) -> Money:
        """BIL-14. Once everything is booked and invoiced, before any new payment."""
        return Money(self.balance_cents + self.reckoning.refund_cents - self.reckoning.gross_cents)


@dataclass(eq=False)
class StaleQuote(Refusal):
    """BIL-14. A quote does not count any more; `current` is what counts now."""

    current: Quote

    @property
    def figures(self) -> dict[str, Any]:
        return {}


class QuoteExpired(StaleQuote):
    """BIL-14. Too old, by the business clock."""

    code = Code.QUOTE_EXPIRED
    message = "This quote has expired: confirm the new one."


class QuoteChanged(StaleQuote):
    """BIL-14. Something would be charged that was not shown."""

    code = Code.QUOTE_CHANGED
    message = "The figures have changed since this quote: confirm the new one."


def digest(value: Any) -> str:
    """A value by its canonical JSON: equal values, however they were written, have one digest."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON of one spelling: sorted names, no spaces, instants in UTC."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def _plain(value: Any) -> str:
    """Drivers have kinds of UUID of their own; nothing else that is no JSON is guessed at."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical spelling")


def figures_of(reckoning: Reckoning) -> str:
    """BIL-14. The digest of what is charged and refunded: amounts, VAT, days, and how each came about."""
    charged = [
        {"net": line.net_cents, "tax": line.tax_cents, "rate": line.rate_bp, "territory": line.territory}
        | {"quantity": line.quantity, "from": line.period_start, "to": line.period_end, "how": line.explanation}
        for line in reckoning.lines
    ]
    tax = reckoning.charge.tax_cents if reckoning.charge else 0
    return digest({"lines": charged, "tax": tax, "refund": reckoning.refund_cents, "cut": reckoning.cut_cents})


def sign_quote(key: str, terms: Terms) -> str:
    """BIL-14. The token of these terms: their canonical JSON behind a seal."""
    body = canonical(
        {
            "kind": terms.kind,
            "owner": terms.owner_id,
            "wishes": terms.wishes,
            "figures": terms.figures,
            "expires": terms.expires_at,
        }
    )
    return base64.urlsafe_b64encode(_seal(key, body) + body).decode().rstrip("=")


def read_quote(key: str, token: str) -> Terms | None:
    """BIL-14. The terms of a token; None for whatever this key did not seal, to the last character."""
    if len(token) > MOST_CHARACTERS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    seal, body = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    if not hmac.compare_digest(seal, _seal(key, body)):
        return None
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        return None
    return _terms(orjson.loads(body))


def check_quote(key: str, token: str, current: Quote, wanted: Terms, now: datetime) -> None:
    """BIL-14. Raises why what the token promises cannot be carried out as `wanted`: the terms as they are now."""
    promised = read_quote(key, token)
    if promised is None or (promised.kind, promised.owner_id, promised.wishes) != (
        wanted.kind,
        wanted.owner_id,
        wanted.wishes,
    ):
        raise NotThisQuote().at("quote_token")
    if now >= promised.expires_at:
        raise QuoteExpired(current).at("quote_token")
    if promised.figures != wanted.figures:
        raise QuoteChanged(current).at("quote_token")


def _terms(stored: Mapping[str, Any]) -> Terms:
    return Terms(
        QuoteKind(stored["kind"]),
        UUID(stored["owner"]),
        stored["wishes"],
        stored["figures"],
        datetime.fromisoformat(stored["expires"]).astimezone(UTC),
    )


def _seal(key: str, body: bytes) -> bytes:
    derived = hmac.new(key.encode(), PURPOSE, hashlib.sha256).digest()
    return hmac.new(derived, body, hashlib.sha256).digest()

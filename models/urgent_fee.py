"""TIC-4. The fee of an urgent ticket: agreed to before, charged if the service guarantee does not cover the cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.charge import Charge, RevenueKind
from models.column import Instant, json_column, new_id, one_of
from models.money import Money
from models.quote import Caution, Reckoning
from models.refusal import Code, Refusal
from models.server import ServerStatus
from models.setting import Figures
from models.ticket import AGENT_LENGTH, Ticket

DECIDED = action("ticket.fee_decided", "It was decided whether the urgent ticket is charged", mail="ticket_fee")
REASON_LENGTH = 2_000
LABELS = "Urgent ticket, server {name}", "Ticket urgent, serveur {name}"


class UrgentNotAvailable(Refusal):
    """TIC-4. Day and night is part of some offers."""

    code = Code.URGENT_NOT_AVAILABLE
    message = "Urgent tickets need a dedicated or gold server that is in use."


class ChargeNotAccepted(Refusal):
    """TIC-4. Whoever opens one agrees to pay for it if the cause is not the provider's."""

    code = Code.CHARGE_NOT_ACCEPTED
    message = "Ask for the quote of an urgent ticket, and accept its possible charge by sending its token."


class UrgentIsTechnical(Refusal):
    """TIC-4. The engineer on call repairs servers."""

    code = Code.INVALID
    message = "An urgent ticket is a technical one."


class DecidedOtherwise(Refusal):
    """TIC-4. A decision is made once."""

    code = Code.CONFLICT
    message = "It was decided otherwise before."


class NoFee(Refusal):
    """TIC-4. Only urgent tickets have a fee."""

    code = Code.CONFLICT
    message = "This ticket has no fee."


class UrgentFeeStatus(StrEnum):
    """TIC-4. What was decided."""

    PENDING = "PENDING"
    WAIVED = "WAIVED"
    CHARGED = "CHARGED"


@dataclass(frozen=True, slots=True)
class UrgentLine:
    """TIC-4. What an urgent ticket would be charged, as a line of an invoice."""

    server: str
    net_cents: int
    since: date
    kind: RevenueKind = RevenueKind.SUPPORT
    quantity: int = 1
    period_start: date | None = None
    period_end: date | None = None

    @property
    def unit_cents(self) -> int:
        return self.net_cents

    @property
    def label_en(self) -> str:
        return LABELS[0].format(name=self.server)

    @property
    def label_fr(self) -> str:
        return LABELS[1].format(name=self.server)

    @property
    def explanation(self) -> dict[str, Any]:
        return {"list_cents": self.net_cents, "since": self.since.isoformat()}


@dataclass(frozen=True, slots=True)
class UrgentSituation:
    """Everything that the price of an urgent ticket depends on."""

    server: str
    offered: bool
    """Its plan has urgent tickets."""
    status: ServerStatus
    suspended: bool
    """Its owner is: nothing that is billable can be done."""
    fee: tuple[int, date] | None
    """In cents, as the catalogue has it now, and since when."""


@dataclass(frozen=True, slots=True)
class Urgency:
    """TIC-4. What an urgent ticket comes to, if it is charged."""

    lines: tuple[UrgentLine, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...] = (Caution.URGENT_CHARGE,)


def decide_urgency(found: UrgentSituation) -> Urgency:
    """TIC-4, BIL-14. What it would cost, and what stands in its way."""
    usable = found.offered and found.status is ServerStatus.ACTIVE and not found.suspended
    if not usable or found.fee is None:
        return Urgency((), (UrgentNotAvailable(),))
    return Urgency((UrgentLine(found.server, *found.fee),), ())


class UrgentFee(SQLModel, table=True):
    """TIC-4. What was agreed to, by whom, when and as it was shown; and what was decided."""

    __tablename__ = "urgent_fee"
    activity_type: ClassVar[str] = "UrgentFee"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    ticket_id: UUID = Field(foreign_key="ticket.id", ondelete="CASCADE", unique=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", index=True)
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL", index=True)
    status: UrgentFeeStatus = Field(
        default=UrgentFeeStatus.PENDING, sa_type=one_of(UrgentFeeStatus, "urgent_fee_status")
    )
    label_en: str = Field(max_length=200)
    label_fr: str = Field(max_length=200)
    net_cents: int = Field(sa_type=BigInteger)
    tax_cents: int = Field(sa_type=BigInteger)
    rate_bp: int
    explanation: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    consent: dict[str, Any] = Field(default_factory=dict, sa_type=json_column())
    """What was shown to whoever agreed: sentence, label and figures, in their language."""
    agreed_at: datetime = Field(sa_type=Instant)
    agreed_by_id: UUID | None = Field(default=None, foreign_key="profile.id", ondelete="SET NULL", index=True)
    agreed_from: str | None = Field(default=None, max_length=45)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = Field(default=None, max_length=AGENT_LENGTH)
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)
    charge_id: UUID | None = Field(default=None, foreign_key="charge.id")

    def decided(self, charged: bool) -> bool:
        """TIC-4. Whether it was decided so before; raises DecidedOtherwise."""
        if self.status is UrgentFeeStatus.PENDING:
            return False
        if charged is not (self.status is UrgentFeeStatus.CHARGED):
            raise DecidedOtherwise
        return True

    def waive(self, record: Record, ticket: Ticket, *, agent: str, reason: str, readers: Sequence[UUID]) -> None:
        """TIC-4. The service guarantee covers it."""
        self._decide(record, ticket, UrgentFeeStatus.WAIVED, agent, reason, readers)

    def charge(
        self, record: Record, ticket: Ticket, *, agent: str, reason: str, readers: Sequence[UUID], figures: Figures
    ) -> Charge:
        """TIC-4, BIL-2. The service guarantee does not cover it: it is invoiced as what is ordered now."""
        charge = Charge(
            owner_id=self.owner_id,
            kind=RevenueKind.SUPPORT,
            label_en=self.label_en,
            label_fr=self.label_fr,
            unit_cents=self.net_cents,
            net_cents=self.net_cents,
            explanation=self.explanation,
            ordered_at=record.now,
            due_at=record.now + figures.invoice_delay,
        )
        self.charge_id = charge.id
        self._decide(record, ticket, UrgentFeeStatus.CHARGED, agent, reason, readers)
        return charge

    def _decide(
        self,
        record: Record,
        ticket: Ticket,
        status: UrgentFeeStatus,
        agent: str,
        reason: str,
        readers: Sequence[UUID],
    ) -> None:
        before, self.status = self.status, status
        self.decided_at, self.decided_by, self.reason = record.now, agent, reason
        facts = {"number": ticket.number, "title": ticket.title, "reason": reason, "agent": agent, "decision": status}
        told = {"reader_ids": [str(each) for each in readers], "amount": str(Money(self.net_cents).amount)}
        record.happened(DECIDED, ticket, changes={"urgent_fee": (before, status)}, **facts, **told)


def agreed(record: Record, ticket: Ticket, reckoning: Reckoning, *, shown: dict[str, Any]) -> UrgentFee:
    """TIC-4. That somebody agreed to what was quoted; `shown` is the sentence that they read."""
    (line,) = reckoning.lines
    return UrgentFee(
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        server_id=ticket.server_id,
        label_en=line.label_en,
        label_fr=line.label_fr,
        net_cents=line.net_cents,
        tax_cents=line.tax_cents,
        rate_bp=line.rate_bp,
        explanation=line.explanation,
        consent={
            **shown,
            "net_cents": line.net_cents,
            "tax_cents": line.tax_cents,
            "gross_cents": line.gross_cents,
            "rate_bp": line.rate_bp,
        },
        agreed_at=record.now,
        agreed_by_id=record.author.actor_id,
        agreed_from=record.author.ip_address,
    )

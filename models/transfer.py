"""ACC-8, ACC-9. Transfers: an account or a server that is offered to somebody else, and what became of the offer."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, Index, select, text
from sqlmodel import Field, SQLModel

from models.account import Account
from models.account_name import LONGEST
from models.activity import Action, Record, action
from models.clock import later
from models.column import Instant, new_id, one_of, table
from models.obstacle import Obstacle
from models.permission import Subject
from models.profile import Profile
from models.refusal import Code, Refusal
from models.server import Server
from models.setting import Figures
from models.visible import OFFERED_ACCOUNTS, OFFERED_SERVERS, PARTNERS, PARTY_ID, VIEWER_ID

STARTED = action("transfer.started", "Something was offered to somebody", mail="transfer_offered")
ACCEPTED = action("transfer.accepted", "What was offered was taken over", mail="transfer_accepted")
DECLINED = action("transfer.declined", "What was offered was declined", mail="transfer_declined")
CANCELLED = action("transfer.cancelled", "An offer was withdrawn", mail="transfer_cancelled")
LAPSED = action("transfer.expired", "An offer lapsed without an answer", mail="transfer_lapsed")


class TransferMode(StrEnum):
    """ACC-8. How billing moves with what is handed over."""

    BILL_AT_ACCEPTANCE = "BILL_AT_ACCEPTANCE"
    KEEP_END_DATE = "KEEP_END_DATE"


class TransferStatus(StrEnum):
    """ACC-8. State of a transfer."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class TransferDirection(StrEnum):
    """Side of a transfer."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


class TransferAction(StrEnum):
    """What can be done to a transfer."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    CANCEL = "CANCEL"


class AnsweredBefore(Obstacle):
    """ACC-8. An offer is answered once."""

    message = "This transfer does not wait for an answer any more."


class InvalidRecipient(Refusal):
    """ACC-8. Nobody is handed what is their own, or anything while they are suspended."""

    code = Code.INVALID_RECIPIENT
    message = "It cannot be handed to yourself, nor to somebody who is suspended."


class SenderNotReady(Refusal):
    """ACC-8. Something stands in the way on the sender's side, of which the recipient is not told more."""

    code = Code.CONFLICT
    message = "It cannot be handed over at the moment: ask whoever offered it to you."


class UnpaidInvoice(Refusal):
    """ACC-8. What is not paid is not handed over."""

    code = Code.UNPAID_INVOICE
    message = "An invoice for it is not paid: pay it first."


class NotInvoicedYet(Refusal):
    """ACC-8. A period goes with it once it is paid."""

    code = Code.UNPAID_INVOICE
    message = "The period that would go with it is not invoiced yet: it has to be paid first."


class BeingRenewed(Obstacle):
    """BIL-4, ACC-8. Its period is over, and the next one has not begun."""

    message = "Its subscription is being renewed at the moment."
    remedy = "Try again in a minute."


def obstacle_to_transfer(_wanted: TransferAction, status: TransferStatus) -> Obstacle | None:
    """ACC-8, PER-13. Why this is not done to a transfer in this state: asked by its verbs and beforehand."""
    return None if status is TransferStatus.PENDING else AnsweredBefore()


class Transfer(SQLModel, table=True):
    """ACC-8. An offer of one profile to another; what is offered names it while it waits."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("status <> 'PENDING' OR (account_id IS NULL) <> (server_id IS NULL)", name="one_thing"),
        CheckConstraint("status <> 'PENDING' OR sender_id <> recipient_id", name="two_parties"),
        CheckConstraint("(status = 'PENDING') = (closed_at IS NULL)", name="closed"),
        Index("ix_transfer_sender", "sender_id", "created_at", "id"),
        Index("ix_transfer_recipient", "recipient_id", "created_at", "id"),
        Index("ix_transfer_account", "account_id"),
        Index("ix_transfer_server", "server_id"),
        Index(
            "ix_transfer_pending",
            "expires_at",
            "id",
            sqlite_where=text("status = 'PENDING'"),
            postgresql_where=text("status = 'PENDING'"),
        ),
    )
    activity_type: ClassVar[str] = "Transfer"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sender_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    recipient_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    """ACC-9. It may be a profile that is not set up yet, or whose address is not confirmed: then it waits for that."""
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL")
    name: str = Field(max_length=LONGEST)
    """Of what was offered, on that day."""
    mode: TransferMode = Field(sa_type=one_of(TransferMode, "transfer_mode"))
    status: TransferStatus = Field(default=TransferStatus.PENDING, sa_type=one_of(TransferStatus, "transfer_status"))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    refund_cents: int | None = Field(default=None, sa_type=BigInteger)
    """What its acceptance gave back to the sender, VAT included."""

    @property
    def owner_id(self) -> UUID:
        return self.sender_id

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.sender_id, account_id=self.account_id, server_id=self.server_id)

    def start(self, record: Record, sender: Profile, recipient: Profile, link_id: UUID | None) -> None:
        """ACC-8, ACC-9. Tell the recipient; whoever has no profile yet gets a link to make one."""
        told: dict[str, Any] = {"reader_ids": [str(recipient.id)]}
        if link_id is not None:
            told = {"address": recipient.email, "link_id": link_id, "template": "transfer_invitation"}
        record.happened(STARTED, self, name=self.name, sender=sender.email, mode=self.mode, **told)

    def accept(self, record: Record, refund_cents: int, parties: Mapping[str, Any]) -> None:
        """ACC-8. It is the recipient's now; the rest of what that means is done beside it, in the same transaction."""
        self.refund_cents = refund_cents
        self._close(record, TransferAction.ACCEPT, TransferStatus.ACCEPTED)
        self._tell(record, ACCEPTED, parties, self.sender_id, self.recipient_id)

    def decline(self, record: Record, parties: Mapping[str, Any]) -> None:
        """ACC-8. The recipient does not want it."""
        self._close(record, TransferAction.DECLINE, TransferStatus.DECLINED)
        self._tell(record, DECLINED, parties, self.sender_id)

    def cancel(self, record: Record, parties: Mapping[str, Any]) -> None:
        """ACC-8. The sender thought better of it."""
        self._close(record, TransferAction.CANCEL, TransferStatus.CANCELLED)
        self._tell(record, CANCELLED, parties, self.recipient_id)

    def lapse(self, record: Record, parties: Mapping[str, Any]) -> None:
        """ACC-8. Nobody answered in time."""
        self._close(record, TransferAction.CANCEL, TransferStatus.EXPIRED)
        self._tell(record, LAPSED, parties, self.sender_id, self.recipient_id)

    def _close(self, record: Record, wanted: TransferAction, status: TransferStatus) -> None:
        if (obstacle := obstacle_to_transfer(wanted, self.status)) is not None:
            raise obstacle
        self.status, self.closed_at = status, record.now

    def _tell(self, record: Record, fact: Action, parties: Mapping[str, Any], *readers: UUID) -> None:
        record.happened(fact, self, name=self.name, reader_ids=[str(each) for each in readers], **parties)


def new_transfer(
    record: Record, item: Account | Server, sender: Profile, recipient: Profile, mode: TransferMode, figures: Figures
) -> Transfer:
    """ACC-8. An offer of something to somebody; Transfer.start tells of it, once it is there."""
    gone = recipient.suspended_at is not None or recipient.deleted_at is not None
    if sender.id == recipient.id or gone:
        raise InvalidRecipient().at("recipient_email")
    offered = Transfer(
        sender_id=sender.id,
        recipient_id=recipient.id,
        account_id=item.id if isinstance(item, Account) else None,
        server_id=item.id if isinstance(item, Server) else None,
        name=item.name,
        mode=mode,
        created_at=record.now,
        expires_at=later(record.now, figures.transfer_lifetime, ZoneInfo(figures.billing_zone)),
    )
    item.offer(record, offered.id, recipient.email)
    return offered


def _pending(column: Any, *conditions: Any) -> Any:
    return select(column).where(table(Transfer).c.status == TransferStatus.PENDING, *conditions)


def _offered(column: Any) -> Any:
    """PER-12. What the caller may take over."""
    return _pending(column, table(Transfer).c.recipient_id == PARTY_ID, column.is_not(None))


PARTNERS.append(lambda: _pending(table(Transfer).c.recipient_id, table(Transfer).c.sender_id == VIEWER_ID))
PARTNERS.append(lambda: _pending(table(Transfer).c.sender_id, table(Transfer).c.recipient_id == PARTY_ID))
OFFERED_ACCOUNTS.append(lambda: _offered(table(Transfer).c.account_id))
OFFERED_SERVERS.append(lambda: _offered(table(Transfer).c.server_id))

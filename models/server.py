"""Servers: dedicated machines, or redundant pairs, on which their owner opens accounts."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.account import Account, AccountAction, AccountStatus, obstacle_to, refusal_of_name
from models.account_name import LONGEST
from models.activity import Record, action
from models.column import Instant, Name, json_column, new_id, one_of
from models.held_name import WrongConfirmation
from models.obstacle import (
    AccountsUnderWay,
    BeingDeleted,
    InterventionPlanned,
    IsSuspended,
    NotUrgent,
    Obstacle,
    TransferPending,
)
from models.permission import Subject
from models.provisioning import ProvisioningTask
from models.setting import Figures

RENAMED = action("server.renamed", "The server was renamed")
PLAN_CHANGED = action("server.plan_changed", "The plan of the server was changed")
LAPSED = action("server.lapsed", "The server was blocked, since nothing is paid for it any more")
RESUMED = action("server.resumed", "The server is used again")
OFFERED = action("server.offered", "The server was offered to somebody", mail="transfer_started")
HANDED_OVER = action("server.handed_over", "The server was handed over to somebody else")
TAKEN_OVER = action("server.taken_over", "The server was taken over from somebody else")
DELETION_ASKED = action("server.deletion_asked", "The server is being deleted", mail="server_deletion")
GOING_WITH_PROFILE = action("server.deletion_with_profile_asked", "The server is being given up with its profile")
DELETED = action("server.deleted", "The server was deleted")


class ServerAction(StrEnum):
    """What can be done to a server."""

    RENAME = "RENAME"
    TRANSFER = "TRANSFER"
    DELETE = "DELETE"
    OPEN_ACCOUNT = "OPEN_ACCOUNT"
    OPEN_URGENT_TICKET = "OPEN_URGENT_TICKET"


class ServerStatus(StrEnum):
    """Life-cycle state of a server."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETING = "DELETING"


ALLOWED: Mapping[ServerAction, frozenset[ServerStatus]] = {
    ServerAction.RENAME: frozenset({ServerStatus.ACTIVE, ServerStatus.SUSPENDED}),
    ServerAction.TRANSFER: frozenset({ServerStatus.ACTIVE}),
    ServerAction.DELETE: frozenset({ServerStatus.ACTIVE, ServerStatus.SUSPENDED}),
    ServerAction.OPEN_ACCOUNT: frozenset({ServerStatus.ACTIVE}),
    ServerAction.OPEN_URGENT_TICKET: frozenset({ServerStatus.ACTIVE}),
}
IN_THE_WAY: Mapping[ServerStatus, type[Obstacle]] = {
    ServerStatus.SUSPENDED: IsSuspended,
    ServerStatus.DELETING: BeingDeleted,
}


NOT_WHILE_OFFERED = frozenset({ServerAction.TRANSFER, ServerAction.DELETE})


def obstacle_to_server(wanted: ServerAction, status: ServerStatus, transfer_id: UUID | None = None) -> Obstacle | None:
    """BIL-4, ACC-8, PER-13. Why this is not done to a server now: asked by its verbs and beforehand."""
    if status not in ALLOWED[wanted]:
        return IN_THE_WAY[status]()
    return TransferPending() if transfer_id is not None and wanted in NOT_WHILE_OFFERED else None


def obstacle_to_urgency(status: ServerStatus, offered: bool) -> Obstacle | None:
    """TIC-4, PER-13. Why no urgent ticket is opened about a server; `offered` says whether its plan has them."""
    obstacle = obstacle_to_server(ServerAction.OPEN_URGENT_TICKET, status)
    return obstacle or (None if offered else NotUrgent())


def obstacle_to_work(status: ServerStatus) -> Obstacle | None:
    """CAT-2. Why technicians do nothing to a server in this state."""
    return None if status is ServerStatus.ACTIVE else IN_THE_WAY[status]()


class Server(SQLModel, table=True):
    """A machine of the private cloud."""

    __tablename__ = "server"
    __table_args__ = (Index("ix_server_owner", "owner_id", "name", "id"),)
    activity_type: ClassVar[str] = "Server"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    name: str = Field(sa_type=Name(LONGEST), unique=True)
    status: ServerStatus = Field(default=ServerStatus.ACTIVE, sa_type=one_of(ServerStatus, "server_status"))
    plan_id: UUID = Field(foreign_key="plan.id")
    """What it is, dedicated or gold: that of the last subscription to it."""
    created_at: datetime = Field(sa_type=Instant)
    cpu: str = Field(default="", max_length=100)
    disks: str = Field(default="", max_length=100)
    memory_megabytes: int = 0
    traffic_gigabytes: int = 0
    options: list[str] = Field(default_factory=list, sa_type=json_column())
    transfer_id: UUID | None = None
    """ACC-8. The transfer by which it is offered, while that waits."""

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, server_id=self.id)

    def rename(self, record: Record, new_name: str, figures: Figures) -> None:
        """PER-5. Give it another name, at once: nothing derives from it."""
        self._check(ServerAction.RENAME)
        if (refusal := refusal_of_name(self.name, new_name, figures)) is not None:
            raise refusal
        before, self.name = self.name, new_name
        record.happened(RENAMED, self, changes={"name": (before, new_name)})

    def subscribed(self, record: Record, plan_id: UUID, accounts: Sequence[Account]) -> list[ProvisioningTask]:
        """CAT-1, BIL-4. It is what is paid for it: the plan that is subscribed to becomes its own.

        Where it had lapsed, the accounts on it are used again; answers what has to be done for that.
        """
        if self.status is ServerStatus.DELETING:
            raise BeingDeleted
        if plan_id != self.plan_id:
            before, self.plan_id = self.plan_id, plan_id
            record.happened(PLAN_CHANGED, self, changes={"plan_id": (str(before), str(plan_id))})
        if self.status is ServerStatus.ACTIVE:
            return []
        self.status = ServerStatus.ACTIVE
        record.happened(RESUMED, self, name=self.name)
        return [account.resume(record) for account in accounts if account.status is AccountStatus.SUSPENDED]

    def lapse(self, record: Record, accounts: Sequence[Account]) -> list[ProvisioningTask]:
        """BIL-4. Its subscription is over: what is used on it is blocked, until it is subscribed again."""
        if self.status is not ServerStatus.ACTIVE:
            return []
        self.status = ServerStatus.SUSPENDED
        record.happened(LAPSED, self, name=self.name)
        return [account.lapse(record) for account in accounts if account.status is AccountStatus.ACTIVE]

    def delete(
        self, record: Record, accounts: Sequence[Account], confirmation: str, *, planned: bool = False
    ) -> list[ProvisioningTask]:
        """ACC-5. Give it up, with the accounts on it, which go first; answers what has to be done for that.

        `planned`: an intervention on it is planned.
        """
        self._check(ServerAction.DELETE)
        if (waited_for := obstacle_on_server({account.status for account in accounts}, planned=planned)) is not None:
            raise waited_for
        if confirmation != self.name:
            raise WrongConfirmation().at("confirmation")
        self.status = ServerStatus.DELETING
        record.happened(DELETION_ASKED, self, name=self.name)
        return [account.go(record) for account in accounts if account.status is not AccountStatus.DELETING]

    def offer(self, record: Record, transfer_id: UUID, recipient: str) -> None:
        """ACC-8. Wait for the answer of whoever it is offered to; it stays its owner's until then."""
        self._check(ServerAction.TRANSFER)
        self.transfer_id = transfer_id
        record.happened(OFFERED, self, name=self.name, recipient=recipient)

    def hand_over(self, record: Record, recipient_id: UUID, accounts: Sequence[Account]) -> None:
        """ACC-8. From now on it is somebody else's, with the accounts on it; each of the two has a fact of it."""
        record.happened(HANDED_OVER, self, name=self.name)
        self.owner_id, self.transfer_id = recipient_id, None
        record.happened(TAKEN_OVER, self, name=self.name)
        for account in accounts:
            account.hand_over(record, recipient_id)

    def leave(self, record: Record) -> None:
        """PRO-9. Give it up because its owner goes; the accounts on it are asked to go by whoever asks this."""
        self.status = ServerStatus.DELETING
        record.happened(GOING_WITH_PROFILE, self, name=self.name)

    def gone(self, record: Record) -> None:
        """ACC-5. Say that it is gone; its row is deleted by whoever holds the transaction."""
        record.happened(DELETED, self, name=self.name)

    def _check(self, wanted: ServerAction) -> None:
        obstacle = obstacle_to_server(wanted, self.status, self.transfer_id)
        if obstacle is not None:
            raise obstacle


def obstacle_on_server(statuses: Set[AccountStatus], *, planned: bool = False) -> Obstacle | None:
    """ACC-5, CAT-2. Why a server is not given up while accounts in these states are on it, or work on it is planned."""
    if planned:
        return InterventionPlanned()
    waited_for = statuses - {AccountStatus.DELETING}
    return AccountsUnderWay() if any(obstacle_to(AccountAction.DELETE, status) for status in waited_for) else None


def obstacle_to_handing_over(statuses: Set[AccountStatus]) -> Obstacle | None:
    """ACC-8. Why a server is not handed over while accounts in these states are on it."""
    return AccountsUnderWay() if statuses - {AccountStatus.ACTIVE} else None

"""Accounts: isolated hosting spaces, in the public cloud or on a server of their owner."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.account_name import LONGEST, check_name
from models.activity import Action, Record, action
from models.column import Instant, Name, new_id, one_of
from models.held_name import HeldName, SameName, WrongConfirmation
from models.obstacle import BeingDeleted, GoesWithServer, IsSuspended, Obstacle, TransferPending, UnderWay
from models.permission import Subject
from models.provisioning import Operation, Outcome, ProvisioningTask, task
from models.refusal import Refusal
from models.setting import Figures

OPENING_ASKED = action("account.opening_asked", "The account is being set up")
OPENED = action("account.opened", "The account was opened", mail="account_opened")
OPENING_FAILED = action("account.opening_failed", "The account could not be set up", mail="account_opening_failed")
RENAMING_ASKED = action("account.renaming_asked", "The account is being renamed")
RENAMED = action("account.renamed", "The account was renamed")
RENAMING_FAILED = action(
    "account.renaming_failed", "The account could not be renamed, and keeps its name", mail="account_renaming_failed"
)
PLAN_CHANGED = action("account.plan_changed", "The plan of the account was changed")
MOVING_ASKED = action("account.moving_asked", "The account is being moved by our support", mail="account_moving")
MOVED = action("account.moved", "The account was moved")
MOVING_FAILED = action("account.moving_failed", "The account could not be moved on its machines yet")
LAPSED = action("account.lapsed", "The account was blocked, since nothing is paid for it any more")
RESUMED = action("account.resumed", "The account is used again, since its server is paid for")
SUSPENDED = action("account.suspended", "The account was blocked, since its owner is suspended")
OFFERED = action("account.offered", "The account was offered to somebody", mail="transfer_started")
HANDED_OVER = action("account.handed_over", "The account was handed over to somebody else")
TAKEN_OVER = action("account.taken_over", "The account was taken over from somebody else")
RELEASED = action("account.released", "The account is used again, since its owner is not suspended any more")
BLOCKED = action("account.blocked", "The account was blocked on its machines")
BLOCKING_FAILED = action("account.blocking_failed", "The account could not be blocked on its machines yet")
UNBLOCKED = action("account.unblocked", "The account was unblocked on its machines")
UNBLOCKING_FAILED = action("account.unblocking_failed", "The account could not be unblocked on its machines yet")
DELETION_ASKED = action("account.deletion_asked", "The account is being deleted", mail="account_deletion")
GOING_WITH_SERVER = action("account.deletion_with_server_asked", "The account is being deleted with its server")
GOING_WITH_PROFILE = action("account.deletion_with_profile_asked", "The account is being deleted with its profile")
DELETED = action("account.deleted", "The account was deleted")
DELETION_FAILED = action("account.deletion_failed", "The account could not be deleted yet")


class AccountStatus(StrEnum):
    """Life-cycle state of an account."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    RENAMING = "RENAMING"
    DELETING = "DELETING"


class AccountLocation(StrEnum):
    """Where an account runs."""

    PUBLIC_CLOUD = "PUBLIC_CLOUD"
    PRIVATE_CLOUD = "PRIVATE_CLOUD"


class AccountAction(StrEnum):
    """What can be done to an account."""

    RENAME = "RENAME"
    CHANGE_PLAN = "CHANGE_PLAN"
    TRANSFER = "TRANSFER"
    DELETE = "DELETE"
    GRANT = "GRANT"
    OPEN_TICKET = "OPEN_TICKET"


ALLOWED: Mapping[AccountAction, frozenset[AccountStatus]] = {
    AccountAction.RENAME: frozenset({AccountStatus.ACTIVE}),
    AccountAction.CHANGE_PLAN: frozenset({AccountStatus.ACTIVE, AccountStatus.SUSPENDED}),
    AccountAction.TRANSFER: frozenset({AccountStatus.ACTIVE}),
    AccountAction.DELETE: frozenset({AccountStatus.ACTIVE, AccountStatus.SUSPENDED}),
    AccountAction.GRANT: frozenset(AccountStatus),
    AccountAction.OPEN_TICKET: frozenset(AccountStatus),
}
IN_THE_WAY: Mapping[AccountStatus, type[Obstacle]] = {
    AccountStatus.CREATING: UnderWay,
    AccountStatus.RENAMING: UnderWay,
    AccountStatus.SUSPENDED: IsSuspended,
    AccountStatus.DELETING: BeingDeleted,
}


NOT_WHILE_OFFERED = frozenset({AccountAction.CHANGE_PLAN, AccountAction.TRANSFER, AccountAction.DELETE})


def obstacle_to(
    wanted: AccountAction, status: AccountStatus, server_id: UUID | None = None, transfer_id: UUID | None = None
) -> Obstacle | None:
    """ACC-4, ACC-5, ACC-8, PER-13. Why this is not done to an account now: asked by its verbs and beforehand."""
    if status not in ALLOWED[wanted]:
        return IN_THE_WAY[status]()
    if wanted is AccountAction.TRANSFER and server_id is not None:
        return GoesWithServer()
    return TransferPending() if transfer_id is not None and wanted in NOT_WHILE_OFFERED else None


def under_way(status: AccountStatus) -> Obstacle | None:
    """ALE-2. What keeps the machines from an account that is used, or blocked: that it comes, goes or is renamed."""
    return None if status in (AccountStatus.ACTIVE, AccountStatus.SUSPENDED) else IN_THE_WAY[status]()


class Account(SQLModel, table=True):
    """An isolated hosting space with a unique name."""

    __tablename__ = "account"
    __table_args__ = (
        Index("ix_account_owner_name", "owner_id", "name", "id"),
        Index("ix_account_owner_created", "owner_id", "created_at", "id"),
        Index("ix_account_server", "server_id", "name", "id"),
    )
    activity_type: ClassVar[str] = "Account"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    name: str = Field(sa_type=Name(LONGEST), unique=True)
    server_id: UUID | None = Field(default=None, foreign_key="server.id")
    plan_id: UUID | None = Field(default=None, foreign_key="plan.id")
    """None on the private cloud."""
    status: AccountStatus = Field(default=AccountStatus.ACTIVE, sa_type=one_of(AccountStatus, "account_status"))
    created_at: datetime = Field(sa_type=Instant)
    transfer_id: UUID | None = None
    """ACC-8. The transfer by which it is offered, while that waits."""

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, account_id=self.id, server_id=self.server_id)

    def rename(self, record: Record, new_name: str, confirmation: str, figures: Figures) -> ProvisioningTask:
        """ACC-4. Ask for another name; it has both, and the old one is shown, until that is answered."""
        self._check(AccountAction.RENAME)
        if confirmation != self.name:
            raise WrongConfirmation().at("confirmation")
        if (refusal := refusal_of_name(self.name, new_name, figures)) is not None:
            raise refusal
        self.status = AccountStatus.RENAMING
        asked = task(record, Operation.RENAME, account=self, new_name=new_name)
        record.happened(RENAMING_ASKED, self, changes={"name": (self.name, new_name)}, task_id=asked.id)
        return asked

    def delete(self, record: Record, confirmation: str) -> ProvisioningTask:
        """ACC-5. Ask for its end; nothing undoes it."""
        self._check(AccountAction.DELETE)
        if confirmation != self.name:
            raise WrongConfirmation().at("confirmation")
        return self._end(record, DELETION_ASKED)

    def go(self, record: Record) -> ProvisioningTask:
        """ACC-5. Ask for its end because its server goes."""
        self._check(AccountAction.DELETE)
        return self._end(record, GOING_WITH_SERVER)

    def leave(self, record: Record) -> ProvisioningTask:
        """PRO-9. Ask for its end because its owner goes."""
        self._check(AccountAction.DELETE)
        return self._end(record, GOING_WITH_PROFILE)

    def change_plan(self, record: Record, plan_id: UUID) -> ProvisioningTask | None:
        """ACC-6. Go on with this plan, without interruption; one that lapsed is used again, once that was asked for."""
        self._check(AccountAction.CHANGE_PLAN)
        lapsed = self.status is AccountStatus.SUSPENDED
        before, self.plan_id, self.status = self.plan_id, plan_id, AccountStatus.ACTIVE
        asked = task(record, Operation.RESUME, account=self) if lapsed else None
        facts = {"task_id": asked.id} if asked else {}
        changes = {"plan_id": (str(before) if before else None, str(plan_id))}
        record.happened(PLAN_CHANGED, self, changes=changes, **facts)
        return asked

    def move(
        self, record: Record, server_id: UUID | None, plan_id: UUID | None, *, to: Mapping[str, str], reason: str
    ) -> ProvisioningTask:
        """ACC-7. Go to a server, or to the public cloud on a plan; it is used while the machines do it.

        `decide_move` says whether it may. `to` is how the place is called, by language.
        """
        self.server_id, self.plan_id = server_id, plan_id
        asked = task(record, Operation.MOVE, account=self)
        record.happened(MOVING_ASKED, self, name=self.name, to=dict(to), reason=reason, task_id=asked.id)
        return asked

    def offer(self, record: Record, transfer_id: UUID, recipient: str) -> None:
        """ACC-8. Wait for the answer of whoever it is offered to; it stays its owner's until then."""
        self._check(AccountAction.TRANSFER)
        self.transfer_id = transfer_id
        record.happened(OFFERED, self, name=self.name, recipient=recipient)

    def hand_over(self, record: Record, recipient_id: UUID) -> None:
        """ACC-8. From now on it is somebody else's; each of the two has a fact of it."""
        record.happened(HANDED_OVER, self, name=self.name)
        self.owner_id, self.transfer_id = recipient_id, None
        record.happened(TAKEN_OVER, self, name=self.name)

    def lapse(self, record: Record) -> ProvisioningTask:
        """BIL-4. What it is paid by is over: it is blocked, with everything on it, until it is paid for again."""
        self.status = AccountStatus.SUSPENDED
        return self._asked(record, Operation.SUSPEND, LAPSED)

    def resume(self, record: Record) -> ProvisioningTask:
        """BIL-4. Its server is paid for again, and so it is used again."""
        self.status = AccountStatus.ACTIVE
        return self._asked(record, Operation.RESUME, RESUMED)

    def suspend(self, record: Record) -> ProvisioningTask:
        """PRO-12. Its owner is suspended: it is blocked, with everything on it."""
        self.status = AccountStatus.SUSPENDED
        return self._asked(record, Operation.SUSPEND, SUSPENDED)

    def release(self, record: Record) -> ProvisioningTask:
        """PRO-12. Its owner is not suspended any more, and so it is used again."""
        self.status = AccountStatus.ACTIVE
        return self._asked(record, Operation.RESUME, RELEASED)

    def settle(self, record: Record, answered: ProvisioningTask, outcome: Outcome) -> None:
        """EVT-2. Become what the answer to a task makes of it. One that is gone has its row deleted by who asks."""
        done = outcome is Outcome.DONE
        match answered.operation:
            case Operation.CREATE:
                self.status = AccountStatus.ACTIVE if done else self.status
                record.happened(OPENED if done else OPENING_FAILED, self, name=self.name)
            case Operation.RENAME:
                self._renamed(record, answered, done)
            case Operation.DELETE:
                record.happened(DELETED if done else DELETION_FAILED, self, name=self.name)
            case Operation.MOVE:  # Where it is was decided when this was asked for.
                record.happened(MOVED if done else MOVING_FAILED, self, name=self.name)
            case Operation.SUSPEND:  # Whether it is used or not was decided when this was asked for.
                record.happened(BLOCKED if done else BLOCKING_FAILED, self, name=self.name)
            case Operation.RESUME:
                record.happened(UNBLOCKED if done else UNBLOCKING_FAILED, self, name=self.name)

    def _end(self, record: Record, fact: Action) -> ProvisioningTask:
        self.status = AccountStatus.DELETING
        return self._asked(record, Operation.DELETE, fact)

    def _asked(self, record: Record, operation: Operation, fact: Action) -> ProvisioningTask:
        """EVT-2. What is asked for, with its fact, by which it leaves."""
        asked = task(record, operation, account=self)
        record.happened(fact, self, name=self.name, task_id=asked.id)
        return asked

    def _renamed(self, record: Record, answered: ProvisioningTask, done: bool) -> None:
        """ACC-4. The new name, or the old one again."""
        before, wanted = self.name, answered.new_name or self.name
        self.status = AccountStatus.ACTIVE
        if done:
            self.name = wanted
            record.happened(RENAMED, self, changes={"name": (before, wanted)})
        else:
            record.happened(RENAMING_FAILED, self, name=before, wanted=wanted)

    def _check(self, wanted: AccountAction) -> None:
        obstacle = obstacle_to(wanted, self.status, self.server_id, self.transfer_id)
        if obstacle is not None:
            raise obstacle


def refusal_of_name(name: str, new_name: str, figures: Figures) -> Refusal | None:
    """ACC-2, ACC-4. Why this cannot be the new name of what has this name; whether it is taken, the database knows."""
    if new_name == name:
        return SameName().at("name")
    try:
        check_name(new_name, least=figures.account_name_least, most=figures.account_name_most)
    except Refusal as refusal:
        return refusal.at("name")
    return None


def new_account(
    record: Record,
    *,
    owner_id: UUID,
    name: str,
    server_id: UUID | None,
    plan_id: UUID | None = None,
    sealed_password: str,
    figures: Figures,
) -> tuple[Account, HeldName, ProvisioningTask]:
    """ACC-1, ACC-2. An account to be set up, the name that it holds, and what is asked for it.

    They are added in that order, the first flushed before the others: a taken name is a Conflict.
    """
    check_name(name, least=figures.account_name_least, most=figures.account_name_most)
    account = Account(
        owner_id=owner_id,
        name=name,
        server_id=server_id,
        plan_id=plan_id,
        status=AccountStatus.CREATING,
        created_at=record.now,
    )
    asked = task(record, Operation.CREATE, account=account, sealed_password=sealed_password)
    record.happened(OPENING_ASKED, account, name=name, task_id=asked.id)
    return account, HeldName(name=name, account_id=account.id), asked

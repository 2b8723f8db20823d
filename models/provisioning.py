"""EVT-2. What is asked of those who run the machines: a row for each thing, written in the transaction of its cause.

It leaves by a delivery, as mails do, and is answered once, later, through `resolvers/provisioning.py`.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.account_name import LONGEST
from models.activity import Record
from models.column import Instant, Name, new_id, one_of
from models.delivery import Undelivered
from models.refusal import Code, Refusal

REASON_LENGTH = 300


class Operation(StrEnum):
    """What is asked for."""

    CREATE = "CREATE"
    RENAME = "RENAME"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    DELETE = "DELETE"
    MOVE = "MOVE"
    MIGRATE = "MIGRATE"


OVERTAKING = frozenset({Operation.SUSPEND, Operation.RESUME, Operation.DELETE})
"""After one of these, what was asked before of whether the account is blocked does not count any more."""


class TaskState(StrEnum):
    """Whether it was answered, or need not be, since the opposite was asked for meanwhile."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


class Outcome(StrEnum):
    """An answer."""

    DONE = "DONE"
    FAILED = "FAILED"


class AnsweredOtherwise(Refusal):
    """EVT-2. An answer stands: the state of the account followed from it."""

    code = Code.CONFLICT
    message = "This task was answered otherwise before."


class ProvisioningTask(SQLModel, table=True):
    """EVT-2. One thing that was asked for. It outlives its account, so that an answer may come twice."""

    __tablename__ = "provisioning_task"
    __table_args__ = (
        Index("ix_provisioning_task_account", "account_id", "id"),
        Index("ix_provisioning_task_handed", "state", "handed_at", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID | None = None
    """None where a whole server is meant."""
    operation: Operation = Field(sa_type=one_of(Operation, "provisioning_operation"))
    name: str = Field(sa_type=Name(LONGEST))
    """The name of the account when it was asked."""
    new_name: str | None = Field(default=None, sa_type=Name(LONGEST))
    server_id: UUID | None = None
    """Where it is to be, or is; None is the public cloud."""
    migration_id: UUID | None = None
    """ALE-2. The migration that it applies."""
    sealed_password: str | None = Field(default=None, max_length=400, repr=False)
    """ACC-1. The password of the service users, as a hash; forgotten once the task is answered."""
    state: TaskState = Field(default=TaskState.PENDING, sa_type=one_of(TaskState, "provisioning_state"))
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)
    asked_at: datetime = Field(sa_type=Instant)
    handed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it had left, in real time."""
    answered_at: datetime | None = Field(default=None, sa_type=Instant)

    def answer(self, record: Record, outcome: Outcome, reason: str | None) -> bool:
        """EVT-2. Take an answer; False where it changes nothing: it was given before, or nobody waits for it."""
        state = TaskState(outcome.value)
        if self.state in (state, TaskState.SUPERSEDED):
            return False
        if self.state is not TaskState.PENDING:
            raise AnsweredOtherwise
        self.state, self.reason = state, reason[:REASON_LENGTH] if reason else None
        self.answered_at, self.sealed_password = record.now, None
        return True


def task(record: Record, operation: Operation, *, account: Any, **values: Any) -> ProvisioningTask:
    """EVT-2. Something to be done to an account; its fact names it as `task_id`, by which it leaves."""
    return ProvisioningTask(
        account_id=account.id,
        operation=operation,
        name=account.name,
        server_id=account.server_id,
        asked_at=record.now,
        **values,
    )


@dataclass(frozen=True, slots=True)
class Order:
    """A task as it is handed over. The same id may come twice, and asks for one thing.

    Ids sort by the time of asking. SUSPEND and RESUME of one account may overtake each other on their way: of them the
    one with the later id counts.
    """

    id: UUID
    operation: Operation
    account_id: UUID | None
    name: str
    new_name: str | None = None
    server_id: UUID | None = None
    migration_id: UUID | None = None
    sealed_password: str | None = field(default=None, repr=False)


class ProvisionerRefused(Undelivered):
    """EVT-2. An order was not taken. `reason` is a code or the name of an error."""


class Provisioner(Protocol):
    """EVT-2. Takes orders, and answers each later through the command that reports."""

    def ask(self, order: Order) -> Awaitable[None]:
        """Raises ProvisionerRefused. The id is the key by which an order that comes twice is known.

        A SUSPEND or RESUME whose id is before that of the last one done to the account is answered, and not done.
        """
        ...

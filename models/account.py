"""Accounts: isolated hosting spaces, in the public cloud or on a server of their owner."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.column import Instant, Name, new_id, one_of
from models.permission import Subject

NAME_LENGTH = 30


class AccountStatus(StrEnum):
    """Life-cycle state of an account."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    RENAMING = "RENAMING"
    DELETING = "DELETING"


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
    name: str = Field(sa_type=Name(NAME_LENGTH), unique=True)
    server_id: UUID | None = Field(default=None, foreign_key="server.id")
    status: AccountStatus = Field(default=AccountStatus.ACTIVE, sa_type=one_of(AccountStatus, "account_status"))
    created_at: datetime = Field(sa_type=Instant)

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, account_id=self.id, server_id=self.server_id)

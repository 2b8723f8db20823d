"""Servers: dedicated machines, or redundant pairs, on which their owner opens accounts."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.column import Instant, Name, new_id
from models.permission import Subject

NAME_LENGTH = 30


class Server(SQLModel, table=True):
    """A machine of the private cloud."""

    __tablename__ = "server"
    __table_args__ = (Index("ix_server_owner", "owner_id", "name", "id"),)
    activity_type: ClassVar[str] = "Server"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    name: str = Field(sa_type=Name(NAME_LENGTH), unique=True)
    created_at: datetime = Field(sa_type=Instant)

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, server_id=self.id)

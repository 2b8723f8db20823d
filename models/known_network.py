"""LIM-1. From where a profile was signed in to: who guesses elsewhere cannot use up what its owner has there."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import Instant


class KnownNetwork(SQLModel, table=True):
    """LIM-1. A network of `neighbourhood` from which a profile signed in, or followed the link of a reset."""

    __tablename__ = "known_network"

    profile_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE", primary_key=True)
    network: str = Field(max_length=45, primary_key=True)
    seen_at: datetime = Field(sa_type=Instant, index=True)

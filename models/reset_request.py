"""PRO-7. Forgotten passwords that wait for the worker: the same row whether or not the address is known.

Whoever asks is answered before anybody has looked the address up, so that the time it takes tells nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import Email, Instant, new_id


class ResetRequest(SQLModel, table=True):
    """PRO-7. Somebody at `ip_address` asked for a new password of `address`; deleted once it was looked at."""

    __tablename__ = "reset_request"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    address: str = Field(sa_type=Email)
    ip_address: str = Field(max_length=45)
    created_at: datetime = Field(sa_type=Instant)

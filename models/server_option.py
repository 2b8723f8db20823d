"""CAT-3. Options of servers: disks and memory that a configuration has besides its own."""

from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import new_id, one_of
from models.plan import CODE_LENGTH, NAME_LENGTH
from models.price import BillingPeriod, DatedPrice


class ServerOption(SQLModel, table=True):
    """CAT-3. An option; one that is sold no more stays on the servers that have it."""

    __tablename__ = "server_option"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(max_length=CODE_LENGTH, unique=True)
    position: int
    name_en: str = Field(max_length=NAME_LENGTH)
    name_fr: str = Field(max_length=NAME_LENGTH)
    available: bool = True


class ServerOptionPrice(DatedPrice, table=True):
    """CAT-4. What a period of an option costs from an instant on."""

    __tablename__ = "server_option_price"
    __table_args__ = (UniqueConstraint("server_option_id", "period", "valid_from"),)

    server_option_id: UUID = Field(foreign_key="server_option.id")
    period: BillingPeriod = Field(sa_type=one_of(BillingPeriod, "server_option_price_period"))

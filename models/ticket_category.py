"""TIC-1, TIC-2. What tickets are about, and who sees them for that: the part of the permission model that they add."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import one_of
from models.permission import RULES, AccountPermission, OverallPermission, ServerPermission, Subject

RULE = "TIC-2"


class TicketCategory(StrEnum):
    """TIC-1. The topic of a ticket."""

    TECHNICAL = "TECHNICAL"
    BILLING = "BILLING"
    SALES = "SALES"
    PROGRAM = "PROGRAM"
    ABUSE = "ABUSE"


RULES[RULE] = {
    TicketCategory.TECHNICAL: frozenset({AccountPermission.TECHNICAL_CONTACT, ServerPermission.TECHNICAL_CONTACT}),
    TicketCategory.BILLING: frozenset({OverallPermission.BILLING}),
    TicketCategory.SALES: frozenset({OverallPermission.ACCOUNT_MANAGEMENT}),
    TicketCategory.PROGRAM: frozenset(),
    TicketCategory.ABUSE: frozenset(),
}
"""TIC-2. What others than the owner have to hold; a technical ticket about nothing is the owner's alone."""


class Concerned(SQLModel):
    """TIC-2. What says who sees a row: the same in a ticket, in each of its messages and in each of their files."""

    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    category: TicketCategory
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL", index=True)
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL", index=True)

    @property
    def subject(self) -> Subject[UUID]:
        """What the permission model is asked about."""
        return Subject(self.owner_id, self.account_id, self.server_id, kind=self.category)

    @property
    def concerning(self) -> dict[str, Any]:
        """The columns of a row that is part of this one."""
        names = ("owner_id", "category", "account_id", "server_id")
        return {name: getattr(self, name) for name in names}


def category_of(table_name: str) -> Any:
    """The column's type: each table has a constraint of its own name."""
    return one_of(TicketCategory, f"{table_name}_category")

"""ACC-2, ACC-4. The names that accounts hold: their own, and while they are renamed the wanted one as well."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.account_name import LONGEST
from models.column import Name
from models.refusal import Code, Refusal


class NameTaken(Refusal):
    """ACC-2. Somebody holds it, or the provider keeps it; whose it is, is not told."""

    code = Code.TAKEN
    message = "This name is taken."


class WrongConfirmation(Refusal):
    """ACC-4, ACC-5. What cannot be undone is confirmed by the present name, typed again."""

    code = Code.CONFIRMATION_MISMATCH
    message = "To confirm, type the present name."


class SameName(Refusal):
    """ACC-4. A new name is another one."""

    code = Code.INVALID
    message = "This is its name already."


class HeldName(SQLModel, table=True):
    """ACC-2. A name that is an account's: the key is what makes it unique over all of them."""

    __tablename__ = "account_name"
    __table_args__ = (Index("ix_account_name_account", "account_id"),)

    name: str = Field(sa_type=Name(LONGEST), primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", ondelete="CASCADE")

"""Accounts: what leads to them, and what is done to them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select, union_all

from models.account import Account, AccountLocation, AccountStatus, refusal_of_name
from models.column import IdArray, among, table
from models.conflict import Conflict
from models.context import Context
from models.held_name import HeldName, NameTaken
from models.refusal import Refusal
from models.renamed_item import RenamedItem, renamed_items
from resolvers.account_name import taken
from resolvers.find import find, writing

ACCOUNTS = table(Account)
GOING = union_all(
    select(ACCOUNTS.c.id.label("key"), ACCOUNTS.c.id.label("account_id")),
    select(ACCOUNTS.c.server_id, ACCOUNTS.c.id),
    select(ACCOUNTS.c.owner_id, ACCOUNTS.c.id),
).subquery("going")
"""The accounts that go with an account, which is itself, with a server, or with a profile."""
BY_KEYS = select(ACCOUNTS.c.id, ACCOUNTS.c.name, ACCOUNTS.c.server_id, ACCOUNTS.c.status, ACCOUNTS.c.transfer_id).where(
    among(ACCOUNTS.c.id, bindparam("account_keys", type_=IdArray()))
)


def of_owner(
    *,
    search: str | None = None,
    location: AccountLocation | None = None,
    status: Sequence[AccountStatus] | None = None,
) -> Select[Any]:
    """The accounts of a profile; those whose name has `search` in it, in one place, in one of these states."""
    accounts = select(ACCOUNTS.c.owner_id)
    if search is not None:
        accounts = accounts.where(ACCOUNTS.c.name.contains(search, autoescape=True))
    if location is not None:
        public = ACCOUNTS.c.server_id.is_(None)
        accounts = accounts.where(public if location is AccountLocation.PUBLIC_CLOUD else ~public)
    if status is not None:
        accounts = accounts.where(ACCOUNTS.c.status.in_(status))
    return accounts


def on_server() -> Select[Any]:
    """The accounts on a server."""
    return select(ACCOUNTS.c.server_id)


def named() -> Select[Any]:
    """An account by its name."""
    return select(ACCOUNTS.c.name)


def going_with() -> Select[Any]:
    """ACC-5, PRO-9. The accounts that go with an account, a server or a profile, by the key of that."""
    joined = ACCOUNTS.join(GOING, GOING.c.account_id == ACCOUNTS.c.id)
    return select(GOING.c.key).select_from(joined).order_by(ACCOUNTS.c.name)


async def placed(context: Context, keys: Sequence[UUID]) -> dict[UUID, Any]:
    """The name, the server and the state of accounts, by their keys."""
    return {row.id: row for row in await context.db.rows(BY_KEYS, {"account_keys": list(keys)})}


async def rename_preview(context: Context, keys: Sequence[UUID], *, name: str) -> list[list[RenamedItem] | Refusal]:
    """ACC-4. What another name would change of each account, or the refusal of one that it cannot have."""
    found, figures = await placed(context, keys), context.figures
    refusals = {key: refusal_of_name(row.name, name, figures) for key, row in found.items()}
    can_be_had = None not in refusals.values() or not await taken(context.db.rows, name)
    elsewhere = None if can_be_had else NameTaken().at("name")
    return [refusals[key] or elsewhere or renamed_items(figures, found[key].name, name) for key in keys]


async def rename(context: Context, *, key: UUID, name: str, confirmation: str) -> UUID:
    """ACC-4. Ask for another name of the account; answers its key."""
    try:
        async with writing(context) as write:
            account = await find(context, write, Account, key, "account_id")
            task = account.rename(write.record, name, confirmation, context.figures)
            if await taken(write.rows, name):
                raise NameTaken().at("name")
            write.add(HeldName(name=name, account_id=account.id))
            write.add(task)
    except Conflict:  # Somebody else took it meanwhile.
        raise NameTaken().at("name") from None
    return account.id


async def delete(context: Context, *, key: UUID, confirmation: str) -> UUID:
    """ACC-5. Ask for the end of the account; answers its key."""
    async with writing(context) as write:
        account = await find(context, write, Account, key, "account_id")
        write.add(account.delete(write.record, confirmation))
    return account.id

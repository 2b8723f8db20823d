"""Accounts: what leads to them."""

from typing import Any

from sqlalchemy import Select, select

from models.account import Account
from models.column import table

ACCOUNTS = table(Account)


def of_owner() -> Select[Any]:
    """The accounts of a profile."""
    return select(ACCOUNTS.c.owner_id)


def on_server() -> Select[Any]:
    """The accounts on a server."""
    return select(ACCOUNTS.c.server_id)


def named() -> Select[Any]:
    """An account by its name."""
    return select(ACCOUNTS.c.name)

"""Servers: what leads to them."""

from typing import Any

from sqlalchemy import Select, select

from models.column import table
from models.server import Server

SERVERS = table(Server)


def of_owner() -> Select[Any]:
    """The servers of a profile."""
    return select(SERVERS.c.owner_id)


def named() -> Select[Any]:
    """A server by its name."""
    return select(SERVERS.c.name)

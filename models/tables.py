"""Every module with tables, for what needs them all: migrations. A test compares this with the folder."""

from sqlmodel import SQLModel

from models import (
    activity,
    attempt,
    challenge,
    delivery,
    known_network,
    link,
    mail,
    profile,
    recovery_code,
    refresh,
    reset_request,
    sandbox,
    session,
    token,
    two_factor,
)

MODULES = (
    activity,
    attempt,
    challenge,
    delivery,
    known_network,
    link,
    mail,
    profile,
    recovery_code,
    refresh,
    reset_request,
    sandbox,
    session,
    token,
    two_factor,
)
APPEND_ONLY = frozenset({"activity_event"})
"""Tables whose rows are never changed or deleted: the database itself refuses it."""

metadata = SQLModel.metadata

"""Every module with tables, for what needs them all: migrations. A test compares this with the folder."""

from sqlmodel import SQLModel

from models import (
    account,
    activity,
    attempt,
    challenge,
    delivery,
    grant,
    link,
    mail,
    profile,
    recovery_code,
    refresh,
    sandbox,
    server,
    service,
    session,
    token,
    two_factor,
)

MODULES = (
    account,
    activity,
    attempt,
    challenge,
    delivery,
    grant,
    link,
    mail,
    profile,
    recovery_code,
    refresh,
    sandbox,
    server,
    service,
    session,
    token,
    two_factor,
)
APPEND_ONLY = frozenset({"activity_event"})
"""Tables whose rows are never changed or deleted: the database itself refuses it."""

metadata = SQLModel.metadata

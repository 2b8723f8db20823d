"""Every module with tables, for what needs them all: migrations. A test compares this with the folder."""

from sqlmodel import SQLModel

from models import (
    account,
    account_name,
    activity,
    attempt,
    challenge,
    delivery,
    grant,
    held_name,
    link,
    mail,
    profile,
    provisioning,
    recovery_code,
    refresh,
    sandbox,
    server,
    session,
    token,
    two_factor,
)

MODULES = (
    account,
    account_name,
    activity,
    attempt,
    challenge,
    delivery,
    grant,
    held_name,
    link,
    mail,
    profile,
    provisioning,
    recovery_code,
    refresh,
    sandbox,
    server,
    session,
    token,
    two_factor,
)
APPEND_ONLY = frozenset({"activity_event"})
"""Tables whose rows are never changed or deleted: the database itself refuses it."""

metadata = SQLModel.metadata

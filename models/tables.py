"""Every module with tables, for what needs them all: migrations. A test compares this with the folder."""

from sqlmodel import SQLModel

from models import activity, profile, sandbox, session

MODULES = (activity, profile, sandbox, session)
APPEND_ONLY = frozenset({"activity_event"})
"""Tables whose rows are never changed or deleted: the database itself refuses it."""

metadata = SQLModel.metadata

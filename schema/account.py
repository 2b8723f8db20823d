"""Accounts: isolated hosting spaces."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from engine.declare import Computed, One, declare
from models import account as rows
from models.permission import AccountPermission, Subject
from models.viewer import Viewer
from resolvers import grant as grants_acts
from schema.connection import Connection
from schema.directive import authorize
from schema.enumeration import described
from schema.grant import PermissionGrant, grants
from schema.node import Node, node

if TYPE_CHECKING:
    from schema.profile import Profile
    from schema.server import Server

described(
    rows.AccountStatus,
    "Life-cycle state of an account.",
    CREATING="Being set up.",
    ACTIVE="In normal use.",
    SUSPENDED="Blocked, with its profile or alone.",
    RENAMING="Being renamed.",
    DELETING="Being destroyed.",
)
SUBJECT = ("owner_id", "id", "server_id")
"""The columns of a subject."""


def is_owner(viewer: Viewer, owner_id: UUID) -> bool:
    """Whether the viewer owns it."""
    return viewer.profile_id == owner_id


def held(viewer: Viewer, owner_id: UUID, key: UUID, server_id: UUID | None) -> list[AccountPermission]:
    """PER-13. The permissions that the viewer holds on an account; RESOURCES is of those on servers."""
    mask = viewer.holds(Subject(owner_id, key, server_id))
    here = [each for each in AccountPermission if server_id is not None or each is not AccountPermission.RESOURCES]
    return [permission for permission in here if permission.bit & mask]


@node(
    rows.Account,
    gate=authorize(related=True),
    owner="owner_id",
    account="id",
    server="server_id",
    description="An isolated hosting space, on the public cloud or on a server of its owner.",
)
class Account(Node):
    name: str = strawberry.field(description="Unique name.")
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("owner_id"), description="Owner.")
    server: Annotated["Server", strawberry.lazy("schema.server")] | None = declare(
        One("server_id"), description="Server it runs on, for the private cloud."
    )
    status: rows.AccountStatus = strawberry.field(description="Life-cycle state.")
    created_at: datetime = strawberry.field(description="Creation.")
    grants: Connection[PermissionGrant] | None = grants(grants_acts.naming_account, "Grants that name this account.")
    viewer_is_owner: bool = declare(
        Computed(is_owner, ("owner_id",), given="viewer"), description="The viewer owns it."
    )
    viewer_permissions: list[AccountPermission] = declare(
        Computed(held, SUBJECT, given="viewer"), description="Permissions the viewer holds on it."
    )

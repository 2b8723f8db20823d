"""Servers: dedicated machines of the private cloud."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from engine.declare import Computed, One, declare
from models import server as rows
from models.permission import ServerPermission, Subject
from models.viewer import Viewer
from resolvers import grant as grants_acts
from schema.account import is_owner
from schema.connection import Connection
from schema.directive import authorize
from schema.grant import PermissionGrant, grants
from schema.node import Node, node

if TYPE_CHECKING:
    from schema.profile import Profile


def held(viewer: Viewer, owner_id: UUID, key: UUID) -> list[ServerPermission]:
    """PER-13. The permissions that the viewer holds on a server."""
    mask = viewer.holds(Subject(owner_id, server_id=key))
    return [permission for permission in ServerPermission if permission.bit & mask]


@node(
    rows.Server,
    gate=authorize(related=True),
    owner="owner_id",
    server="id",
    description="A dedicated server of the private cloud.",
)
class Server(Node):
    name: str = strawberry.field(description="Unique name.")
    owner: Annotated["Profile", strawberry.lazy("schema.profile")] = declare(One("owner_id"), description="Owner.")
    created_at: datetime = strawberry.field(description="In service since.")
    grants: Connection[PermissionGrant] | None = grants(grants_acts.naming_server, "Grants that name this server.")
    viewer_is_owner: bool = declare(
        Computed(is_owner, ("owner_id",), given="viewer"), description="The viewer owns it."
    )
    viewer_permissions: list[ServerPermission] = declare(
        Computed(held, ("owner_id", "id"), given="viewer"), description="Permissions the viewer holds on it."
    )

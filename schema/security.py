"""What guards a profile: its factors, its sessions, from where it is used."""

from datetime import datetime

import strawberry

from engine.declare import Batch, Column, Computed, Many, declare
from models import profile as rows
from resolvers import session, two_factor
from schema.connection import Connection
from schema.directive import authorize
from schema.node import Node, node
from schema.scalar import EmailAddress, IPNetwork
from schema.session import Session
from schema.token import ApiToken, tokens


@node(
    rows.Profile,
    gate=authorize(interactive=True),
    owner="id",
    description="Security settings and credentials of a profile.",
)
class Security(Node):
    two_factor_enabled: bool = declare(
        Computed(lambda since: since is not None, ("two_factor_since",)),
        description="Two-factor authentication is on.",
    )
    recovery_codes_left: int = declare(Batch("id", two_factor.codes_left), description="Recovery codes not used yet.")
    ip_allowlist: list[IPNetwork] = strawberry.field(
        description="Networks allowed to log in; empty means any (bounded list)."
    )
    pending_email: EmailAddress | None = declare(Column(), description="New address waiting to be confirmed.")
    password_changed_at: datetime = strawberry.field(description="Last change of password.")
    sessions: list[Session] = declare(Many("id", session.of_profile), description="Open sessions (bounded list).")
    api_tokens: Connection[ApiToken] = tokens()

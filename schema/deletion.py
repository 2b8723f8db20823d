"""ACC-5. What a deletion destroys, to be read beforehand."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from engine.declare import Many, declare
from models.obstacle import Obstacle
from models.profile import Locale
from resolvers import account as account_acts
from resolvers import server as server_acts
from schema.error import UserError, user_error

if TYPE_CHECKING:
    from schema.account import Account
    from schema.server import Server


@strawberry.type(description="What a deletion destroys; nothing is refunded.")
class DeletionPreview:
    confirmation: str = strawberry.field(description="Type this word back to confirm.")
    accounts: list[Annotated["Account", strawberry.lazy("schema.account")]] = declare(
        Many("accounts", account_acts.going_with), description="Accounts destroyed (bounded list)."
    )
    servers: list[Annotated["Server", strawberry.lazy("schema.server")]] = declare(
        Many("servers", server_acts.going), description="Servers destroyed (bounded list)."
    )
    blockers: list[UserError] = strawberry.field(
        description="Reasons why the deletion would be refused (bounded list)."
    )


def previewed(
    locale: Locale, key: UUID, name: str, server_id: UUID | None, *blockers: Obstacle | None
) -> DeletionPreview:
    """Of an account or a server: its name confirms it, and the lists are of what goes with it."""
    return DeletionPreview(
        confirmation=name,
        accounts=key,  # type: ignore[arg-type]
        servers=server_id,  # type: ignore[arg-type]
        blockers=[user_error(blocker, locale) for blocker in blockers if blocker],
    )

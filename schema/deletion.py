"""ACC-5, PRO-9. What a deletion destroys, to be read beforehand; and the deletion of a profile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from engine.declare import Batch, Many, declare
from models import money as rows
from models.context import Context
from models.deletion import obstacles
from models.obstacle import Obstacle
from models.profile import Locale
from models.refusal import Code
from models.secret import unsaid
from resolvers import account as account_acts
from resolvers import deletion as acts
from resolvers import server as server_acts
from schema.directive import Cost, authorize
from schema.error import UserError, user_error
from schema.global_id import global_id
from schema.money import Money
from schema.mutation import Info, MutationPayload, mutation

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
    forfeited: Money = strawberry.field(description="Value of the time paid and lost, VAT excluded.")
    balance_lost: Money = strawberry.field(description="Balance lost.")
    blockers: list[UserError] = strawberry.field(
        description="Reasons why the deletion would be refused (bounded list)."
    )


def previewed(
    locale: Locale,
    key: UUID,
    confirmation: str,
    *blockers: Obstacle | None,
    forfeited_cents: int,
    balance_cents: int = 0,
) -> DeletionPreview:
    """Of an account, a server or a profile: its name confirms it, and the lists are of what goes with it."""
    return DeletionPreview(
        confirmation=confirmation,
        accounts=key,  # type: ignore[arg-type]
        servers=key,  # type: ignore[arg-type]
        forfeited=rows.Money(forfeited_cents),  # type: ignore[arg-type]
        balance_lost=rows.Money(balance_cents),  # type: ignore[arg-type]
        blockers=[user_error(blocker, locale) for blocker in blockers if blocker],
    )


async def of_profiles(context: Context, keys: Sequence[UUID]) -> list[DeletionPreview]:
    """PRO-9. What deleting profiles destroys; of each caller it is one."""
    lost, previews = await acts.forfeited(context, "owner_id", keys), []
    for key, cents in zip(keys, lost, strict=True):
        address, found = await acts.leaving(context, key)
        previews.append(
            previewed(
                context.locale,
                key,
                address,
                *obstacles(found),
                forfeited_cents=cents,
                balance_cents=max(0, found.balance_cents),
            )
        )
    return previews


def deletion_preview() -> Any:
    """PRO-9. Of a profile, for its owner."""
    return declare(
        Batch("id", of_profiles),
        authorize(),
        description="What deleting the profile would destroy.",
        marks=[Cost(weight=5)],
    )


@strawberry.input(description="Arguments of profileDelete.")
class ProfileDeleteInput:
    confirmation: str = strawberry.field(description="The word of DeletionPreview.confirmation.")
    current_password: str = strawberry.field(description="Present password.")
    code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Six digits, or a recovery code; required while two-factor authentication is on.",
    )

    __repr__ = unsaid


@strawberry.type(description="Result of profileDelete.")
class ProfileDeletePayload(MutationPayload):
    deleted_id: strawberry.ID | None = strawberry.field(description="Id of the deleted profile.")


@strawberry.type
class DeletionMutation:
    @mutation(
        ProfileDeletePayload,
        authorize(interactive=True),
        fails=[Code.CONFIRMATION_MISMATCH, Code.INVALID_CREDENTIALS, Code.INVALID_CODE, Code.CONFLICT],
        description="Delete the profile, its accounts, servers and history, without refund.",
        suspended=True,
    )
    async def profile_delete(self, info: Info, input: ProfileDeleteInput) -> ProfileDeletePayload | None:
        key = await acts.delete_own(
            info.context, confirmation=input.confirmation, password=input.current_password, code=input.code or None
        )
        return ProfileDeletePayload.of(deleted_id=global_id("Profile", key))

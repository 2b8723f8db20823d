"""ALE-2. Migrations: scheduled by the support team, applied by whoever holds MIGRATION, or on their day."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from engine.declare import One, declare
from models import migration as rows
from models.permission import AccountPermission, ServerPermission
from resolvers import migration as acts
from schema.directive import authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.provisioning import ServicePayload
from schema.service import SUPPORT, WHY

if TYPE_CHECKING:
    from schema.account import Account
    from schema.server import Server

described(
    rows.MigrationStatus,
    "State of a migration.",
    SCHEDULED="Waiting.",
    RUNNING="Under way.",
    APPLIED="Done.",
)
ACCOUNT, SERVER = [AccountPermission.MIGRATION], [ServerPermission.MIGRATION]


@node(
    rows.Migration,
    gate=authorize(account=ACCOUNT, server=SERVER),
    owner="owner_id",
    account="account_id",
    server="server_id",
    description="A technical migration scheduled by the provider.",
)
class Migration(Node):
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = declare(
        One("account_id"), description="Account concerned."
    )
    server: Annotated["Server", strawberry.lazy("schema.server")] | None = declare(
        One("server_id"), description="Server concerned."
    )
    status: rows.MigrationStatus = strawberry.field(description="State.")
    scheduled_for: date = strawberry.field(description="Date after which it is applied automatically.")
    summary: str = strawberry.field(description="What changes.")


@strawberry.input(description="Arguments of migrationApply.")
class MigrationApplyInput:
    migration_id: strawberry.ID = strawberry.field(description="Migration.")


@strawberry.type(description="Result of migrationApply.")
class MigrationApplyPayload(MutationPayload):
    migration: Migration | None = refetched("migration", "The migration.")


@strawberry.input(description="What is migrated: exactly one.", one_of=True)
class MigratedInput:
    account_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="An account.")
    server_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="A server.")


@strawberry.input(description="Arguments of migrationSchedule.")
class MigrationScheduleInput:
    what: MigratedInput = strawberry.field(description="What is migrated.")
    scheduled_for: date = strawberry.field(description="Day after which it is applied by itself; one to come.")
    summary: str = strawberry.field(description="What changes, as the customer is told.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.type(description="Result of migrationSchedule.")
class MigrationSchedulePayload(ServicePayload):
    migration_id: strawberry.ID | None = strawberry.field(description="The migration.")


@strawberry.input(description="Arguments of migrationCancel.")
class MigrationCancelInput:
    migration_id: strawberry.ID = strawberry.field(description="Migration.")
    why: str | None = strawberry.field(default=strawberry.UNSET, description=WHY)


@strawberry.type(description="Result of migrationCancel.")
class MigrationCancelPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


def _key(text: str) -> UUID:
    return key_of(text, "Migration", "migration_id")


@strawberry.type
class MigrationMutation:
    @mutation(
        MigrationApplyPayload,
        authorize(subject="input.migrationId", account=ACCOUNT, server=SERVER),
        description="Apply a scheduled migration now.",
    )
    async def migration_apply(self, info: Info, input: MigrationApplyInput) -> MigrationApplyPayload | None:
        key = await acts.apply(info.context, key=_key(input.migration_id))
        return MigrationApplyPayload.of(migration=key)


@strawberry.type
class MigrationStaffMutation:
    @mutation(
        MigrationSchedulePayload,
        SUPPORT,
        description="Schedule a migration of an account or a server, and tell those concerned.",
    )
    async def migration_schedule(self, info: Info, input: MigrationScheduleInput) -> MigrationSchedulePayload | None:
        account, server = input.what.account_id, input.what.server_id
        key = await acts.schedule_for(
            info.context.db,
            info.context.figures,
            context=info.context,
            account_id=key_of(account, "Account", "what", "account_id") if isinstance(account, str) else None,
            server_id=key_of(server, "Server", "what", "server_id") if isinstance(server, str) else None,
            summary=input.summary,
            on=input.scheduled_for,
        )
        return MigrationSchedulePayload.of(migration_id=global_id("Migration", key))

    @mutation(MigrationCancelPayload, SUPPORT, description="Give a migration up that is not under way.")
    async def migration_cancel(self, info: Info, input: MigrationCancelInput) -> MigrationCancelPayload | None:
        await acts.cancel(info.context, key=_key(input.migration_id))
        return MigrationCancelPayload.of(changed=True)

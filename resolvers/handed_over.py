"""ACC-8. What goes along with an account or a server that is handed over, besides what is paid for it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Table, or_
from sqlmodel import select as select_rows

from models.alert import Alert, AlertKind, open_alert
from models.column import table
from models.db import Write
from models.domain import Domain
from models.migration import Migration, MigrationStatus
from resolvers.provisioning import close_alerts

ALERTS, DOMAINS, MIGRATIONS = table(Alert), table(Domain), table(Migration)


async def move_along(write: Write, account_ids: Sequence[UUID], server_id: UUID | None, owner_id: UUID) -> None:
    """ALE-1, ALE-2. What is told of it is told to the recipient from now on: its domains, and a migration to come."""
    concerned, of_it = (_of(rows, account_ids, server_id) for rows in (ALERTS, MIGRATIONS))
    await close_alerts(write, concerned)
    for domain in await write.lock(select_rows(Domain).where(DOMAINS.c.account_id.in_(account_ids))):
        domain.owner_id, domain.look_at = owner_id, write.now
    waiting = select_rows(Migration).where(of_it, MIGRATIONS.c.status != MigrationStatus.APPLIED)
    for migration in await write.lock(waiting):
        migration.owner_id = owner_id
        told = migration.summary
        write.add(open_alert(write.record, owner_id, AlertKind.MIGRATION_SCHEDULED, text=told, about=migration.about))
    await write.flush()


def _of(rows: Table, account_ids: Sequence[UUID], server_id: UUID | None) -> ColumnElement[bool]:
    of_accounts: ColumnElement[bool] = rows.c.account_id.in_(account_ids)
    return of_accounts if server_id is None else or_(of_accounts, rows.c.server_id == server_id)

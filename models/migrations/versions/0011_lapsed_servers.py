"""servers that lapse, and tasks that need no answer any more"""

from alembic import op

revision = "0011"
down_revision = "0010"

STATUS = "server", "ck_server_server_status", "status", ("ACTIVE", "DELETING")
STATE = "provisioning_task", "ck_provisioning_task_provisioning_state", "state", ("PENDING", "DONE", "FAILED")


def hold(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let a column hold these values and no others."""
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(op.f(name), type_="check")
        batch_op.create_check_constraint(op.f(name), f"{column} IN ({listed})")


def upgrade() -> None:
    for (table, name, column, values), added in ((STATUS, "SUSPENDED"), (STATE, "SUPERSEDED")):
        hold(table, name, column, (*values, added))


def downgrade() -> None:
    op.execute("UPDATE server SET status = 'ACTIVE' WHERE status = 'SUSPENDED'")
    op.execute("UPDATE provisioning_task SET state = 'FAILED' WHERE state = 'SUPERSEDED'")
    hold(*STATUS)
    hold(*STATE)

"""alerts about cards, domains and migrations, and whom each concerns"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KINDS = "INACTIVITY", "NEGATIVE_BALANCE", "TERMS_VIOLATION"
MORE_KINDS = "DOMAIN_EXPIRY", "DOMAIN_RENEWAL_FUNDS", "CARD_EXPIRY", "MIGRATION_SCHEDULED"
OPERATIONS = "CREATE", "RENAME", "SUSPEND", "RESUME", "DELETE", "MOVE"
STATES = "SCHEDULED", "RUNNING", "APPLIED"
NOW = sa.text("status = 'OPEN'")
INSTANT = sa.DateTime(timezone=True)


def hold(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let a column hold these values and no others."""
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(op.f(name), type_="check")
        batch_op.create_check_constraint(op.f(name), f"{column} IN ({listed})")


def upgrade() -> None:
    alerts()
    hold("alert", "ck_alert_alert_kind", "kind", (*KINDS, *MORE_KINDS))
    hold("provisioning_task", "ck_provisioning_task_provisioning_operation", "operation", (*OPERATIONS, "MIGRATE"))
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("migration_id", sa.Uuid(), nullable=True))
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.add_column(sa.Column("look_at", INSTANT, nullable=True))
        batch_op.create_index("ix_payment_method_look", ["look_at", "id"], unique=False)
    # The clock looks at every card once, and plans from there.
    op.execute("UPDATE payment_method SET look_at = created_at WHERE state = 'STORED' AND expires_on IS NOT NULL")
    domains()
    migrations()


def alerts() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index("uq_alert_open")
        batch_op.add_column(sa.Column("concerned", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("about_type", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("about_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("cause_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("account_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("server_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("label", sa.String(length=260), nullable=True))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
    op.execute("UPDATE alert SET about_type = 'Profile', about_id = owner_id, cause_id = owner_id, concerned = 0")
    # 2 is the bit of BILLING, as it is stored in grants.
    op.execute("UPDATE alert SET concerned = 2 WHERE NOT reserved")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_column("reserved")
        batch_op.alter_column("concerned", existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column("about_type", existing_type=sa.String(length=40), nullable=False)
        batch_op.alter_column("about_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("cause_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.create_foreign_key(
            op.f("fk_alert_account_id_account"), "account", ["account_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(
            op.f("fk_alert_server_id_server"), "server", ["server_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_index(
            "uq_alert_open",
            ["owner_id", "kind", "cause_id"],
            unique=True,
            sqlite_where=NOW,
            postgresql_where=NOW,
        )
        batch_op.create_index("ix_alert_account", ["account_id", "opened_at", "id"], unique=False)
        batch_op.create_index("ix_alert_server", ["server_id"], unique=False)


def owned(*names: str, ondelete: str = "CASCADE") -> list[sa.ForeignKeyConstraint]:
    """The keys of a table's owner, account and server."""
    refers = {"owner_id": "profile", "account_id": "account", "server_id": "server"}
    table, *columns = names
    return [
        sa.ForeignKeyConstraint(
            [column],
            [f"{refers[column]}.id"],
            name=op.f(f"fk_{table}_{column}_{refers[column]}"),
            ondelete=ondelete,
        )
        for column in columns
    ]


def domains() -> None:
    op.create_table(
        "domain",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=True),
        sa.Column("funds_at", INSTANT, nullable=True),
        sa.Column("look_at", INSTANT, nullable=True),
        *owned("domain", "owner_id", "account_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain")),
    )
    with op.batch_alter_table("domain", schema=None) as batch_op:
        batch_op.create_index("ix_domain_owner", ["owner_id", "expires_on", "id"], unique=False)
        batch_op.create_index("uq_domain_account_name", ["account_id", "name"], unique=True)
        batch_op.create_index("ix_domain_look", ["look_at", "id"], unique=False)


def migrations() -> None:
    op.create_table(
        "migration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*STATES, name="migration_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("scheduled_for", sa.Date(), nullable=False),
        sa.Column("summary", sa.String(length=2000), nullable=False),
        sa.Column("retry_at", INSTANT, nullable=True),
        *owned("migration", "owner_id", "account_id", "server_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration")),
    )
    with op.batch_alter_table("migration", schema=None) as batch_op:
        for column in ("account_id", "server_id"):
            open_one = sa.text(f"{column} IS NOT NULL AND status <> 'APPLIED'")
            stem = column.removesuffix("_id")
            batch_op.create_index(
                f"uq_migration_{stem}", [column], unique=True, sqlite_where=open_one, postgresql_where=open_one
            )
            batch_op.create_index(f"ix_migration_{stem}", [column], unique=False)
        batch_op.create_index("ix_migration_owner", ["owner_id"], unique=False)
        batch_op.create_index("ix_migration_retry", ["retry_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("migration")
    op.drop_table("domain")
    op.execute("DELETE FROM provisioning_task WHERE operation = 'MIGRATE'")
    alert = sa.table("alert", sa.column("kind"))
    op.execute(sa.delete(alert).where(alert.c.kind.in_(MORE_KINDS)))
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_method_look")
        batch_op.drop_column("look_at")
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.drop_column("migration_id")
        batch_op.alter_column("account_id", existing_type=sa.Uuid(), nullable=False)
    hold("provisioning_task", "ck_provisioning_task_provisioning_operation", "operation", OPERATIONS)
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index("ix_alert_server")
        batch_op.drop_index("ix_alert_account")
        batch_op.drop_index("uq_alert_open")
        batch_op.drop_constraint(op.f("fk_alert_server_id_server"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_alert_account_id_account"), type_="foreignkey")
        batch_op.add_column(sa.Column("reserved", sa.Boolean(), nullable=True))
    op.execute("UPDATE alert SET reserved = (concerned = 0)")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.alter_column("reserved", existing_type=sa.Boolean(), nullable=False)
        for column in (
            *("due_on", "label", "server_id", "account_id", "cause_id", "about_id", "about_type", "concerned"),
        ):
            batch_op.drop_column(column)
        batch_op.create_index(
            "uq_alert_open", ["owner_id", "kind"], unique=True, sqlite_where=NOW, postgresql_where=NOW
        )
    hold("alert", "ck_alert_alert_kind", "kind", KINDS)

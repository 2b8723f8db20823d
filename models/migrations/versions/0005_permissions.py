"""permissions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "provisioning_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "operation",
            sa.Enum(
                "CREATE",
                "RENAME",
                "SUSPEND",
                "RESUME",
                "DELETE",
                "MOVE",
                name="provisioning_operation",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String(length=63).with_variant(sa.String(length=63, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "new_name",
            sa.String(length=63).with_variant(sa.String(length=63, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("sealed_password", sa.String(length=400), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "PENDING",
                "DONE",
                "FAILED",
                name="provisioning_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_task")),
    )
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.create_index("ix_provisioning_task_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_provisioning_task_handed", ["state", "handed_at", "id"], unique=False)

    op.create_table(
        "service_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("networks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_credential")),
        sa.UniqueConstraint("name", name=op.f("uq_service_credential_name")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_service_credential_secret_hash")),
    )
    op.create_table(
        "permission_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("grantee_id", sa.Uuid(), nullable=False),
        sa.Column("overall", sa.BigInteger(), nullable=False),
        sa.Column("requires_two_factor", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grantee_id"], ["profile.id"], name=op.f("fk_permission_grant_grantee_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_permission_grant_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_grant")),
        sa.UniqueConstraint("owner_id", "grantee_id", name=op.f("uq_permission_grant_owner_id_grantee_id")),
    )
    with op.batch_alter_table("permission_grant", schema=None) as batch_op:
        batch_op.create_index("ix_permission_grant_grantee", ["grantee_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_permission_grant_owner", ["owner_id", "created_at", "id"], unique=False)

    op.create_table(
        "server",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "name", sa.String(length=63).with_variant(sa.String(length=63, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "status",
            sa.Enum("ACTIVE", "DELETING", name="server_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cpu", sa.String(length=100), nullable=False),
        sa.Column("disks", sa.String(length=100), nullable=False),
        sa.Column("memory_megabytes", sa.Integer(), nullable=False),
        sa.Column("traffic_gigabytes", sa.Integer(), nullable=False),
        sa.Column("options", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.id"], name=op.f("fk_server_owner_id_profile")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server")),
        sa.UniqueConstraint("name", name=op.f("uq_server_name")),
    )
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.create_index("ix_server_owner", ["owner_id", "name", "id"], unique=False)

    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "name", sa.String(length=63).with_variant(sa.String(length=63, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "CREATING",
                "ACTIVE",
                "SUSPENDED",
                "RENAMING",
                "DELETING",
                name="account_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.id"], name=op.f("fk_account_owner_id_profile")),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_account_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index("ix_account_owner_created", ["owner_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_account_owner_name", ["owner_id", "name", "id"], unique=False)
        batch_op.create_index("ix_account_server", ["server_id", "name", "id"], unique=False)

    op.create_table(
        "server_grant",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("permissions", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["permission_grant.id"],
            name=op.f("fk_server_grant_grant_id_permission_grant"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_server_grant_server_id_server"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grant_id", "server_id", name=op.f("pk_server_grant")),
    )
    with op.batch_alter_table("server_grant", schema=None) as batch_op:
        batch_op.create_index("ix_server_grant_server", ["server_id", "grant_id"], unique=False)

    op.create_table(
        "account_grant",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("permissions", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_grant_account_id_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["permission_grant.id"],
            name=op.f("fk_account_grant_grant_id_permission_grant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("grant_id", "account_id", name=op.f("pk_account_grant")),
    )
    with op.batch_alter_table("account_grant", schema=None) as batch_op:
        batch_op.create_index("ix_account_grant_account", ["account_id", "grant_id"], unique=False)

    op.create_table(
        "account_name",
        sa.Column(
            "name", sa.String(length=63).with_variant(sa.String(length=63, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_name_account_id_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account_name")),
    )
    with op.batch_alter_table("account_name", schema=None) as batch_op:
        batch_op.create_index("ix_account_name_account", ["account_id"], unique=False)

    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("only_account_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_api_token_only_account_id_account"),
            "account",
            ["only_account_id"],
            ["id"],
            ondelete="CASCADE",
        )

    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("suspension_reason", sa.String(length=40), nullable=True))
        batch_op.create_check_constraint(
            "suspension_reason",
            "suspension_reason IN ('INACTIVITY', 'UNPAID_BALANCE', 'ILLICIT_CONTENT', 'TERMS_VIOLATION')",
        )
        batch_op.alter_column("password_hash", existing_type=sa.VARCHAR(length=200), nullable=True)

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_link_link_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_link_link_kind"), "kind IN ('EMAIL_VERIFICATION', 'PASSWORD_RESET', 'EMAIL_CHANGE', 'INVITATION')"
        )

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_delivery_delivery_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_delivery_delivery_kind"), "kind IN ('MAIL', 'PROVISIONING')")


def downgrade() -> None:
    op.execute("DELETE FROM delivery WHERE kind = 'PROVISIONING'")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_delivery_delivery_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_delivery_delivery_kind"), "kind IN ('MAIL')")

    op.execute("DELETE FROM link WHERE kind = 'INVITATION'")
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_link_link_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_link_link_kind"), "kind IN ('EMAIL_VERIFICATION', 'PASSWORD_RESET', 'EMAIL_CHANGE')"
        )

    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.alter_column("password_hash", existing_type=sa.VARCHAR(length=200), nullable=False)
        batch_op.drop_constraint("suspension_reason", type_="check")
        batch_op.drop_column("suspension_reason")
        batch_op.drop_column("suspended_at")
        batch_op.drop_column("invited_at")

    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_api_token_only_account_id_account"), type_="foreignkey")
        batch_op.drop_column("only_account_id")

    with op.batch_alter_table("account_name", schema=None) as batch_op:
        batch_op.drop_index("ix_account_name_account")

    op.drop_table("account_name")
    with op.batch_alter_table("account_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_account_grant_account")

    op.drop_table("account_grant")
    with op.batch_alter_table("server_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_server_grant_server")

    op.drop_table("server_grant")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index("ix_account_server")
        batch_op.drop_index("ix_account_owner_name")
        batch_op.drop_index("ix_account_owner_created")

    op.drop_table("account")
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.drop_index("ix_server_owner")

    op.drop_table("server")
    with op.batch_alter_table("permission_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_permission_grant_owner")
        batch_op.drop_index("ix_permission_grant_grantee")

    op.drop_table("permission_grant")
    op.drop_table("service_credential")
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.drop_index("ix_provisioning_task_handed")
        batch_op.drop_index("ix_provisioning_task_account")

    op.drop_table("provisioning_task")

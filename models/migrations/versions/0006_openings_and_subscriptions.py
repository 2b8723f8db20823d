"""openings and subscriptions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "kept_intent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(length=80), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("results", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profile.id"], name=op.f("fk_kept_intent_profile_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_intent")),
        sa.UniqueConstraint("profile_id", "key", name=op.f("uq_kept_intent_profile_id_key")),
    )
    with op.batch_alter_table("kept_intent", schema=None) as batch_op:
        batch_op.create_index("ix_kept_intent_kept", ["kept_at"], unique=False)

    op.create_table(
        "subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "MONTHLY", "YEARLY", name="subscription_period", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ACTIVE",
                "SUSPENDED",
                "ENDED",
                name="subscription_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_subscription_account_id_account"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.id"], name=op.f("fk_subscription_owner_id_profile")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_subscription_plan_id_plan")),
        sa.ForeignKeyConstraint(["price_id"], ["plan_price.id"], name=op.f("fk_subscription_price_id_plan_price")),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_subscription_server_id_server"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index("ix_subscription_owner", ["owner_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_subscription_server", ["server_id"], unique=False)
        batch_op.create_index(
            "uq_subscription_running_account",
            ["account_id"],
            unique=True,
            sqlite_where=sa.text("status <> 'ENDED'"),
            postgresql_where=sa.text("status <> 'ENDED'"),
        )

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("plan_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_account_plan_id_plan"), "plan", ["plan_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_account_plan_id_plan"), type_="foreignkey")
        batch_op.drop_column("plan_id")

    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_subscription_running_account",
            sqlite_where=sa.text("status <> 'ENDED'"),
            postgresql_where=sa.text("status <> 'ENDED'"),
        )
        batch_op.drop_index("ix_subscription_server")
        batch_op.drop_index("ix_subscription_owner")

    op.drop_table("subscription")
    with op.batch_alter_table("kept_intent", schema=None) as batch_op:
        batch_op.drop_index("ix_kept_intent_kept")

    op.drop_table("kept_intent")

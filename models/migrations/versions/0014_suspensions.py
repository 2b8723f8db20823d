"""alerts, suspensions, and what a profile bears of them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

REASONS = "INACTIVITY", "UNPAID_BALANCE", "ILLICIT_CONTENT", "TERMS_VIOLATION"
KINDS = "INACTIVITY", "NEGATIVE_BALANCE", "TERMS_VIOLATION"
STATES = "OPEN", "RESOLVED", "EXPIRED"
OPEN, NOW = sa.text("lifted_at IS NULL"), sa.text("status = 'OPEN'")


def upgrade() -> None:
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deletion_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("suspension_alert_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("last_signed_in_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("inactive_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_profile_inactive", ["inactive_at", "id"], unique=False)
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reader_id", sa.Uuid(), nullable=True))
    suspensions()
    alerts()


def suspensions() -> None:
    op.create_table(
        "suspension",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(*REASONS, name="suspension_cause", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("text", sa.String(length=2000), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deletion_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("told", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_suspension_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
    )
    with op.batch_alter_table("suspension", schema=None) as batch_op:
        batch_op.create_index("ix_suspension_owner", ["owner_id", "id"], unique=False)
        batch_op.create_index("ix_suspension_next", ["next_at", "id"], unique=False)
        batch_op.create_index(
            "uq_suspension_open", ["owner_id", "reason"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
        )


def alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="alert_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(*STATES, name="alert_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reserved", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_alert_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_owner", ["owner_id", "opened_at", "id"], unique=False)
        batch_op.create_index("ix_alert_next", ["next_at", "id"], unique=False)
        batch_op.create_index(
            "uq_alert_open", ["owner_id", "kind"], unique=True, sqlite_where=NOW, postgresql_where=NOW
        )


def downgrade() -> None:
    op.drop_table("alert")
    op.drop_table("suspension")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("reader_id")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_index("ix_profile_inactive")
        batch_op.drop_column("inactive_at")
        batch_op.drop_column("last_signed_in_at")
        batch_op.drop_column("suspension_alert_id")
        batch_op.drop_column("deletion_at")

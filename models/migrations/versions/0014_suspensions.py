"""suspensions, and what a profile bears of them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

REASONS = "INACTIVITY", "UNPAID_BALANCE", "ILLICIT_CONTENT", "TERMS_VIOLATION"
OPEN = sa.text("lifted_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deletion_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("suspension_alert_id", sa.Uuid(), nullable=True))
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


def downgrade() -> None:
    op.drop_table("suspension")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_column("suspension_alert_id")
        batch_op.drop_column("deletion_at")

"""deleted profiles, and the erasure of their history"""

import sqlalchemy as sa
from alembic import op

from models.migrations.trigger import allow_changes, let_erase, let_nothing_more, refuse_changes

revision = "0015"
down_revision = "0014"

LEFT, COMING = sa.text("erased_at IS NULL"), sa.text("deletion_at IS NOT NULL")
STAYING = "id", "kind", "occurred_at", "recorded_at", "owner_id", "subject_type", "subject_id", "actor_id", "channel"


def upgrade() -> None:
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_profile_deletion",
            ["deletion_at", "id"],
            unique=False,
            sqlite_where=COMING,
            postgresql_where=COMING,
        )
    op.create_table(
        "erasure",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.create_index("ix_erasure_left", ["owner_id"], unique=False, sqlite_where=LEFT, postgresql_where=LEFT)
    allow_changes("activity_event")
    let_erase("activity_event", *STAYING)


def downgrade() -> None:
    let_nothing_more("activity_event")
    refuse_changes("activity_event")
    op.drop_table("erasure")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_index("ix_profile_deletion", sqlite_where=COMING, postgresql_where=COMING)
        batch_op.drop_column("deleted_at")

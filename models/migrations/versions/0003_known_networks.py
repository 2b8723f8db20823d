"""known networks"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "reset_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_request")),
    )
    op.create_table(
        "known_network",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profile.id"], name=op.f("fk_known_network_profile_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("profile_id", "network", name=op.f("pk_known_network")),
    )
    with op.batch_alter_table("known_network", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_network_seen_at"), ["seen_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("known_network", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_network_seen_at"))

    op.drop_table("known_network")
    op.drop_table("reset_request")

"""interventions on servers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

STATES = "SCHEDULED", "DONE", "CANCELLED", "CANCELLED_CHARGED"
PLANNED = sa.text("status = 'SCHEDULED'")


def upgrade() -> None:
    op.create_table(
        "intervention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("codes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("lines", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*STATES, name="intervention_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.id"], name=op.f("fk_intervention_owner_id_profile")),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_intervention_server_id_server"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention")),
    )
    with op.batch_alter_table("intervention", schema=None) as batch_op:
        batch_op.create_index("ix_intervention_server", ["server_id", "scheduled_for", "id"], unique=False)
        batch_op.create_index("ix_intervention_owner", ["owner_id", "status"], unique=False)
        batch_op.create_index(
            "uq_intervention_slot",
            ["server_id", "scheduled_for"],
            unique=True,
            sqlite_where=PLANNED,
            postgresql_where=PLANNED,
        )


def downgrade() -> None:
    op.drop_table("intervention")

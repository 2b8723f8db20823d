"""vat"""

import sqlalchemy as sa
from alembic import op

from models.migrations.trigger import allow_changes, refuse_changes

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "vat_consultation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("vat_number", sa.String(length=40), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("consultation_number", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=500), nullable=True),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_consultation")),
    )
    with op.batch_alter_table("vat_consultation", schema=None) as batch_op:
        batch_op.create_index("ix_vat_consultation_owner", ["owner_id", "checked_at", "id"], unique=False)

    op.create_table(
        "vat_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("territory", sa.String(length=20), nullable=False),
        sa.Column(
            "audience",
            sa.Enum("BUSINESS", "CONSUMER", name="vat_audience", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "treatment",
            sa.Enum(
                "STANDARD",
                "ONE_STOP_SHOP",
                "REVERSE_CHARGE",
                "EXEMPT",
                "EXPORT",
                name="vat_treatment",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("mention_en", sa.String(), nullable=True),
        sa.Column("mention_fr", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_rate")),
        sa.UniqueConstraint(
            "territory", "audience", "valid_from", name=op.f("uq_vat_rate_territory_audience_valid_from")
        ),
    )
    refuse_changes("vat_consultation")
    refuse_changes("vat_rate")


def downgrade() -> None:
    allow_changes("vat_rate")
    allow_changes("vat_consultation")
    op.drop_table("vat_rate")
    with op.batch_alter_table("vat_consultation", schema=None) as batch_op:
        batch_op.drop_index("ix_vat_consultation_owner")

    op.drop_table("vat_consultation")

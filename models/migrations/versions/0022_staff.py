"""people of the staff"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0015"

ROLES = "SUPPORT", "BILLING", "ABUSE", "ADMIN"


def role() -> sa.Enum:
    return sa.Enum(*ROLES, name="staff_role_name", native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "staff_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("role", role(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profile.id"], name=op.f("fk_staff_role_profile_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_role")),
        sa.UniqueConstraint("profile_id", "role", name="uq_staff_role_profile_id_role"),
    )


def downgrade() -> None:
    op.drop_table("staff_role")

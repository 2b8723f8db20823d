"""people of the staff, approvals by a second one, and requests for help with lost access"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0020"

ROLES = "SUPPORT", "BILLING", "ABUSE", "ADMIN"
DANGEROUS = "EMAIL_CHANGE", "TWO_FACTOR_OFF", "IP_ALLOWLIST_CLEAR"
UNSEEN = sa.text("looked_up_at IS NULL")


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "staff_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("role", one_of("staff_role_name", *ROLES), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profile.id"], name=op.f("fk_staff_role_profile_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_role")),
        sa.UniqueConstraint("profile_id", "role", name="uq_staff_role_profile_id_role"),
    )
    op.create_index("ix_profile_organization_name", "profile", ["organization_name"], unique=False)
    op.create_index("ix_profile_last_name", "profile", ["last_name"], unique=False)
    approvals()
    recoveries()


def approvals() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("what", one_of("approval_what", *DANGEROUS), nullable=False),
        sa.Column("role", one_of("approval_role", *ROLES), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("arguments", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("status", one_of("approval_status", "PENDING", "GRANTED", "REFUSED"), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        instant("asked_at", nullable=False),
        instant("expires_at", nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        instant("decided_at"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_approval_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index("ix_approval_status", ["status", "expires_at", "id"], unique=False)
        batch_op.create_index("ix_approval_subject", ["subject_id"], unique=False)
        batch_op.create_index("ix_approval_owner", ["owner_id"], unique=False)


def recoveries() -> None:
    op.create_table(
        "access_recovery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("lost", one_of("access_recovery_lost", "EMAIL", "TWO_FACTOR", "IP_ALLOWLIST"), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=False),
        instant("asked_at", nullable=False),
        instant("looked_up_at"),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("status", one_of("access_recovery_status", "OPEN", "DONE", "CLOSED"), nullable=False),
        instant("called_at"),
        instant("documents_at"),
        sa.Column("code_key", sa.Uuid(), nullable=True),
        instant("code_expires_at"),
        sa.Column("code_guesses", sa.Integer(), nullable=False),
        instant("code_at"),
        instant("closed_at"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_access_recovery_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_recovery")),
    )
    with op.batch_alter_table("access_recovery", schema=None) as batch_op:
        batch_op.create_index("ix_access_recovery_status", ["status", "asked_at", "id"], unique=False)
        batch_op.create_index("ix_access_recovery_owner", ["owner_id"], unique=False)
        batch_op.create_index("ix_access_recovery_asked", ["asked_at"], unique=False)
        batch_op.create_index(
            "ix_access_recovery_unseen", ["id"], unique=False, sqlite_where=UNSEEN, postgresql_where=UNSEEN
        )


def downgrade() -> None:
    op.drop_table("access_recovery")
    op.drop_table("approval")
    op.drop_index("ix_profile_last_name", table_name="profile")
    op.drop_index("ix_profile_organization_name", table_name="profile")
    op.drop_table("staff_role")

"""catalogue and contracts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.trigger import allow_changes, refuse_changes

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "contract_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("in_force_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_sign_up", sa.Boolean(), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("title_fr", sa.String(length=200), nullable=False),
        sa.Column("text_en", sa.String(), nullable=False),
        sa.Column("text_fr", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_version")),
        sa.UniqueConstraint("document", "in_force_from", name=op.f("uq_contract_version_document_in_force_from")),
        sa.UniqueConstraint("document", "version", name=op.f("uq_contract_version_document_version")),
    )
    op.create_table(
        "fee_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "fee",
            sa.Enum(
                "URGENT_TICKET",
                "INTERVENTIONS_DEDICATED",
                "INTERVENTIONS_GOLD",
                name="fee",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_price")),
        sa.UniqueConstraint("fee", "valid_from", name=op.f("uq_fee_price_fee_valid_from")),
    )
    op.create_table(
        "intervention_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_fr", sa.String(length=80), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention_rate")),
        sa.UniqueConstraint("code", name=op.f("uq_intervention_rate_code")),
    )
    op.create_table(
        "reserved_name",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reserved_name")),
    )
    op.create_table(
        "server_option",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_fr", sa.String(length=80), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_option")),
        sa.UniqueConstraint("code", name=op.f("uq_server_option_code")),
    )
    op.create_table(
        "service_level",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("response_minutes", sa.Integer(), nullable=False),
        sa.Column("repair_minutes", sa.Integer(), nullable=False),
        sa.Column("availability_hundredths", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_level")),
        sa.UniqueConstraint("code", name=op.f("uq_service_level_code")),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_contract_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["contract_version.id"], name=op.f("fk_contract_version_id_contract_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("owner_id", "version_id", name=op.f("uq_contract_owner_id_version_id")),
    )
    op.create_table(
        "contract_acceptance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["contract_version.id"], name=op.f("fk_contract_acceptance_version_id_contract_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_acceptance")),
        sa.UniqueConstraint("owner_id", "version_id", name=op.f("uq_contract_acceptance_owner_id_version_id")),
    )
    op.create_table(
        "intervention_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("intervention_rate_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PUBLIC_CLOUD",
                "DEDICATED",
                "GOLD",
                name="intervention_price_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["intervention_rate_id"],
            ["intervention_rate.id"],
            name=op.f("fk_intervention_price_intervention_rate_id_intervention_rate"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention_price")),
        sa.UniqueConstraint(
            "intervention_rate_id",
            "kind",
            "valid_from",
            name=op.f("uq_intervention_price_intervention_rate_id_kind_valid_from"),
        ),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PUBLIC_CLOUD",
                "DEDICATED",
                "GOLD",
                name="plan_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("service_level_id", sa.Uuid(), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("name_fr", sa.String(length=80), nullable=False),
        sa.Column("disk_gigabytes", sa.Integer(), nullable=False),
        sa.Column("memory_megabytes", sa.Integer(), nullable=False),
        sa.Column("cpu_thousandths", sa.Integer(), nullable=False),
        sa.Column("backup_days", sa.Integer(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("urgent_tickets", sa.Boolean(), nullable=False),
        sa.Column("committed_months", sa.Integer(), nullable=False),
        sa.Column("uncommitted_surcharge_percent", sa.Integer(), nullable=False),
        sa.Column("restrictions_en", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("restrictions_fr", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_level_id"], ["service_level.id"], name=op.f("fk_plan_service_level_id_service_level")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", name=op.f("uq_plan_code")),
    )
    op.create_table(
        "server_option_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("server_option_id", sa.Uuid(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "MONTHLY",
                "YEARLY",
                name="server_option_price_period",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["server_option_id"],
            ["server_option.id"],
            name=op.f("fk_server_option_price_server_option_id_server_option"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_option_price")),
        sa.UniqueConstraint(
            "server_option_id",
            "period",
            "valid_from",
            name=op.f("uq_server_option_price_server_option_id_period_valid_from"),
        ),
    )
    op.create_table(
        "plan_price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "MONTHLY", "YEARLY", name="plan_price_period", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_price_plan_id_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_price")),
        sa.UniqueConstraint("plan_id", "period", "valid_from", name=op.f("uq_plan_price_plan_id_period_valid_from")),
    )
    refuse_changes("contract_version")
    refuse_changes("fee_price")
    refuse_changes("contract_acceptance")
    refuse_changes("intervention_price")
    refuse_changes("server_option_price")
    refuse_changes("plan_price")


def downgrade() -> None:
    allow_changes("plan_price")
    allow_changes("server_option_price")
    allow_changes("intervention_price")
    allow_changes("contract_acceptance")
    allow_changes("fee_price")
    allow_changes("contract_version")
    op.drop_table("plan_price")
    op.drop_table("server_option_price")
    op.drop_table("plan")
    op.drop_table("intervention_price")
    op.drop_table("contract_acceptance")
    op.drop_table("contract")
    op.drop_table("service_level")
    op.drop_table("server_option")
    op.drop_table("reserved_name")
    op.drop_table("intervention_rate")
    op.drop_table("fee_price")
    op.drop_table("contract_version")

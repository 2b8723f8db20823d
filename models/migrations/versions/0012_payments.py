"""payments"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "quarantined_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "REQUIRES_ACTION",
                "PROCESSING",
                "SUCCEEDED",
                "FAILED",
                "CANCELLED",
                "REVERSED",
                name="provider_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("problem", sa.String(length=20), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_notice")),
        sa.UniqueConstraint(
            "provider",
            "payment_id",
            "reference",
            "state",
            "amount_cents",
            "currency",
            name=op.f("uq_quarantined_notice_told"),
        ),
    )
    op.create_table(
        "sandbox_charge",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("card", sa.String(length=80), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunds", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sandbox_charge")),
    )
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "CARD",
                "PAYPAL",
                "SEPA_DEBIT",
                "BANK_TRANSFER",
                name="payment_method_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("token", sa.String(length=200), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "PENDING",
                "STORED",
                "REFUSED",
                "REMOVED",
                name="method_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "brand",
            sa.Enum("VISA", "MASTERCARD", name="card_brand", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("last4", sa.String(length=4), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("auto_debit", sa.Boolean(), nullable=False),
        sa.Column("redirect_url", sa.String(length=400), nullable=True),
        sa.Column("client_secret", sa.String(length=200), nullable=True),
        sa.Column("action_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "INSUFFICIENT_FUNDS",
                "EXPIRED_CARD",
                "AUTHENTICATION_FAILED",
                "MANDATE_INVALID",
                "DECLINED",
                "PROVIDER_ERROR",
                name="method_decline_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_payment_method_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_method")),
    )
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payment_method_forgotten",
            ["removed_at"],
            unique=False,
            sqlite_where=sa.text("removed_at IS NOT NULL AND token IS NOT NULL"),
            postgresql_where=sa.text("removed_at IS NOT NULL AND token IS NOT NULL"),
        )
        batch_op.create_index("ix_payment_method_owner", ["owner_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "uq_payment_method_default",
            ["owner_id"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "currency",
            sa.Enum("EUR", name="payment_currency", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "CARD",
                "PAYPAL",
                "SEPA_DEBIT",
                "BANK_TRANSFER",
                name="payment_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("method_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.String(length=40), nullable=True),
        sa.Column("token", sa.String(length=200), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "REQUIRES_ACTION",
                "PROCESSING",
                "SUCCEEDED",
                "FAILED",
                "CANCELLED",
                "REVERSED",
                name="payment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "INSUFFICIENT_FUNDS",
                "EXPIRED_CARD",
                "AUTHENTICATION_FAILED",
                "MANDATE_INVALID",
                "DECLINED",
                "PROVIDER_ERROR",
                name="decline_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("redirect_url", sa.String(length=400), nullable=True),
        sa.Column("client_secret", sa.String(length=200), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("reversed_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(status IN ('SUCCEEDED', 'REVERSED')) = (entry_id IS NOT NULL)", name=op.f("ck_payment_booked")
        ),
        sa.CheckConstraint(
            "amount_cents > 0 AND reversed_cents BETWEEN 0 AND amount_cents", name=op.f("ck_payment_amounts")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_payment_entry_id_journal_entry")),
        sa.ForeignKeyConstraint(
            ["method_id"], ["payment_method.id"], name=op.f("fk_payment_method_id_payment_method"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payment_ask",
            ["ask_at", "id"],
            unique=False,
            sqlite_where=sa.text("ask_at IS NOT NULL"),
            postgresql_where=sa.text("ask_at IS NOT NULL"),
        )
        batch_op.create_index("ix_payment_entry", ["entry_id"], unique=False)
        batch_op.create_index("ix_payment_owner", ["owner_id", "created_at", "id"], unique=False)

    op.create_table(
        "payment_invoice",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_invoice_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_invoice_payment_id_payment")),
        sa.PrimaryKeyConstraint("payment_id", "invoice_id", name=op.f("pk_payment_invoice")),
    )
    with op.batch_alter_table("payment_invoice", schema=None) as batch_op:
        batch_op.create_index("ix_payment_invoice_invoice", ["invoice_id", "payment_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("payment_invoice", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_invoice_invoice")

    op.drop_table("payment_invoice")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_owner")
        batch_op.drop_index("ix_payment_entry")
        batch_op.drop_index(
            "ix_payment_ask", sqlite_where=sa.text("ask_at IS NOT NULL"), postgresql_where=sa.text("ask_at IS NOT NULL")
        )

    op.drop_table("payment")
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_payment_method_default", sqlite_where=sa.text("is_default"), postgresql_where=sa.text("is_default")
        )
        batch_op.drop_index("ix_payment_method_owner")
        batch_op.drop_index(
            "ix_payment_method_forgotten",
            sqlite_where=sa.text("removed_at IS NOT NULL AND token IS NOT NULL"),
            postgresql_where=sa.text("removed_at IS NOT NULL AND token IS NOT NULL"),
        )

    op.drop_table("payment_method")
    op.drop_table("sandbox_charge")
    op.drop_table("quarantined_notice")

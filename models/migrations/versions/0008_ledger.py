"""ledger"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.trigger import allow_changes, keep_columns, let_columns, refuse_changes

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "document_series",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("last_issued_on", sa.Date(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document_series")),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "INVOICE", "CREDIT_NOTE", name="document_kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("series", sa.String(length=24), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column(
            "number",
            sa.String(length=35).with_variant(sa.String(length=35, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("seller", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("buyer", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("treatment", sa.String(length=40), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("left_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vat_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["corrects_id"], ["invoice.id"], name=op.f("fk_invoice_corrects_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("owner_id", "position", name=op.f("uq_invoice_owner_id_position")),
        sa.UniqueConstraint("series", "sequence", name=op.f("uq_invoice_series_sequence")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_corrects", ["corrects_id"], unique=False)
        batch_op.create_index("ix_invoice_due", ["owner_id", "due_on", "id"], unique=False)
        batch_op.create_index("ix_invoice_issued", ["owner_id", "issued_on", "id"], unique=False)
        batch_op.create_index(
            "ix_invoice_open",
            ["owner_id", "position"],
            unique=False,
            sqlite_where=sa.text("left_cents > 0"),
            postgresql_where=sa.text("left_cents > 0"),
        )
        batch_op.create_index(
            "ix_invoice_overdue",
            ["overdue_at", "id"],
            unique=False,
            sqlite_where=sa.text("left_cents > 0"),
            postgresql_where=sa.text("left_cents > 0"),
        )
        batch_op.create_index(
            "ix_invoice_vat_check",
            ["vat_check_at", "id"],
            unique=False,
            sqlite_where=sa.text("vat_check_at IS NOT NULL"),
            postgresql_where=sa.text("vat_check_at IS NOT NULL"),
        )

    op.create_table(
        "journal_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PAYMENT",
                "INVOICE",
                "CREDIT_NOTE",
                "PRORATA_REFUND",
                "COMMISSION",
                "PAYMENT_REVERSAL",
                "ADJUSTMENT",
                "SETTLEMENT",
                "COMMISSION_PENDING",
                name="entry_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_after_cents", sa.BigInteger(), nullable=True),
        sa.Column("non_refundable_after_cents", sa.BigInteger(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_type", sa.String(length=40), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint(
            "(owner_id IS NULL) = (position = 0) AND (owner_id IS NULL) = (balance_after_cents IS NULL)"
            " AND (owner_id IS NULL) = (non_refundable_after_cents IS NULL)",
            name=op.f("ck_journal_entry_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("owner_id", "position", name=op.f("uq_journal_entry_owner_id_position")),
    )
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.create_index("ix_journal_entry_owner", ["owner_id", "position", "id"], unique=False)
        batch_op.create_index("ix_journal_entry_recorded", ["recorded_at", "id"], unique=False)
        batch_op.create_index("ix_journal_entry_source", ["source_type", "source_id"], unique=False)

    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("debit_id", sa.Uuid(), nullable=True),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(invoice_id IS NULL) <> (debit_id IS NULL)", name=op.f("ck_allocation_one_debt")),
        sa.ForeignKeyConstraint(["debit_id"], ["journal_entry.id"], name=op.f("fk_allocation_debit_id_journal_entry")),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_allocation_entry_id_journal_entry")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_allocation_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index("ix_allocation_debit", ["debit_id"], unique=False)
        batch_op.create_index("ix_allocation_entry", ["entry_id"], unique=False)
        batch_op.create_index("ix_allocation_invoice", ["invoice_id"], unique=False)
        batch_op.create_index("ix_allocation_owner", ["owner_id", "position", "id"], unique=False)

    op.create_table(
        "credit",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("left_cents", sa.BigInteger(), nullable=False),
        sa.Column("non_refundable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_credit_entry_id_journal_entry")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_credit")),
    )
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.create_index(
            "ix_credit_open",
            ["owner_id", "position"],
            unique=False,
            sqlite_where=sa.text("left_cents <> 0"),
            postgresql_where=sa.text("left_cents <> 0"),
        )

    op.create_table(
        "invoice_tax",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(length=20), nullable=False),
        sa.Column("base_cents", sa.BigInteger(), nullable=False),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("mention_en", sa.String(length=400), nullable=True),
        sa.Column("mention_fr", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_tax_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_tax")),
    )
    op.create_table(
        "journal_line",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "CUSTOMERS",
                "REVENUE_HOSTING",
                "REVENUE_SERVER",
                "REVENUE_OPTION",
                "REVENUE_INTERVENTION",
                "REVENUE_SUPPORT",
                "VAT",
                "PAYMENT_CLEARING",
                "BANK",
                "COMMISSIONS_PENDING",
                "COMMISSIONS_DUE",
                "WRITE_OFF",
                "ADJUSTMENTS",
                name="ledger_account",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=True),
        sa.Column("territory", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_journal_line_entry_id_journal_entry")
        ),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("pk_journal_line")),
    )
    with op.batch_alter_table("journal_line", schema=None) as batch_op:
        batch_op.create_index("ix_journal_line_account", ["account", "entry_id"], unique=False)

    op.create_table(
        "ledger_seal",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_ledger_seal_entry_id_journal_entry")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_seal_entry_id")),
    )
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "HOSTING",
                "SERVER",
                "OPTION",
                "INTERVENTION",
                "SUPPORT",
                name="revenue_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("label_fr", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_cents", sa.BigInteger(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("explanation", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "INVOICED",
                "DROPPED",
                name="charge_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("invoice_line_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.id"], name=op.f("fk_charge_owner_id_profile")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_charge_subscription_id_subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge")),
    )
    with op.batch_alter_table("charge", schema=None) as batch_op:
        batch_op.create_index(
            "ix_charge_due",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'PENDING'"),
            postgresql_where=sa.text("status = 'PENDING'"),
        )
        batch_op.create_index(
            "ix_charge_pending",
            ["owner_id", "ordered_at", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'PENDING'"),
            postgresql_where=sa.text("status = 'PENDING'"),
        )
        batch_op.create_index("ix_charge_subscription", ["subscription_id"], unique=False)

    op.create_table(
        "invoice_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "HOSTING",
                "SERVER",
                "OPTION",
                "INTERVENTION",
                "SUPPORT",
                name="revenue_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("label_fr", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_cents", sa.BigInteger(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(length=20), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("explanation", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("corrects_line_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_invoice_line_charge_id_charge")),
        sa.ForeignKeyConstraint(
            ["corrects_line_id"], ["invoice_line.id"], name=op.f("fk_invoice_line_corrects_line_id_invoice_line")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("invoice_id", "position", name=op.f("uq_invoice_line_invoice_id_position")),
    )
    with op.batch_alter_table("invoice_line", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_line_charge", ["charge_id"], unique=False)
        batch_op.create_index("ix_invoice_line_corrects", ["corrects_line_id"], unique=False)

    refuse_changes("journal_entry")
    refuse_changes("allocation")
    refuse_changes("invoice_tax")
    refuse_changes("journal_line")
    refuse_changes("ledger_seal")
    refuse_changes("invoice_line")
    keep_columns(
        "invoice",
        "id",
        "owner_id",
        "kind",
        "series",
        "sequence",
        "number",
        "position",
        "issued_on",
        "issued_at",
        "due_on",
        "overdue_at",
        "corrects_id",
        "seller",
        "buyer",
        "net_cents",
        "tax_cents",
        "gross_cents",
        "treatment",
        "previous_hash",
        "hash",
    )


def downgrade() -> None:
    let_columns("invoice")
    allow_changes("invoice_line")
    allow_changes("ledger_seal")
    allow_changes("journal_line")
    allow_changes("invoice_tax")
    allow_changes("allocation")
    allow_changes("journal_entry")
    with op.batch_alter_table("invoice_line", schema=None) as batch_op:
        batch_op.drop_index("ix_invoice_line_corrects")
        batch_op.drop_index("ix_invoice_line_charge")

    op.drop_table("invoice_line")
    with op.batch_alter_table("charge", schema=None) as batch_op:
        batch_op.drop_index("ix_charge_subscription")
        batch_op.drop_index(
            "ix_charge_pending",
            sqlite_where=sa.text("status = 'PENDING'"),
            postgresql_where=sa.text("status = 'PENDING'"),
        )
        batch_op.drop_index(
            "ix_charge_due", sqlite_where=sa.text("status = 'PENDING'"), postgresql_where=sa.text("status = 'PENDING'")
        )

    op.drop_table("charge")
    op.drop_table("ledger_seal")
    with op.batch_alter_table("journal_line", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_line_account")

    op.drop_table("journal_line")
    op.drop_table("invoice_tax")
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_credit_open", sqlite_where=sa.text("left_cents <> 0"), postgresql_where=sa.text("left_cents <> 0")
        )

    op.drop_table("credit")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_index("ix_allocation_owner")
        batch_op.drop_index("ix_allocation_invoice")
        batch_op.drop_index("ix_allocation_entry")
        batch_op.drop_index("ix_allocation_debit")

    op.drop_table("allocation")
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_entry_source")
        batch_op.drop_index("ix_journal_entry_recorded")
        batch_op.drop_index("ix_journal_entry_owner")

    op.drop_table("journal_entry")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_invoice_vat_check",
            sqlite_where=sa.text("vat_check_at IS NOT NULL"),
            postgresql_where=sa.text("vat_check_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_invoice_overdue", sqlite_where=sa.text("left_cents > 0"), postgresql_where=sa.text("left_cents > 0")
        )
        batch_op.drop_index(
            "ix_invoice_open", sqlite_where=sa.text("left_cents > 0"), postgresql_where=sa.text("left_cents > 0")
        )
        batch_op.drop_index("ix_invoice_issued")
        batch_op.drop_index("ix_invoice_due")
        batch_op.drop_index("ix_invoice_corrects")

    op.drop_table("invoice")
    op.drop_table("document_series")

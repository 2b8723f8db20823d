"""bank transfers, receipts, customer numbers, and days that stand still"""

from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.trigger import allow_changes, refuse_changes

revision = "0016"
down_revision = "0015"

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
UNMATCHED, ENDS = sa.text("payment_id IS NULL"), sa.text("ends_at IS NOT NULL")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
PROFILES = sa.table("profile", sa.column("id", sa.Uuid()), sa.column("customer_number", sa.String()))
METHODS = sa.table(
    "payment_method",
    sa.column("id", sa.Uuid()),
    sa.column("state", sa.String()),
    sa.column("expires_on", sa.Date()),
    sa.column("ends_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    customer_numbers()
    standstills()
    transfers()
    receipts()


def customer_numbers() -> None:
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("customer_number", sa.String(length=11), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(PROFILES.c.id)).all():
        mine = sa.update(PROFILES).where(PROFILES.c.id == row.id)
        connection.execute(mine.values(customer_number=number_of(row.id)))
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.create_unique_constraint(op.f("uq_profile_customer_number"), ["customer_number"])


def number_of(key: Any) -> str:
    """As the code made them on the day of this migration."""
    bits = int.from_bytes(sha256(key.bytes).digest()[:5])
    letters = "".join(LETTERS[bits >> 5 * place & 31] for place in reversed(range(8)))
    return f"C{letters}{98 - bits * 100 % 97:02d}"


def standstills() -> None:
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("stops", JSON, nullable=False, server_default=sa.text("'[]'")))
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.alter_column("stops", existing_type=JSON, server_default=None)
    with op.batch_alter_table("suspension", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("collection", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waits_for", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_collection_waits_for_payment"), "payment", ["waits_for"], ["id"])
        batch_op.create_index("ix_collection_waits", ["waits_for"], unique=False)
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_payment_method_ends", ["ends_at", "id"], unique=False, sqlite_where=ENDS, postgresql_where=ENDS
        )
    connection = op.get_bind()
    for row in connection.execute(sa.select(METHODS).where(METHODS.c.state == "STORED")).all():
        over = datetime.combine(row.expires_on + timedelta(days=1), time(), UTC)
        connection.execute(sa.update(METHODS).where(METHODS.c.id == row.id).values(ends_at=over))


def transfers() -> None:
    op.create_table(
        "bank_transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_reference", sa.String(length=140), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("quoted", sa.String(length=1000), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_bank_transfer_amount")),
        sa.CheckConstraint("(owner_id IS NULL) = (payment_id IS NULL)", name=op.f("ck_bank_transfer_matched")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_transfer_payment_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_transfer")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_bank_transfer_bank_reference")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_bank_transfer_payment_id")),
    )
    with op.batch_alter_table("bank_transfer", schema=None) as batch_op:
        batch_op.create_index("ix_bank_transfer_owner", ["owner_id", "id"], unique=False)
        batch_op.create_index(
            "ix_bank_transfer_unmatched",
            ["recorded_at", "id"],
            unique=False,
            sqlite_where=UNMATCHED,
            postgresql_where=UNMATCHED,
        )
    op.create_table(
        "bank_transfer_candidate",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_bank_transfer_candidate_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["bank_transfer.id"],
            name=op.f("fk_bank_transfer_candidate_transfer_id_bank_transfer"),
        ),
        sa.PrimaryKeyConstraint("transfer_id", "owner_id", name=op.f("pk_bank_transfer_candidate")),
    )
    with op.batch_alter_table("bank_transfer_candidate", schema=None) as batch_op:
        batch_op.create_index("ix_bank_transfer_candidate_owner", ["owner_id", "transfer_id"], unique=False)


def receipts() -> None:
    """Payments of before have none: in which series they would be depends on settings, which migrations do not read."""
    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.String(length=24), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column(
            "number",
            sa.String(length=35).with_variant(sa.String(length=35, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "currency",
            sa.Enum("EUR", name="receipt_currency", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_receipt_entry_id_journal_entry")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_receipt_payment_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_receipt_entry_id")),
        sa.UniqueConstraint("number", name=op.f("uq_receipt_number")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_receipt_payment_id")),
        sa.UniqueConstraint("series", "sequence", name=op.f("uq_receipt_series_sequence")),
    )
    refuse_changes("receipt")


def downgrade() -> None:
    allow_changes("receipt")
    op.drop_table("receipt")
    op.drop_table("bank_transfer_candidate")
    op.drop_table("bank_transfer")
    with op.batch_alter_table("payment_method", schema=None) as batch_op:
        batch_op.drop_index("ix_payment_method_ends", sqlite_where=ENDS, postgresql_where=ENDS)
        batch_op.drop_column("ends_at")
    with op.batch_alter_table("collection", schema=None) as batch_op:
        batch_op.drop_index("ix_collection_waits")
        batch_op.drop_constraint(op.f("fk_collection_waits_for_payment"), type_="foreignkey")
        batch_op.drop_column("waits_for")
    with op.batch_alter_table("suspension", schema=None) as batch_op:
        batch_op.drop_column("stopped_at")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_column("stops")
        batch_op.drop_column("stopped_at")
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_profile_customer_number"), type_="unique")
        batch_op.drop_column("customer_number")

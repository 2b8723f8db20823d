"""tickets, their files, notes and fees"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
    )
    op.create_table(
        "ticket_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_counter")),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ANNOUNCED",
                "RECEIVING",
                "RECEIVED",
                "REFUSED",
                name="upload_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_upload_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.create_index("ix_upload_expiry", ["expires_at", "id"], unique=False)
        batch_op.create_index("ix_upload_owner", ["owner_id", "id"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "TECHNICAL",
                "BILLING",
                "SALES",
                "PROGRAM",
                "ABUSE",
                name="ticket_category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum("NORMAL", "URGENT", name="ticket_priority", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "WAITING_SUPPORT",
                "WAITING_CUSTOMER",
                "CLOSED",
                name="ticket_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("opened_by_id", sa.Uuid(), nullable=True),
        sa.Column("agent", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ticket_account_id_account"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["profile.id"], name=op.f("fk_ticket_opened_by_id_profile"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_ticket_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_ticket_server_id_server"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_opened_by_id"), ["opened_by_id"], unique=False)
        batch_op.create_index("ix_ticket_owner_created", ["owner_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_ticket_owner_updated", ["owner_id", "updated_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_server_id"), ["server_id"], unique=False)
        batch_op.create_index("ix_ticket_status_updated", ["status", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_ticket_updated", ["updated_at", "id"], unique=False)

    op.create_table(
        "ticket_desk",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("assignee", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["ticket.id"], name=op.f("fk_ticket_desk_id_ticket"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_desk")),
    )
    op.create_table(
        "ticket_message",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "TECHNICAL",
                "BILLING",
                "SALES",
                "PROGRAM",
                "ABUSE",
                name="ticket_message_category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("agent", sa.String(length=60), nullable=True),
        sa.Column("body", sa.String(length=20000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ticket_message_account_id_account"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["profile.id"], name=op.f("fk_ticket_message_author_id_profile"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_ticket_message_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_ticket_message_server_id_server"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_message_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_message")),
        sa.UniqueConstraint("ticket_id", "position", name=op.f("uq_ticket_message_ticket_id_position")),
    )
    with op.batch_alter_table("ticket_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_message_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_message_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_message_server_id"), ["server_id"], unique=False)
        batch_op.create_index("ix_ticket_message_ticket", ["ticket_id", "position", "id"], unique=False)

    op.create_table(
        "ticket_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("agent", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=5000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_note_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_note")),
    )
    with op.batch_alter_table("ticket_note", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_note_ticket", ["ticket_id", "id"], unique=False)

    op.create_table(
        "ticket_reading",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["profile.id"], name=op.f("fk_ticket_reading_reader_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_reading_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "reader_id", name=op.f("pk_ticket_reading")),
    )
    with op.batch_alter_table("ticket_reading", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_reading_reader_id"), ["reader_id"], unique=False)

    op.create_table(
        "ticket_word",
        sa.Column(
            "word", sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_word_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("word", "ticket_id", name=op.f("pk_ticket_word")),
    )
    with op.batch_alter_table("ticket_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_word_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "TECHNICAL",
                "BILLING",
                "SALES",
                "PROGRAM",
                "ABUSE",
                name="attachment_category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("uploader_id", sa.Uuid(), nullable=True),
        sa.Column("stored_as", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_attachment_account_id_account"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["ticket_message.id"],
            name=op.f("fk_attachment_message_id_ticket_message"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_attachment_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_attachment_server_id_server"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["uploader_id"], ["profile.id"], name=op.f("fk_attachment_uploader_id_profile"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("message_id", "position", name=op.f("uq_attachment_message_id_position")),
        sa.UniqueConstraint("stored_as", name=op.f("uq_attachment_stored_as")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachment_server_id"), ["server_id"], unique=False)
        batch_op.create_index("ix_attachment_uploader", ["uploader_id", "byte_size"], unique=False)

    op.create_table(
        "urgent_fee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "WAIVED",
                "CHARGED",
                name="urgent_fee_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("label_fr", sa.String(length=200), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("explanation", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("consent", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_from", sa.String(length=45), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreed_by_id"], ["profile.id"], name=op.f("fk_urgent_fee_agreed_by_id_profile"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_urgent_fee_charge_id_charge")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.id"], name=op.f("fk_urgent_fee_owner_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_urgent_fee_server_id_server"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_urgent_fee_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_urgent_fee")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_urgent_fee_ticket_id")),
    )
    with op.batch_alter_table("urgent_fee", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_urgent_fee_agreed_by_id"), ["agreed_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_urgent_fee_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_urgent_fee_server_id"), ["server_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("urgent_fee", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_urgent_fee_server_id"))
        batch_op.drop_index(batch_op.f("ix_urgent_fee_owner_id"))
        batch_op.drop_index(batch_op.f("ix_urgent_fee_agreed_by_id"))

    op.drop_table("urgent_fee")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index("ix_attachment_uploader")
        batch_op.drop_index(batch_op.f("ix_attachment_server_id"))
        batch_op.drop_index(batch_op.f("ix_attachment_account_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("ticket_word", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_word_ticket_id"))

    op.drop_table("ticket_word")
    with op.batch_alter_table("ticket_reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_reading_reader_id"))

    op.drop_table("ticket_reading")
    with op.batch_alter_table("ticket_note", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_note_ticket")

    op.drop_table("ticket_note")
    with op.batch_alter_table("ticket_message", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_message_ticket")
        batch_op.drop_index(batch_op.f("ix_ticket_message_server_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_message_author_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_message_account_id"))

    op.drop_table("ticket_message")
    op.drop_table("ticket_desk")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_updated")
        batch_op.drop_index("ix_ticket_status_updated")
        batch_op.drop_index(batch_op.f("ix_ticket_server_id"))
        batch_op.drop_index("ix_ticket_owner_updated")
        batch_op.drop_index("ix_ticket_owner_created")
        batch_op.drop_index(batch_op.f("ix_ticket_opened_by_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_account_id"))

    op.drop_table("ticket")
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_index("ix_upload_owner")
        batch_op.drop_index("ix_upload_expiry")

    op.drop_table("upload")
    op.drop_table("ticket_counter")
    op.drop_table("stored_file")

"""transfers, and subscriptions that go on with the periods of another"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

MODES = "BILL_AT_ACCEPTANCE", "KEEP_END_DATE"
STATES = "PENDING", "ACCEPTED", "DECLINED", "CANCELLED", "EXPIRED"
PENDING = sa.text("status = 'PENDING'")
NO_GAP = "a period begins where the one before ended"
APART = "subscriptions of one account do not overlap"
LAST = "(SELECT MAX(ends_before) FROM subscription_period WHERE subscription_id = NEW.subscription_id)"


def follows(first: str) -> str:
    begins = f"(SELECT {first.format(of='s')} FROM subscription s WHERE s.id = NEW.subscription_id)"  # noqa: S608
    return f"NEW.starts_on <> COALESCE({LAST}, {begins})"


def overlaps(first: str) -> str:
    return (
        "NEW.account_id IS NOT NULL AND EXISTS (SELECT 1 FROM subscription s"  # noqa: S608
        " WHERE s.account_id = NEW.account_id"
        f" AND s.id <> NEW.id AND {first.format(of='s')} < COALESCE(NEW.ended_on, '9999-12-31')"
        f" AND COALESCE(s.ended_on, '9999-12-31') > {first.format(of='NEW')})"
    )


BEFORE, NOW = "{of}.anchor", "COALESCE({of}.begun_on, {of}.anchor)"
"""The first day of a subscription."""


def told_apart(first: str) -> None:
    """Have the triggers of subscriptions and their periods take this for their first day."""
    if op.get_context().dialect.name == "postgresql":
        for name, wrong, message in (
            ("subscription_period_follows", follows(first), NO_GAP),
            ("subscription_apart", overlaps(first), APART),
        ):
            op.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF {wrong} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
                " END IF; RETURN NEW; END $$"
            )
        return
    for name, event, wrong, message in (
        ("subscription_period_follows", "INSERT ON subscription_period", follows(first), NO_GAP),
        ("subscription_apart_at_first", "INSERT ON subscription", overlaps(first), APART),
        (
            "subscription_apart",
            "UPDATE OF account_id, anchor, ended_on ON subscription",
            overlaps(first),
            APART,
        ),
    ):
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} WHEN {wrong} BEGIN SELECT RAISE(ABORT, '{message}'); END")


def upgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("transfer_id", sa.Uuid(), nullable=True))
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.add_column(sa.Column("transfer_id", sa.Uuid(), nullable=True))
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.add_column(sa.Column("begun_on", sa.Date(), nullable=True))
    told_apart(NOW)
    transfers()


def transfers() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("server_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(*MODES, name="transfer_mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(*STATES, name="transfer_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refund_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status <> 'PENDING' OR (account_id IS NULL) <> (server_id IS NULL)", name=op.f("ck_transfer_one_thing")
        ),
        sa.CheckConstraint("status <> 'PENDING' OR sender_id <> recipient_id", name=op.f("ck_transfer_two_parties")),
        sa.CheckConstraint("(status = 'PENDING') = (closed_at IS NULL)", name=op.f("ck_transfer_closed")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_transfer_account_id_account"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["profile.id"], name=op.f("fk_transfer_recipient_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["profile.id"], name=op.f("fk_transfer_sender_id_profile"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_transfer_server_id_server"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
    )
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.create_index("ix_transfer_sender", ["sender_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_transfer_recipient", ["recipient_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_transfer_account", ["account_id"], unique=False)
        batch_op.create_index("ix_transfer_server", ["server_id"], unique=False)
        batch_op.create_index(
            "ix_transfer_pending",
            ["expires_at", "id"],
            unique=False,
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        )


def downgrade() -> None:
    op.drop_table("transfer")
    if op.get_context().dialect.name == "sqlite":  # They name what is dropped, and go with a table that is rebuilt.
        for name in ("subscription_period_follows", "subscription_apart_at_first", "subscription_apart"):
            op.execute(f"DROP TRIGGER {name}")
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_column("begun_on")
    told_apart(BEFORE)
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.drop_column("transfer_id")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("transfer_id")

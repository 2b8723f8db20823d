"""subscription periods"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.trigger import allow_changes, refuse_changes

revision = "0009"
down_revision = "0008"

LAST = "(SELECT MAX(ends_before) FROM subscription_period WHERE subscription_id = NEW.subscription_id)"
FIRST = "(SELECT anchor FROM subscription WHERE id = NEW.subscription_id)"
FOLLOWS = f"NEW.starts_on <> COALESCE({LAST}, {FIRST})"
OVERLAPS = (
    "NEW.account_id IS NOT NULL AND EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = NEW.account_id"
    " AND s.id <> NEW.id AND s.anchor < COALESCE(NEW.ended_on, '9999-12-31')"
    " AND COALESCE(s.ended_on, '9999-12-31') > NEW.anchor)"
)
NO_GAP = "a period begins where the one before ended"
APART = "subscriptions of one account do not overlap"
SQLITE = (
    f"CREATE TRIGGER subscription_period_follows BEFORE INSERT ON subscription_period WHEN {FOLLOWS}"
    f" BEGIN SELECT RAISE(ABORT, '{NO_GAP}'); END",
    f"CREATE TRIGGER subscription_apart_at_first BEFORE INSERT ON subscription WHEN {OVERLAPS}"
    f" BEGIN SELECT RAISE(ABORT, '{APART}'); END",
    f"CREATE TRIGGER subscription_apart BEFORE UPDATE OF account_id, anchor, ended_on ON subscription WHEN {OVERLAPS}"
    f" BEGIN SELECT RAISE(ABORT, '{APART}'); END",
)
SQLITE_UNDO = tuple(
    f"DROP TRIGGER {name}"
    for name in ("subscription_period_follows", "subscription_apart_at_first", "subscription_apart")
)
FUNCTION = """CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {wrong} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
    RETURN NEW; END $$"""
POSTGRESQL = (
    FUNCTION.format(name="subscription_period_follows", wrong=FOLLOWS, message=NO_GAP),
    "CREATE TRIGGER subscription_period_follows BEFORE INSERT ON subscription_period"
    " FOR EACH ROW EXECUTE FUNCTION subscription_period_follows()",
    FUNCTION.format(name="subscription_apart", wrong=OVERLAPS, message=APART),
    "CREATE TRIGGER subscription_apart BEFORE INSERT OR UPDATE OF account_id, anchor, ended_on ON subscription"
    " FOR EACH ROW EXECUTE FUNCTION subscription_apart()",
)
POSTGRESQL_UNDO = (
    "DROP FUNCTION subscription_period_follows() CASCADE",
    "DROP FUNCTION subscription_apart() CASCADE",
)
KNOWN = {
    "sqlite": (
        "UPDATE subscription SET ended_on = period_end WHERE status = 'ENDED'",
        "UPDATE subscription SET renews_at = period_end || ' 00:00:00.000000' WHERE status <> 'ENDED'",
        "INSERT INTO subscription_period (id, subscription_id, starts_on, ends_before, price_id, list_cents, net_cents)"
        " SELECT lower(hex(randomblob(16))), id, anchor, period_end, price_id, price_cents, price_cents"
        " FROM subscription",
    ),
    "postgresql": (
        "UPDATE subscription SET ended_on = period_end WHERE status = 'ENDED'",
        "UPDATE subscription SET renews_at = period_end::timestamp AT TIME ZONE 'UTC' WHERE status <> 'ENDED'",
        "INSERT INTO subscription_period (id, subscription_id, starts_on, ends_before, price_id, list_cents, net_cents)"
        " SELECT gen_random_uuid(), id, anchor, period_end, price_id, price_cents, price_cents FROM subscription",
    ),
}
"""What ran before periods had rows goes on: renewed on the day that it was to be, and covered until then."""


def execute(statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.execute(statement)


def upgrade() -> None:
    op.create_table(
        "subscription_period",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_before", sa.Date(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=True),
        sa.Column("list_cents", sa.BigInteger(), nullable=False),
        sa.Column("net_cents", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("starts_on < ends_before", name=op.f("ck_subscription_period_days")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_subscription_period_charge_id_charge")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_period_subscription_id_subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_period")),
        sa.UniqueConstraint(
            "subscription_id", "starts_on", name=op.f("uq_subscription_period_subscription_id_starts_on")
        ),
    )
    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("invoicing_day", sa.Integer(), nullable=True))

    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.add_column(sa.Column("option_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("quantity", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("option_price_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("renews_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("noticed_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("committed_until", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "discounts",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default=sa.text("'[]'"),
            )
        )
        batch_op.add_column(sa.Column("ended_on", sa.Date(), nullable=True))
        batch_op.alter_column("plan_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.alter_column("price_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.create_index("ix_subscription_account", ["account_id"], unique=False)
        batch_op.create_index("ix_subscription_notice", ["notice_at", "id"], unique=False)
        batch_op.create_index("ix_subscription_renewal", ["renews_at", "id"], unique=False)
        batch_op.create_index(
            "uq_subscription_running_server",
            ["server_id"],
            unique=True,
            sqlite_where=sa.text("status <> 'ENDED' AND option_id IS NULL"),
            postgresql_where=sa.text("status <> 'ENDED' AND option_id IS NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_subscription_option_price_id_server_option_price"),
            "server_option_price",
            ["option_price_id"],
            ["id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_subscription_option_id_server_option"), "server_option", ["option_id"], ["id"]
        )

    dialect = op.get_context().dialect.name
    execute(KNOWN[dialect])
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.alter_column("quantity", existing_type=sa.Integer(), server_default=None)
        batch_op.alter_column("discounts", existing_type=sa.JSON(), server_default=None)
        batch_op.create_check_constraint("one_thing", "(plan_id IS NULL) <> (option_id IS NULL)")
        batch_op.create_check_constraint("ended", "(status = 'ENDED') = (ended_on IS NOT NULL)")
    refuse_changes("subscription_period")
    execute(POSTGRESQL if dialect == "postgresql" else SQLITE)


def downgrade() -> None:
    execute(POSTGRESQL_UNDO if op.get_context().dialect.name == "postgresql" else SQLITE_UNDO)
    allow_changes("subscription_period")
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_constraint("ended", type_="check")
        batch_op.drop_constraint("one_thing", type_="check")
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_subscription_option_id_server_option"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_subscription_option_price_id_server_option_price"), type_="foreignkey")
        batch_op.drop_index(
            "uq_subscription_running_server",
            sqlite_where=sa.text("status <> 'ENDED' AND option_id IS NULL"),
            postgresql_where=sa.text("status <> 'ENDED' AND option_id IS NULL"),
        )
        batch_op.drop_index("ix_subscription_renewal")
        batch_op.drop_index("ix_subscription_notice")
        batch_op.drop_index("ix_subscription_account")
        batch_op.alter_column("price_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("plan_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_column("ended_on")
        batch_op.drop_column("discounts")
        batch_op.drop_column("committed_until")
        batch_op.drop_column("noticed_on")
        batch_op.drop_column("notice_at")
        batch_op.drop_column("renews_at")
        batch_op.drop_column("option_price_id")
        batch_op.drop_column("quantity")
        batch_op.drop_column("option_id")

    with op.batch_alter_table("profile", schema=None) as batch_op:
        batch_op.drop_column("invoicing_day")

    op.drop_table("subscription_period")

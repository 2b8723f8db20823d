"""plan of servers"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SUBSCRIBED = (
    "UPDATE server SET plan_id = (SELECT s.plan_id FROM subscription s"
    " WHERE s.server_id = server.id AND s.plan_id IS NOT NULL"
    " ORDER BY CASE s.status WHEN 'ENDED' THEN 1 ELSE 0 END, s.anchor DESC, s.id DESC LIMIT 1)"
)
"""What runs for it, else what ran last."""
OTHERS = (
    "UPDATE server SET plan_id = (SELECT p.id FROM plan p WHERE p.kind <> 'PUBLIC_CLOUD'"
    " ORDER BY CASE p.kind WHEN 'DEDICATED' THEN 0 ELSE 1 END, p.position, p.code LIMIT 1) WHERE plan_id IS NULL"
)
"""The first dedicated one; a catalogue without plans for servers has none to give, and the column refuses that."""


def upgrade() -> None:
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.add_column(sa.Column("plan_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_server_plan_id_plan"), "plan", ["plan_id"], ["id"])
    op.execute(SUBSCRIBED)
    op.execute(OTHERS)
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.alter_column("plan_id", existing_type=sa.Uuid(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("server", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_server_plan_id_plan"), type_="foreignkey")
        batch_op.drop_column("plan_id")

"""CAT-1, CAT-3. Setting up a server for a customer: the machine, and what is paid for it from then on."""

from uuid import UUID

from sqlalchemy import bindparam, select

from models.column import table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.opening import PlanUnavailable
from models.plan import Plan
from models.server import Server
from models.server_creation import (
    OptionOffered,
    PlanOffered,
    ServerNameTaken,
    ServerSituation,
    ServerWishes,
    create_server,
)
from models.server_option import ServerOption
from resolvers.contract import pending
from resolvers.desk import acting, customer
from resolvers.opening import standing_of
from resolvers.server_subscription import ServerOrder, subscribe_server

PLANS, OPTIONS = table(Plan), table(ServerOption)
PLAN = select(PLANS.c.id, PLANS.c.kind, PLANS.c.available, PLANS.c.name_en, PLANS.c.name_fr).where(
    PLANS.c.code == bindparam("code")
)
WANTED = select(OPTIONS.c.code, OPTIONS.c.id, OPTIONS.c.available, OPTIONS.c.name_en)


async def create(context: Context, *, wishes: ServerWishes) -> UUID:
    """CAT-1. Set the server up, and begin what it costs; answers its key. Locks the profile first."""
    try:
        async with acting(context) as write:
            await customer(context, write, wishes.owner_id)
            found = await _situation(context, write, wishes)
            server = create_server(write.record, wishes, found, context.figures)
            write.add(server)
            await write.flush()
            await _subscribed(context, write, wishes, found, server)
    except Conflict:
        raise ServerNameTaken().at("name") from None
    return server.id


async def _subscribed(
    context: Context, write: Write, wishes: ServerWishes, found: ServerSituation, server: Server
) -> None:
    order = ServerOrder(
        server.id,
        server.plan_id,
        wishes.period,
        committed=wishes.committed,
        agreed_cents=wishes.agreed_cents,
        options={found.options[code].id: many for code, many in wishes.options},
    )
    try:
        await subscribe_server(context.figures, write, order)
    except PlanUnavailable as unavailable:
        raise unavailable.at("plan") from None


async def _situation(context: Context, write: Write, wishes: ServerWishes) -> ServerSituation:
    plans = await write.rows(PLAN, {"code": wishes.plan})
    options = await write.rows(WANTED) if wishes.options else ()
    return ServerSituation(
        standing=await standing_of(context, write.rows, wishes.owner_id),
        contract=await pending(write.rows, wishes.owner_id, write.now),
        plan=PlanOffered(**plans[0]._mapping) if plans else None,
        options={row.code: OptionOffered(row.id, row.available, row.name_en) for row in options},
    )

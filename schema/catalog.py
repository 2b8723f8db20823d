"""CAT-2, CAT-3. Everything sold, readable without a session."""

from typing import Any

import strawberry

from engine.declare import Batch, Computed, Many, declare
from models import intervention_rate, server_option
from models.fee import Fee
from models.plan import PlanKind
from resolvers import account_name, plan
from resolvers import intervention_rate as interventions
from resolvers import server_option as options
from schema.directive import PUBLIC, SEMANTIC_NON_NULL
from schema.money import Money
from schema.node import listed
from schema.plan import NAME, Plan, PlanPrice

CATALOG = object()
"""The source of the catalogue's fields: there is one for everybody."""


def everything(_context: Any) -> str:
    """The key of the catalogue's lists."""
    return plan.CATALOG


@listed(server_option.ServerOption, description="An option of a server.")
class ServerOption:
    code: str = strawberry.field(description='Stable code, e.g. "ssd_960".')
    name: str = declare(NAME, description="Name to show.")
    prices: list[PlanPrice] = declare(Batch("id", options.prices), description="Prices (bounded list).")
    available: bool = strawberry.field(description="Still on sale; old ones only stay on the servers that have them.")


@listed(intervention_rate.InterventionRate, description="Price of a technician's intervention on a server.")
class InterventionRate:
    code: str = strawberry.field(description='Stable code, e.g. "ram_change".')
    name: str = declare(NAME, description="Name to show.")
    dedicated: Money = declare(
        Batch("id", interventions.dedicated), description="Price on a dedicated server, VAT excluded."
    )
    gold: Money = declare(Batch("id", interventions.gold), description="Price on a gold server, VAT excluded.")


@strawberry.type(description="Everything sold, readable without a session.")
class Catalog:
    plans: list[Plan] = declare(
        Many(everything, plan.on_sale),
        arguments={"kind": (PlanKind | None, "Keep one family only.")},
        description="Plans on sale (bounded list).",
    )
    server_options: list[ServerOption] = declare(
        Many(everything, options.known), description="Options of servers, old configurations included (bounded list)."
    )
    intervention_rates: list[InterventionRate] = declare(
        Many(everything, interventions.offered), description="Server intervention rates (bounded list)."
    )
    urgent_ticket_fee: Money = declare(
        Batch(lambda _: Fee.URGENT_TICKET, interventions.fees),
        description="Price of an urgent ticket that is not covered by the service guarantee, VAT excluded.",
    )
    account_name_available: bool = declare(
        Batch(everything, account_name.available),
        arguments={"name": (str, "Wanted name.")},
        description="Whether an account name is free and well formed.",
    )


@strawberry.type
class CatalogQuery:
    catalog: Catalog | None = declare(
        Computed(lambda: CATALOG, ()), PUBLIC, marks=[SEMANTIC_NON_NULL], description="Price list and programs."
    )

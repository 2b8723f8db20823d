"""The roots: a table of contents, and how the schema is built."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from engine.bind import Bound
from engine.declare import ByGlobalId, declare
from schema.access_recovery import AccessRecoveryMutation
from schema.account import AccountMutation, AccountQuery
from schema.activity import ActivitySubscription, HiddenActor, SupportAgent, SystemActor
from schema.alert import AlertSubscription
from schema.billing import BillingSubscription
from schema.catalog import CatalogQuery
from schema.connection import name_pages
from schema.contract import ContractMutation
from schema.deletion import DeletionMutation
from schema.directive import PUBLIC, SEMANTIC_NON_NULL, Cost, complete_arguments
from schema.email import EmailMutation
from schema.error import ConflictError, GenericError, LimitError, ThrottleError
from schema.export import ExportMutation, ExportSubscription
from schema.gate import check_guards, default_guard
from schema.global_id import read_global_id
from schema.grant import GrantMutation
from schema.intervention import InterventionMutation
from schema.invoice import InvoiceQuery
from schema.invoicing_day import InvoicingDayMutation
from schema.limit import LimitQuery
from schema.migration import MigrationMutation
from schema.network import NetworkMutation
from schema.node import SOURCES, Node
from schema.opening import OpeningMutation
from schema.password import PasswordMutation
from schema.paying import PaymentMutation
from schema.payment import InsufficientBalanceError, PaymentDeclinedError, PaymentSubscription
from schema.payment_method import CardPaymentMethod, PaymentMethodMutation
from schema.plan_change import PlanChangeMutation, PlanTooSmallError
from schema.profile import ProfileMutation, ProfileQuery
from schema.quote import QuoteError
from schema.refresh import RefreshMutation
from schema.registration import RegistrationMutation
from schema.sandbox import SandboxMutation, SandboxQuery
from schema.scalar import SCALARS
from schema.server import ServerMutation, ServerQuery
from schema.session import SessionMutation, SessionQuery
from schema.subscription import SubscriptionMutation
from schema.ticket import TicketMutation, TicketQuery
from schema.ticket_live import TicketSubscription
from schema.token import TokenMutation
from schema.transfer import TransferMutation
from schema.two_factor import TwoFactorMutation
from schema.upload import UploadMutation

MOST_IDS = 100
DESCRIPTION = (
    "Customer area of a web-hosting provider: profiles, hosting accounts, servers, permissions, billing and support."
)


@strawberry.type
class NodeQuery:
    node: Node | None = declare(
        ByGlobalId(read_global_id),
        PUBLIC,
        arguments={"id": (strawberry.ID, "Global id.")},
        description="Refetch any object; null when it does not exist or the viewer may not know that it does.",
    )
    nodes: list[Node | None] | None = declare(
        ByGlobalId(read_global_id, most=MOST_IDS),
        PUBLIC,
        marks=[SEMANTIC_NON_NULL, Cost(weight=10)],
        arguments={"ids": (list[strawberry.ID], "Global ids.")},
        description="Refetch several objects (at most 100), in the order asked.",
    )


@strawberry.type(description="Entry points for reading.")
class Query(
    NodeQuery,
    ProfileQuery,
    SessionQuery,
    CatalogQuery,
    AccountQuery,
    ServerQuery,
    InvoiceQuery,
    TicketQuery,
    SandboxQuery,
    LimitQuery,
):
    """Nouns, in the order of the contract."""


@strawberry.type(description="Entry points for writing.")
class Mutation(
    SandboxMutation,
    RegistrationMutation,
    EmailMutation,
    SessionMutation,
    RefreshMutation,
    PasswordMutation,
    TwoFactorMutation,
    AccessRecoveryMutation,
    NetworkMutation,
    TokenMutation,
    ProfileMutation,
    DeletionMutation,
    ExportMutation,
    GrantMutation,
    OpeningMutation,
    AccountMutation,
    PlanChangeMutation,
    TransferMutation,
    PaymentMutation,
    PaymentMethodMutation,
    InvoicingDayMutation,
    SubscriptionMutation,
    MigrationMutation,
    ServerMutation,
    InterventionMutation,
    ContractMutation,
    UploadMutation,
    TicketMutation,
):
    """Nouns, in the order of the contract."""


@strawberry.type(
    description=(
        "Live events (graphql-transport-ws, and server-sent events). Authorization is checked at start and again for "
        "every event."
    )
)
class Subscription(
    AlertSubscription,
    PaymentSubscription,
    BillingSubscription,
    TicketSubscription,
    ExportSubscription,
    ActivitySubscription,
):
    """Nouns, in the order of the contract."""


def build() -> Bound:
    """The customers' schema, bound to its declarations. Raises UnguardedError where a requirement is missing."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            CardPaymentMethod,
            ConflictError,
            GenericError,
            InsufficientBalanceError,
            LimitError,
            PaymentDeclinedError,
            PlanTooSmallError,
            QuoteError,
            ThrottleError,
            HiddenActor,
            SupportAgent,
            SystemActor,
        ],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    name_pages(schema)
    complete_arguments(schema)
    schema._schema.description = DESCRIPTION
    check_guards(schema)
    return Bound(schema, SOURCES, default_guard)

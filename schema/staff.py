"""The staff schema: what is served at `/staff/graphql` alone. For other services, and for the staff's people."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from engine.bind import Bound
from schema.access import AccessQuery
from schema.access_recovery_desk import AccessRecoveryDeskMutation, AccessRecoveryDeskQuery
from schema.account_move import AccountMoveMutation, AccountMoveQuery
from schema.alert import AlertMutation
from schema.approval import ApprovalMutation, ApprovalQuery
from schema.bank_transfer import BankTransferMutation, BankTransferQuery
from schema.customer import CustomerMutation, CustomerQuery
from schema.domain import DomainMutation
from schema.error import GenericError, LimitError
from schema.gate import check_guards, default_guard
from schema.intervention import InterventionSupport
from schema.migration import MigrationStaffMutation
from schema.node import SOURCES
from schema.plan_change import PlanTooSmallError
from schema.provisioning import ProvisioningMutation
from schema.quarantine import QuarantineQuery
from schema.scalar import SCALARS
from schema.server_creation import ServerCreationMutation
from schema.suspension import SuspensionMutation
from schema.ticket_desk import TicketDeskMutation, TicketDeskQuery
from schema.ticket_desk_live import TicketDeskSubscription

DESCRIPTION = "What the provider's other services ask and report, and what its staff does for customers."


@strawberry.type(name="Query", description="Entry points for reading.")
class StaffQuery(
    AccessQuery,
    QuarantineQuery,
    BankTransferQuery,
    TicketDeskQuery,
    CustomerQuery,
    ApprovalQuery,
    AccountMoveQuery,
    AccessRecoveryDeskQuery,
):
    """Nouns of the staff schema."""


@strawberry.type(name="Mutation", description="Entry points for writing.")
class StaffMutation(
    ProvisioningMutation,
    SuspensionMutation,
    AlertMutation,
    DomainMutation,
    MigrationStaffMutation,
    BankTransferMutation,
    TicketDeskMutation,
    InterventionSupport,
    ServerCreationMutation,
    AccountMoveMutation,
    CustomerMutation,
    ApprovalMutation,
    AccessRecoveryDeskMutation,
):
    """Nouns of the staff schema."""


@strawberry.type(name="Subscription", description="Live events; who asks is looked at again for every event.")
class StaffSubscription(TicketDeskSubscription):
    """Nouns of the staff schema."""


def build() -> Bound:
    """The staff schema, bound to its declarations. Raises UnguardedError where a requirement is missing."""
    schema = strawberry.Schema(
        query=StaffQuery,
        mutation=StaffMutation,
        subscription=StaffSubscription,
        types=[GenericError, LimitError, PlanTooSmallError],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema._schema.description = DESCRIPTION
    check_guards(schema)
    return Bound(schema, SOURCES, default_guard)

"""Every module with tables, for what needs them all: migrations. A test compares this with the folder."""

from sqlmodel import SQLModel

from models import (
    account,
    account_name,
    activity,
    attempt,
    challenge,
    contract,
    delivery,
    fee,
    grant,
    held_name,
    idempotency,
    intervention,
    known_network,
    link,
    mail,
    plan,
    profile,
    provisioning,
    recovery_code,
    refresh,
    reset_request,
    sandbox,
    server,
    server_option,
    service,
    service_level,
    session,
    subscription,
    token,
    two_factor,
)

MODULES = (
    account,
    account_name,
    activity,
    attempt,
    challenge,
    contract,
    delivery,
    grant,
    held_name,
    idempotency,
    fee,
    intervention,
    known_network,
    link,
    mail,
    plan,
    profile,
    provisioning,
    recovery_code,
    refresh,
    reset_request,
    sandbox,
    server,
    service,
    server_option,
    service_level,
    session,
    subscription,
    token,
    two_factor,
)
APPEND_ONLY = frozenset(
    {
        "activity_event",
        "contract_acceptance",
        "contract_version",
        "fee_price",
        "intervention_price",
        "plan_price",
        "server_option_price",
    }
)
"""Tables whose rows are never changed or deleted: the database itself refuses it."""

metadata = SQLModel.metadata

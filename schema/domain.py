"""ALE-2. domainReport: what those who run domains tell of them, for alerts about their end and their renewal."""

from datetime import date

import strawberry

from models.domain import DomainState
from models.money import InvalidAmount, cents_of
from resolvers import domain as acts
from schema.enumeration import described
from schema.global_id import key_of
from schema.money import MoneyInput
from schema.mutation import Info, mutation
from schema.provisioning import ServicePayload
from schema.service import DOMAINS

described(
    DomainState,
    "What becomes of a domain.",
    HELD="It is held for the account; it was renewed where it ends later than before.",
    LOST="It was not renewed in time, or taken away.",
    GONE="It is held elsewhere, or was given up on purpose.",
)


@strawberry.input(description="Arguments of domainReport.")
class DomainReportInput:
    account_id: strawberry.ID = strawberry.field(description="Account that the domain is on.")
    name: str = strawberry.field(description="Name of the domain, in the form of the protocol (punycode).")
    state: DomainState = strawberry.field(default=DomainState.HELD, description="What becomes of it.")
    expires_on: date = strawberry.field(description="Last day that is paid for.")
    renews: bool = strawberry.field(description="It is renewed by itself.")
    renewal_price: MoneyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What its renewal takes from the balance, taxes included; left out, no money is waited for.",
    )


@strawberry.type(description="Result of domainReport.")
class DomainReportPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="False where all of it was known.")


@strawberry.type
class DomainMutation:
    @mutation(
        DomainReportPayload,
        DOMAINS,
        quiet=True,
        description="Report a domain of an account; the same report may come again.",
    )
    async def domain_report(self, info: Info, input: DomainReportInput) -> DomainReportPayload | None:
        told = acts.Report(input.name, input.state, input.expires_on, input.renews, _cents(input.renewal_price))
        key = key_of(input.account_id, "Account", "account_id")
        changed = await acts.report(info.context.db, info.context, account_id=key, told=told)
        return DomainReportPayload.of(changed=changed)


def _cents(price: MoneyInput | None) -> int | None:
    if not isinstance(price, MoneyInput):
        return None
    try:
        return cents_of(price.amount)
    except InvalidAmount as invalid:
        raise invalid.at("renewal_price") from None

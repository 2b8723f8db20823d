"""The catalogue as a file has it: what is sold, at which prices, under which contracts. Every key names its unit."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from models.account_name import FORM, LONGEST
from models.clock import day_start
from models.money import cents_of
from models.plan import CODE_LENGTH, NAME_LENGTH, PlanKind
from models.refusal import Refusal
from models.vat import ELSEWHERE, SELLER, Audience, VatTreatment
from models.vat_rate import TERRITORY_LENGTH, VatRate

UNTAXED = frozenset({VatTreatment.REVERSE_CHARGE, VatTreatment.EXEMPT, VatTreatment.EXPORT})
FIGURE = re.compile("-?[0-9]{1,13}([.][0-9]{1,6})?")


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str) or not FIGURE.fullmatch(value):
        raise ValueError('a figure with decimals stands in quotes, such as "12.50"')
    return Decimal(value)


def _cents(value: Any) -> int:
    try:
        cents = cents_of(_decimal(value))
    except Refusal as refusal:
        raise ValueError(str(refusal)) from None
    if cents < 0:
        raise ValueError("a price is not below zero")
    return cents


def _scaled(places: int) -> BeforeValidator:
    def scaled(value: Any) -> int:
        figure = _decimal(value).scaleb(places)
        if figure != int(figure):
            raise ValueError(f"at most {places} decimals")
        return int(figure)

    return BeforeValidator(scaled)


def _since(value: Any) -> Any:
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ValueError("an instant has an offset, such as 2027-01-01T00:00:00+01:00; a day is enough")
    if not isinstance(value, date):
        raise ValueError("a day such as 2027-01-01, or an instant")
    return value


Cents = Annotated[int, BeforeValidator(_cents)]
Code = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$", max_length=CODE_LENGTH)]
Since = Annotated[Any, BeforeValidator(_since)]
"""The day that something begins in the billing zone, or an instant: see `instant`."""
Version = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=CODE_LENGTH)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH)]
Territory = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}(-[A-Z]+)?|\*)$", max_length=TERRITORY_LENGTH)]
AccountName = Annotated[str, StringConstraints(pattern=f"^{FORM.pattern}$", max_length=LONGEST)]


class Part(BaseModel):
    """A table of the file; a key that nothing reads is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Names(Part):
    """A name in both languages."""

    en: Name
    fr: Name


class Texts(Part):
    """A text in both languages."""

    en: str = Field(min_length=1)
    fr: str = Field(min_length=1)


class Prices(Part):
    """Of whole periods; one that is not sold is left out."""

    monthly_cents: Cents | None = Field(default=None, alias="eur_per_month")
    yearly_cents: Cents | None = Field(default=None, alias="eur_per_year")


class Level(Part):
    """A service level."""

    code: Code
    response_minutes: int = Field(ge=0)
    repair_minutes: int = Field(ge=0)
    availability_hundredths: Annotated[int, _scaled(2), Field(ge=0, le=100_00)] = Field(alias="availability_percent")


class Offer(Prices):
    """A plan."""

    code: Code
    kind: PlanKind
    service_level: Code
    name: Names
    disk_gigabytes: int = Field(ge=0)
    memory_megabytes: int = Field(ge=0)
    cpu_thousandths: Annotated[int, _scaled(3), Field(ge=0)] = Field(alias="cpu_cores")
    backup_days: int = Field(ge=0)
    free: bool = False
    urgent_tickets: bool = False
    committed_months: int = Field(default=0, ge=0)
    uncommitted_surcharge_percent: int = Field(default=0, ge=0)
    restrictions: list[Texts] = []


class Option(Prices):
    """CAT-3. An option of servers."""

    code: Code
    name: Names
    available: bool = True


class Rate(Part):
    """CAT-2. A kind of intervention."""

    code: Code
    name: Names
    dedicated_cents: Cents = Field(alias="eur_on_dedicated")
    gold_cents: Cents = Field(alias="eur_on_gold")


class Fees(Part):
    """Single amounts."""

    urgent_ticket_cents: Cents = Field(alias="urgent_ticket_eur")
    interventions_dedicated_cents: Cents = Field(alias="interventions_at_once_most_eur_on_dedicated")
    interventions_gold_cents: Cents = Field(alias="interventions_at_once_most_eur_on_gold")


class Document(Part):
    """BIL-19. A version of a contract."""

    document: Code
    version: Version
    in_force_from: Since
    accepted_at_sign_up: bool = False
    title: Texts
    text: Texts


class Rates(Part):
    """BIL-7. What customers of some territories pay from a day on."""

    valid_from: date = Field(alias="from", strict=True)
    territories: list[Territory] = Field(min_length=1)
    customers: list[Audience] = Field(default=list(Audience), min_length=1)
    treatment: VatTreatment
    rate_bp: Annotated[int, _scaled(2), Field(ge=0, le=100_00)] = Field(alias="percent")
    mention: Code | None = None


class Vat(Part):
    """BIL-7. The table of VAT rates, and what documents say beside some of them."""

    mentions: dict[Code, Texts] = {}
    rates: list[Rates]

    @property
    def rows(self) -> list[VatRate]:
        """The table, a row for each territory and kind of customer."""
        return [
            VatRate(
                territory=where,
                audience=audience,
                treatment=each.treatment,
                rate_bp=each.rate_bp,
                mention_en=each.mention and self.mentions[each.mention].en,
                mention_fr=each.mention and self.mentions[each.mention].fr,
                valid_from=each.valid_from,
            )
            for each in self.rates
            for where in each.territories
            for audience in each.customers
        ]

    def problems(self) -> Iterator[str]:
        """What cannot be; a mention that is not there makes the rows unreadable."""
        for each in self.rates:
            if each.mention is not None and each.mention not in self.mentions:
                yield f"vat: the mention {each.mention} is not there"
            if each.rate_bp and each.treatment in UNTAXED:
                yield f"vat: {each.treatment} at a rate is no {each.treatment}"
        keys = Counter(
            (where, audience, each.valid_from)
            for each in self.rates
            for where in each.territories
            for audience in each.customers
        )
        for (where, audience, day), times in keys.items():
            if times > 1:
                yield f"vat: {where}, {audience.lower()}, from {day} is there {times} times"
        for where in {SELLER, ELSEWHERE} - {where for where, _, _ in keys}:
            yield f"vat: nothing is there for {where}"


class Catalog(Part):
    """The whole file."""

    prices_from: Since
    fees: Fees
    service_levels: list[Level]
    plans: list[Offer]
    server_options: list[Option] = []
    interventions: list[Rate] = []
    reserved_account_names: list[AccountName] = []
    contracts: list[Document] = []
    vat: Vat | None = None
    """Left out, the table stays as it is."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        if self.vat is not None:
            yield from self.vat.problems()
        for kind in ("service_levels", "plans", "server_options", "interventions"):
            counted = Counter(each.code for each in getattr(self, kind))
            yield from (f"{kind}: {code} is there {times} times" for code, times in counted.items() if times > 1)
        levels = {level.code for level in self.service_levels}
        for plan in self.plans:
            if plan.service_level not in levels:
                yield f"plans: {plan.code} has the service level {plan.service_level}, which is not there"
            if plan.free and (plan.monthly_cents, plan.yearly_cents) != (None, None):
                yield f"plans: {plan.code} is free and has a price"
        versions = Counter((each.document, each.version) for each in self.contracts)
        yield from (
            f"contracts: {' '.join(each)} is there {times} times" for each, times in versions.items() if times > 1
        )


def instant(since: Any, zone: ZoneInfo) -> datetime:
    """When something begins that the file has from a day, or an instant, on."""
    return since if isinstance(since, datetime) else day_start(since, zone)

"""CAT-2. What is wanted of technicians: its price, line by line, and what stands in its way, decided in one place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from models.charge import RevenueKind
from models.intervention_rate import shares
from models.obstacle import Obstacle
from models.opening import Standing, of_standing
from models.quote import Caution
from models.refusal import Code, NotFound, Refusal

CODES = ("codes",)


class NothingWanted(Refusal):
    """CAT-2. An intervention is for something."""

    code = Code.REQUIRED
    message = "Say what is to be done."


class WantedTwice(Refusal):
    """CAT-2. One visit does a thing once."""

    code = Code.INVALID
    message = "Name everything that is to be done once."


class WorkNotPriced(Refusal):
    """CAT-2. There is no price of it for servers of this family."""

    code = Code.INVALID
    message = "This has no price on this server: ask our support for a quotation."


@dataclass(frozen=True, slots=True)
class WorkWishes:
    """CAT-2. What is to be done on which server, by the codes of rates."""

    server_id: UUID
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """CAT-2. A rate as it is offered now on servers of one family."""

    code: str
    name_en: str
    name_fr: str
    cents: int | None
    since: date | None


@dataclass(frozen=True, slots=True)
class WorkSituation:
    """Everything that the price of an intervention depends on, read at one instant."""

    standing: Standing
    contract: Refusal | None
    obstacle: Obstacle | None
    """The state of the server."""
    holder: str
    rates: Mapping[str, Offered]
    most_cents: int | None


@dataclass(frozen=True, slots=True)
class WorkLine:
    """CAT-2. One thing that is done, as an invoice will have it."""

    label_en: str
    label_fr: str
    net_cents: int
    explanation: dict[str, Any] = field(default_factory=dict)
    kind: RevenueKind = RevenueKind.INTERVENTION
    quantity: int = 1
    period_start: date | None = None
    period_end: date | None = None

    @property
    def unit_cents(self) -> int:
        return self.net_cents

    @property
    def stored(self) -> dict[str, Any]:
        """As an intervention keeps it."""
        return {name: getattr(self, name) for name in ("label_en", "label_fr", "net_cents", "explanation")}


@dataclass(frozen=True, slots=True)
class Work:
    """CAT-2. What is wanted, priced, and what stands in its way."""

    lines: tuple[WorkLine, ...]
    blockers: tuple[Refusal, ...]
    cautions: tuple[Caution, ...] = (Caution.CHARGED_WHEN_DONE,)


def decide_work(wishes: WorkWishes, found: WorkSituation) -> Work:
    """CAT-2, BIL-14. What interventions done at once cost; nothing else computes a figure of it."""
    wrong = tuple(_of_codes(wishes.codes, found.rates))
    blockers = (
        *of_standing(found.standing, found.contract, billable=True),
        *((found.obstacle,) if found.obstacle else ()),
        *wrong,
    )
    return Work(() if wrong else tuple(_priced(wishes.codes, found)), blockers)


def _of_codes(codes: Sequence[str], rates: Mapping[str, Offered]) -> Iterator[Refusal]:
    if not codes:
        yield NothingWanted().at(*CODES)
    elif any(code not in rates for code in codes):
        yield NotFound().at(*CODES)
    elif len(set(codes)) < len(codes):
        yield WantedTwice().at(*CODES)
    elif any(rates[code].cents is None for code in codes):
        yield WorkNotPriced().at(*CODES)


def _priced(codes: Sequence[str], found: WorkSituation) -> Iterator[WorkLine]:
    wanted = [found.rates[code] for code in codes]
    prices = [each.cents or 0 for each in wanted]
    whole = sum(prices)
    most = whole if found.most_cents is None else found.most_cents
    capped = {"together_cents": whole, "most_cents": most} if most < whole else {}
    for each, cents, share in zip(wanted, prices, shares(prices, most), strict=True):
        since = each.since.isoformat() if each.since else None
        en, fr = (f"{name}, {found.holder}" for name in (each.name_en, each.name_fr))
        yield WorkLine(en, fr, share, {"list_cents": cents, "since": since, **capped})

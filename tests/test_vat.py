"""BIL-6, BIL-7. VAT, without a database: who pays what, and what it is to the cent."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import nearest
from models.territory import territory, vat_prefix
from models.vat import (
    ELSEWHERE,
    Audience,
    Buyer,
    NoRate,
    VatTable,
    VatTreatment,
    line_taxes,
    refund_of,
    shares,
    tax_of,
    taxes,
    treatment,
)

BUSINESS, CONSUMER = Audience.BUSINESS, Audience.CONSUMER
DAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Row:
    territory: str
    audience: Audience
    treatment: VatTreatment
    rate_bp: int
    mention_en: str | None = None
    mention_fr: str | None = None
    valid_from: date = date(2020, 1, 1)


@dataclass(frozen=True)
class Line:
    net_cents: int
    rate_bp: int = 2_000
    territory: str = "FR"


ROWS = [
    *(Row("FR", each, VatTreatment.STANDARD, 2_000) for each in Audience),
    Row("MQ", BUSINESS, VatTreatment.STANDARD, 850),
    Row("MQ", CONSUMER, VatTreatment.STANDARD, 2_000),
    Row("GF", BUSINESS, VatTreatment.EXEMPT, 0, "exempt", "exonéré"),
    Row("GF", CONSUMER, VatTreatment.STANDARD, 2_000),
    Row("DE", BUSINESS, VatTreatment.REVERSE_CHARGE, 0, "from {seller} to {buyer}", "de {seller} à {buyer}"),
    Row("DE", CONSUMER, VatTreatment.ONE_STOP_SHOP, 1_900),
    Row("DE", CONSUMER, VatTreatment.ONE_STOP_SHOP, 2_100, valid_from=date(2027, 1, 1)),
    *(Row(ELSEWHERE, each, VatTreatment.EXPORT, 0, "export", "export") for each in Audience),
]
TABLE = VatTable(ROWS, seller_vat_number="FR40303265045")


# Who pays what


def test_territory_is_looked_at_before_vies() -> None:
    """BIL-7. A valid number changes nothing where there is no reverse charge."""
    there = Buyer("FR", "97200", is_business=True, vat_number="FR44732829320", vat_valid=True)
    assert treatment(there, DAY, TABLE).rate_bp == 850
    export = Buyer("GB", "BT1 1AA", is_business=True, vat_number="XI123456789")
    found = treatment(export, DAY, TABLE)
    assert (found.kind, found.rate_bp, found.needs_check) == (VatTreatment.EXPORT, 0, False)


def test_a_number_that_vies_calls_valid_reverses_the_charge_and_both_are_mentioned() -> None:
    buyer = Buyer("DE", "10115", is_business=True, vat_number="DE136695976", vat_valid=True)
    found = treatment(buyer, DAY, TABLE)
    assert (found.kind, found.rate_bp, found.territory) == (VatTreatment.REVERSE_CHARGE, 0, "DE")
    assert found.mention_en == "from FR40303265045 to DE136695976"
    assert found.mention_fr == "de FR40303265045 à DE136695976"
    assert not found.needs_check


def test_a_seller_who_has_not_said_their_number_is_a_dash() -> None:
    buyer = Buyer("DE", is_business=True, vat_number="DE136695976", vat_valid=True)
    assert treatment(buyer, DAY, VatTable(ROWS)).mention_en == "from – to DE136695976"


@pytest.mark.parametrize(
    ("number", "valid", "unsure"),
    [("DE136695976", None, True), ("DE136695976", False, False), (None, None, False), (None, True, False)],
)
def test_without_a_valid_number_a_business_pays_as_consumers_do(
    number: str | None, valid: bool | None, unsure: bool
) -> None:
    buyer = Buyer("DE", "10115", is_business=True, vat_number=number, vat_valid=valid)
    found = treatment(buyer, DAY, TABLE)
    assert (found.kind, found.rate_bp, found.needs_check) == (VatTreatment.ONE_STOP_SHOP, 1_900, unsure)


def test_a_consumer_s_number_reverses_nothing() -> None:
    found = treatment(Buyer("DE", vat_number="DE136695976", vat_valid=True), DAY, TABLE)
    assert (found.kind, found.needs_check) == (VatTreatment.ONE_STOP_SHOP, False)


def test_below_the_threshold_consumers_of_the_union_pay_the_seller_s_rate() -> None:
    found = treatment(Buyer("DE", "10115"), DAY, VatTable(ROWS, one_stop_shop=False))
    assert (found.kind, found.rate_bp, found.territory) == (VatTreatment.STANDARD, 2_000, "FR")


def test_the_newest_rate_that_has_begun_counts() -> None:
    assert treatment(Buyer("DE"), date(2026, 12, 31), TABLE).rate_bp == 1_900
    assert treatment(Buyer("DE"), date(2027, 1, 1), TABLE).rate_bp == 2_100


def test_a_gap_in_the_table_makes_nobody_a_foreigner() -> None:
    without_consumers = VatTable([row for row in ROWS if (row.territory, row.audience) != ("DE", CONSUMER)])
    with pytest.raises(NoRate, match="DE, consumer, on 2026-11-22"):
        treatment(Buyer("DE"), DAY, without_consumers)
    with pytest.raises(NoRate, match="BR, consumer"):
        treatment(Buyer("BR"), DAY, VatTable(ROWS[:2]))


def test_a_country_is_foreign_until_its_rows_begin() -> None:
    """BIL-7. One that joins the Union is written down before that day."""
    joining = Row("ME", CONSUMER, VatTreatment.ONE_STOP_SHOP, 2_100, valid_from=date(2028, 1, 1))
    table = VatTable([*ROWS, joining])
    assert treatment(Buyer("ME"), date(2027, 12, 31), table).kind is VatTreatment.EXPORT
    assert treatment(Buyer("ME"), date(2028, 1, 1), table).rate_bp == 2_100


@pytest.mark.parametrize(
    ("country", "postal_code", "where"),
    [
        ("FR", "75001", "FR"),
        ("FR", "20000", "FR"),
        ("FR", None, "FR"),
        ("FR", "98000", "MC"),
        ("MC", "98000", "MC"),
        ("MC", None, "MC"),
        ("FR", "97110", "GP"),
        ("FR", "97133", "BL"),
        ("FR", "97150", "MF"),
        ("GP", "97133", "BL"),
        ("FR", "97200", "MQ"),
        ("FR", "97300", "GF"),
        ("FR", "97400", "RE"),
        ("FR", "97500", "PM"),
        ("FR", "97600", "YT"),
        ("FR", "97700", "BL"),
        ("FR", "97800", "MF"),
        ("FR", "98600", "WF"),
        ("FR", "98714", "PF"),
        ("FR", "98800", "NC"),
        ("FR", " 97 200 ", "MQ"),
        ("RE", None, "RE"),
        ("NC", "98800", "NC"),
        ("DE", "97200", "DE"),
        ("ES", "35001", "IC"),
        ("ES", "51001", "EA"),
        ("ES", "28001", "ES"),
        ("IT", "23041", "IT-LIVIGNO"),
        ("BE", "1000", "BE"),
    ],
)
def test_a_postcode_tells_the_territory(country: str, postal_code: str | None, where: str) -> None:
    assert territory(country, postal_code) == where


def test_numbers_begin_with_letters_that_are_not_always_the_country_s() -> None:
    assert [vat_prefix(each) for each in ("GR", "GB", "MC", "RE", "NC", "DE")] == ["EL", "XI", "FR", "FR", "FR", "DE"]


# To the cent


def test_the_worked_example_of_seven_lines() -> None:
    """7 lines of 4.99: rounded on each, the VAT would be 7.00."""
    lines = [Line(499)] * 7
    (group,) = taxes(lines)
    assert (group.base_cents, group.tax_cents) == (3_493, 699)
    assert line_taxes(lines) == [100] * 6 + [99]


@pytest.mark.parametrize(
    ("net", "tax"),
    [(1_775, 355), (953, 191), (2_200, 440), (11_671, 2_334), (1_916, 383), (444, 89), (2_492, 498), (10_800, 2_160)],
)
def test_the_worked_examples_of_vat(net: int, tax: int) -> None:
    assert tax_of(net, 2_000) == tax
    assert tax_of(-net, 2_000) == -tax


def test_each_rate_of_each_territory_is_a_group() -> None:
    lines = [Line(100), Line(100, 0, "CH"), Line(200), Line(100, 2_000, "AT")]
    assert [(group.rate_bp, group.territory, group.places, group.base_cents) for group in taxes(lines)] == [
        (2_000, "FR", (0, 2), 300),
        (0, "CH", (1,), 100),
        (2_000, "AT", (3,), 100),
    ]
    assert taxes([]) == []


RATES = st.sampled_from([0, 210, 550, 850, 1_900, 2_000, 2_100, 2_550])
NETS = st.integers(-(10**7), 10**7)


@given(st.lists(st.builds(Line, NETS, RATES), max_size=12))
def test_lines_and_document_never_drift_apart(lines: list[Line]) -> None:
    """Rounded once on each base, and brought to the lines without losing or making a cent."""
    split = line_taxes(lines)
    for group in taxes(lines):
        nets = sum(lines[place].net_cents for place in group.places)
        exact = Fraction(nets * group.rate_bp, 10_000)
        assert abs(group.tax_cents - exact) <= Fraction(1, 2)
        assert sum(split[place] for place in group.places) == group.tax_cents == sum(shares(group))
    for line, tax in zip(lines, split, strict=True):
        assert abs(tax - Fraction(line.net_cents * line.rate_bp, 10_000)) < 1
    assert sum(split) == sum(group.tax_cents for group in taxes(lines))
    assert sum(line.net_cents for line in lines) == sum(group.base_cents for group in taxes(lines))


@given(st.lists(st.builds(Line, st.integers(0, 10**7), RATES), max_size=12))
def test_a_credit_note_mirrors_its_document(lines: list[Line]) -> None:
    credited = [Line(-line.net_cents, line.rate_bp, line.territory) for line in lines]
    assert [-group.tax_cents for group in taxes(credited)] == [group.tax_cents for group in taxes(lines)]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), RATES, st.data())
def test_refunds_on_a_line_never_exceed_it_and_all_of_them_are_the_line(
    parts: list[int], rate_bp: int, data: st.DataObject
) -> None:
    net = sum(parts)
    tax = nearest(net * rate_bp, 10_000) + data.draw(st.integers(-1, 1))
    tax = max(0, tax)  # A line's share of its group is a cent off now and then.
    refunded_net = refunded_tax = 0
    for part in parts:
        back = refund_of(net, tax, refunded_net, refunded_tax, part, rate_bp)
        refunded_net, refunded_tax = refunded_net + part, refunded_tax + back
        assert back >= 0
        assert refunded_net <= net
        assert refunded_tax <= tax
        if refunded_net < net:
            assert abs(back - Fraction(part * rate_bp, 10_000)) <= Fraction(1, 2) or refunded_tax == tax
    assert (refunded_net, refunded_tax) == (net, tax)


@pytest.mark.parametrize("refund", [-1, 2_201, 10**9])
def test_money_that_was_never_charged_is_not_refunded(refund: int) -> None:
    with pytest.raises(ValueError, match="cannot be refunded"):
        refund_of(2_200, 440, 0, 0, refund, 2_000)
    with pytest.raises(ValueError, match="1 of the 0 cents"):
        refund_of(2_200, 440, 2_200, 440, 1, 2_000)


def test_the_last_refund_takes_the_remainder() -> None:
    """4.99 at 20 %, whose share on its document was 0.99: 0.50 and then 0.49, not 0.50 twice."""
    first = refund_of(499, 99, 0, 0, 249, 2_000)
    assert (first, refund_of(499, 99, 249, first, 250, 2_000)) == (50, 49)

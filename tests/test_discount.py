"""BIL-16, BIL-17. Discounts, without a database."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.discount import Discount, DiscountKind, discounted, in_force, steps

PROGRAM = Discount(DiscountKind.PROGRAM, Decimal(50), date(2027, 1, 1))
REFERRAL = Discount(DiscountKind.REFERRAL, Decimal(10), date(2026, 12, 15))
PERCENTS = st.lists(st.decimals(0, 100, places=2), max_size=4)


def test_the_worked_example_of_a_program_and_a_referral() -> None:
    """240 → 120 → 108."""
    applied = in_force([REFERRAL, PROGRAM], date(2026, 11, 22))
    assert applied == [PROGRAM, REFERRAL]
    assert [step.cents for step in steps(24_000, applied)] == [12_000, 10_800]
    assert discounted(24_000, [each.percent for each in applied]) == 10_800


def test_a_discount_is_on_periods_that_begin_before_its_end() -> None:
    assert in_force([PROGRAM, REFERRAL], date(2026, 12, 14)) == [PROGRAM, REFERRAL]
    assert in_force([PROGRAM, REFERRAL], date(2026, 12, 15)) == [PROGRAM]
    assert in_force([PROGRAM, REFERRAL], date(2027, 1, 1)) == []
    lasting = Discount(DiscountKind.REFERRAL, Decimal(10))
    assert in_force([lasting], date(2090, 1, 1)) == [lasting]


def test_without_discounts_a_price_is_the_list_price() -> None:
    assert discounted(2_200, []) == 2_200
    assert steps(2_200, []) == []


def test_half_a_cent_goes_up_once() -> None:
    assert discounted(1, [50]) == 1
    assert discounted(3, [50, 50]) == 1, "0.75, not 1.5 and then the half of 2"
    assert discounted(600, [Decimal("33.33")]) == 400


@given(st.integers(0, 10**9), PERCENTS)
def test_the_price_is_the_exact_product_rounded_once(list_cents: int, percents: list[Decimal]) -> None:
    exact = Fraction(list_cents)
    for percent in percents:
        exact = exact - exact * Fraction(percent) / 100
    found = discounted(list_cents, percents)
    assert abs(found - exact) <= Fraction(1, 2)
    assert found - exact != Fraction(-1, 2)
    assert found == discounted(list_cents, reversed(percents))
    assert 0 <= found <= list_cents


@pytest.mark.parametrize("percent", [Decimal("-0.01"), Decimal("100.01"), 101])
def test_a_discount_is_a_part_of_the_price(percent: Decimal) -> None:
    with pytest.raises(ValueError, match="no part of a price"):
        discounted(100, [percent])

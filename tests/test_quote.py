"""BIL-14. Tokens of quotes: what they hold, and that nobody else makes or changes one."""

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from models.charge import RevenueKind
from models.column import new_id
from models.document_link import DocumentLink, document_token
from models.draft import Draft, DraftLine, DraftTax
from models.profile import Locale
from models.quote import (
    NotThisQuote,
    Quote,
    QuoteChanged,
    QuoteExpired,
    QuoteKind,
    Reckoning,
    Terms,
    canonical,
    check_quote,
    digest,
    figures_of,
    read_quote,
    sign_quote,
)
from models.refusal import Refusal
from tests.database import START

KEY = "a key of thirty-two characters..."
LINE = DraftLine(
    kind=RevenueKind.HOSTING,
    label_en="Medium, one year, shop",
    label_fr="Medium, un an, shop",
    quantity=1,
    unit_cents=24_000,
    net_cents=24_000,
    rate_bp=2_000,
    territory="FR",
    tax_cents=4_800,
    period_start=date(2026, 11, 22),
    period_end=date(2027, 11, 22),
    explanation={"list_cents": 24_000, "since": "2020-03-01"},
)


def of(*lines: DraftLine, refund: int = 0, **values: object) -> Reckoning:
    """What an operation comes to, of these lines."""
    taxes = tuple(DraftTax(line.rate_bp, line.territory, line.net_cents, line.tax_cents) for line in lines)
    return Reckoning(Draft("STANDARD", lines, taxes), refund, **values)  # type: ignore[arg-type]


UNTIL = START + timedelta(minutes=15)
TERMS = Terms(QuoteKind.ACCOUNT_OPEN, new_id(), digest({"name": "shop"}), figures_of(of(LINE)), UNTIL)
NOW = Quote(QuoteKind.ACCOUNT_OPEN, TERMS.owner_id, UNTIL, of(LINE), balance_cents=1_000)
TOKEN = sign_quote(KEY, TERMS)


def refusal(token: str, wanted: Terms = TERMS, at: datetime = START, key: str = KEY) -> type[Refusal] | None:
    try:
        check_quote(key, token, NOW, wanted, at)
    except Refusal as refused:
        return type(refused)
    return None


def test_a_token_holds_its_terms() -> None:
    assert read_quote(KEY, TOKEN) == TERMS
    assert sign_quote(KEY, TERMS) == TOKEN
    odd = replace(TERMS, expires_at=datetime(2026, 11, 22, 9, 15, 0, 123_456, tzinfo=UTC))
    assert read_quote(KEY, sign_quote(KEY, odd)) == odd
    assert refusal(TOKEN) is None


def test_one_wrong_character_anywhere_is_noticed() -> None:
    for place, letter in enumerate(TOKEN):
        for other in {"A", "B", "-"} - {letter}:
            assert read_quote(KEY, TOKEN[:place] + other + TOKEN[place + 1 :]) is None


@pytest.mark.parametrize(
    "token",
    ["", "A", "=", "é", "{}=", "{}A", " {}", "{}\n", "{0}{0}", "A" * 44, "A" * 100_000],
)
def test_what_is_no_token_is_none(token: str) -> None:
    token = token.format(TOKEN)
    assert read_quote(KEY, token) is None
    assert refusal(token) is NotThisQuote


def test_the_seal_is_of_this_key_and_this_purpose() -> None:
    assert read_quote(KEY + ".", TOKEN) is None
    link = document_token(KEY, DocumentLink(new_id(), new_id(), Locale.FR, UNTIL))
    assert read_quote(KEY, link) is None
    body = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))[32:]
    forged = base64.urlsafe_b64encode(bytes(32) + body).decode().rstrip("=")
    assert read_quote(KEY, forged) is None


def test_a_quote_is_of_one_profile_and_one_wish() -> None:
    assert refusal(TOKEN, replace(TERMS, owner_id=new_id())) is NotThisQuote
    assert refusal(TOKEN, replace(TERMS, wishes=digest({"name": "other"}))) is NotThisQuote


def test_a_quote_is_good_until_the_instant_it_names() -> None:
    assert refusal(TOKEN, at=UNTIL - timedelta(microseconds=1)) is None
    assert refusal(TOKEN, at=UNTIL) is QuoteExpired
    assert refusal(TOKEN, replace(TERMS, figures="else"), at=UNTIL) is QuoteExpired


@pytest.mark.parametrize(
    "changes",
    [
        {"net_cents": 24_001},
        {"tax_cents": 4_801},
        {"rate_bp": 1_999},
        {"territory": "DE"},
        {"quantity": 2},
        {"period_start": date(2026, 11, 23)},
        {"period_end": date(2027, 11, 23)},
        {"explanation": {"list_cents": 24_000, "since": "2021-03-01"}},
    ],
)
def test_any_other_figure_is_a_change(changes: dict[str, object]) -> None:
    changed = replace(TERMS, figures=figures_of(of(replace(LINE, **changes))))  # type: ignore[arg-type]
    assert refusal(TOKEN, changed) is QuoteChanged


def test_another_sum_or_number_of_lines_is_a_change() -> None:
    for other in (of(LINE, refund=1), of(LINE, LINE), of(), Reckoning(), of(LINE, cut_cents=(1,))):
        assert refusal(TOKEN, replace(TERMS, figures=figures_of(other))) is QuoteChanged


def test_what_is_refused_shows_what_counts_now() -> None:
    with pytest.raises(QuoteExpired) as refused:
        check_quote(KEY, TOKEN, NOW, TERMS, UNTIL)
    assert refused.value.current is NOW
    assert refused.value.path == ("quote_token",)
    assert refused.value.figures == {}


def test_the_balance_after_is_what_was_there_with_the_refund_and_without_the_charge() -> None:
    assert NOW.balance_after.cents == 1_000 - 28_800
    assert replace(NOW, reckoning=of(LINE, refund=2_130)).balance_after.cents == 1_000 + 2_130 - 28_800
    assert replace(NOW, reckoning=Reckoning()).balance_after.cents == 1_000


def test_equal_values_have_one_spelling() -> None:
    class Driven(UUID):
        """A UUID as drivers make them."""

    key = uuid4()
    assert canonical({"b": 1, "a": Driven(str(key))}) == canonical({"a": key, "b": 1})
    with pytest.raises(TypeError):
        canonical({"a": object()})


def test_a_token_is_not_in_the_repr_of_a_quote() -> None:
    assert TOKEN not in repr(replace(NOW, token=TOKEN))

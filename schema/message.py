"""What people read, in their language: English templates stand in the code, French ones in `catalogue/fr.po`."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from models.money import Money
from models.profile import Locale

CATALOGUES = Path(__file__).parent / "catalogue"


def say(locale: Locale, template: str, /, **figures: Any) -> str:
    """`template` in the reader's language, its figures in the reader's format."""
    return translated(locale, template).format(**{name: shown(locale, value) for name, value in figures.items()})


def speaker(locale: Locale) -> Callable[..., str]:
    """`say` for one reader."""
    return lambda template, **figures: say(locale, template, **figures)


@lru_cache(maxsize=4_096)
def translated(locale: Locale, template: str) -> str:
    """The template in this language; itself where the catalogue has none."""
    if locale is Locale.EN:
        return template
    message = catalogue(locale).get(template)
    return str(message.string) if message and message.string else template


def shown(locale: Locale, value: Any) -> Any:
    """A figure as this reader writes it."""
    language = locale.value.lower()
    match value:
        case bool() | None:
            return value
        case int() | Decimal():
            return format_decimal(value, locale=language)
        case Money():
            return format_currency(value.amount, value.currency, locale=language)
        case datetime():
            return format_datetime(value, "long", locale=language)
        case date():
            return format_date(value, "long", locale=language)
        case _:
            return value


def preferred(accept_language: str | None) -> Locale:
    """The language of a caller who has no profile: the first of Accept-Language that is spoken here."""
    wanted: list[tuple[float, Locale]] = []
    for part in (accept_language or "")[:1000].split(","):
        tag, _, weight = part.strip().partition(";")
        language = tag.split("-")[0].strip().upper()
        if language in Locale.__members__:
            wanted.append((_weight(weight), Locale[language]))
    best = max(wanted, key=lambda choice: choice[0], default=None)
    return best[1] if best and best[0] > 0 else Locale.EN


def _weight(parameter: str) -> float:
    name, _, number = parameter.strip().partition("=")
    try:
        return float(number) if name == "q" else 1.0
    except ValueError:
        return 0.0


@lru_cache
def catalogue(locale: Locale) -> Catalog:
    """The translations into one language."""
    with (CATALOGUES / f"{locale.value.lower()}.po").open("rb") as file:
        return read_po(file, locale=locale.value.lower(), abort_invalid=True)

"""BIL-7. Where a customer is, for VAT: a country, or a part of one that has rules of its own."""

from collections.abc import Mapping

POSTCODES: Mapping[str, Mapping[str, str]] = {
    "FR": {
        "971": "GP",
        "97133": "BL",
        "97150": "MF",
        "972": "MQ",
        "973": "GF",
        "974": "RE",
        "975": "PM",
        "976": "YT",
        "977": "BL",
        "978": "MF",
        "980": "MC",
        "984": "TF",
        "986": "WF",
        "987": "PF",
        "988": "NC",
    },
    "DE": {"27498": "DE-HELGOLAND", "78266": "DE-BUESINGEN"},
    "ES": {"35": "IC", "38": "IC", "51": "EA", "52": "EA"},
    "FI": {"22": "AX"},
    "GR": {"63086": "GR-ATHOS"},
    "IT": {"23041": "IT-LIVIGNO"},
}
"""How postcodes begin in the parts of a country that its VAT does not reach as it does elsewhere; the longest wins."""
FRENCH = frozenset(POSTCODES["FR"].values())
"""Territories with a code of their own in ISO 3166-1 that have French postcodes, Monaco among them."""
VAT_PREFIXES: Mapping[str, str] = {"GR": "EL", "GB": "XI", **dict.fromkeys(FRENCH, "FR")}
"""How VAT numbers begin where it is not with the code of the country: those of Northern Ireland stand for GB."""


def territory(country: str, postal_code: str | None) -> str:
    """BIL-7. The code of the territory: French overseas ones by postcode, however the country is given."""
    digits = "".join(each for each in postal_code or "" if each.isdecimal() and each.isascii())
    prefixes = POSTCODES.get("FR" if country in FRENCH else country, {})
    longest = max((prefix for prefix in prefixes if digits.startswith(prefix)), key=len, default=None)
    return country if longest is None else prefixes[longest]


def vat_prefix(country: str) -> str:
    """BIL-7. The two letters that the VAT numbers of a country begin with."""
    return VAT_PREFIXES.get(country, country)

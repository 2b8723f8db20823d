"""Media types: what a request may be written in, and what its answer is written in (RFC 9110, GraphQL over HTTP)."""

import re
from dataclasses import dataclass
from functools import lru_cache

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"

LONGEST = 2_000
"""Of a header, in characters: what stands beyond is not read."""
UTF_8 = frozenset({"utf-8", "utf8"})
TOKEN = r"[!#$%&'*+.^_`|~0-9a-z-]+"  # noqa: S105 - of the grammar
NAME = re.compile(f"{TOKEN}/{TOKEN}")
WEIGHT = re.compile(r"[01](\.[0-9]{0,3})?|\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class MediaType:
    """`application/json; charset=utf-8`, in lower case."""

    name: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def is_utf_8(self) -> bool:
        """Whether it names no other encoding."""
        return all(value in UTF_8 for name, value in self.parameters if name == "charset")


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Whether a request's body says it is JSON in UTF-8."""
    media_type = parsed(content_type[:LONGEST])
    return media_type is not None and media_type.name == JSON and media_type.is_utf_8


@lru_cache(maxsize=64)
def negotiated(accept: str, offers: tuple[str, ...]) -> str | None:
    """The offer that `Accept` prefers; None when it accepts none of them.

    The most specific range that names an offer weighs it. Of equal weight, the more specifically named wins, then the
    one named first, then the first offer.
    """
    if not accept.strip():
        return offers[0]
    ranges = weighted_ranges(accept[:LONGEST])
    acceptable = [offer for offer in offers if _preference(offer, ranges)[0] > 0]
    return max(acceptable, key=lambda offer: _preference(offer, ranges), default=None)


def weighted_ranges(accept: str) -> list[tuple[MediaType, float]]:
    """The ranges of an `Accept` header and their weights, in order; malformed ones are left out."""
    ranges = []
    for text in split(accept, ","):
        media_range = parsed(text)
        weight = dict(media_range.parameters).get("q", "1") if media_range else ""
        if media_range and WEIGHT.fullmatch(weight):
            ranges.append((media_range, min(float(weight), 1.0)))
    return ranges


def parsed(text: str) -> MediaType | None:
    """A media type or range; None when it is malformed."""
    name, *rest = (part.strip() for part in split(text.lower(), ";"))
    parameters = []
    for parameter in filter(None, rest):
        key, equals, value = parameter.partition("=")
        if not equals:
            return None
        parameters.append((key, value.strip('"')))
    return MediaType(name, tuple(parameters)) if NAME.fullmatch(name) else None


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand outside of quoted strings."""
    parts, start, quoted, escaped = [], 0, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _preference(offer: str, ranges: list[tuple[MediaType, float]]) -> tuple[float, int, int]:
    """Weight, specificity and precedence of the range that speaks for an offer; no weight when none does."""
    speaking = [
        (specificity, -position, weight)
        for position, (media_range, weight) in enumerate(ranges)
        if (specificity := _specificity(offer, media_range))
    ]
    specificity, precedence, weight = max(speaking, default=(0, 0, 0.0))
    return weight, specificity, precedence


def _specificity(offer: str, media_range: MediaType) -> int:
    """How exactly a range names an offer; 0 when it does not."""
    if not media_range.is_utf_8:
        return 0
    if media_range.name == offer:
        return 3 + any(name == "charset" for name, _ in media_range.parameters)
    if media_range.name == offer.partition("/")[0] + "/*":
        return 2
    return 1 if media_range.name == "*/*" else 0

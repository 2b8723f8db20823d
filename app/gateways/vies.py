"""BIL-7. VIES, the register of VAT numbers of the Union, by the Commission's REST interface."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.gateways.web import Response, WebFailed, post_json
from models.vat_consultation import NAME_LENGTH, NUMBER_LENGTH
from models.vat_register import Registered, RegisterSilent

ADDRESS = "https://ec.europa.eu/taxation_customs/vies/rest-api"
MOST_BYTES = 65_536
UNTOLD = "---"
"""What stands in the place of a name that the member state does not tell."""
REASONS = frozenset(
    {
        "GLOBAL_MAX_CONCURRENT_REQ",
        "GLOBAL_MAX_CONCURRENT_REQ_TIME",
        "INVALID_INPUT",
        "INVALID_REQUESTER_INFO",
        "IP_BLOCKED",
        "MS_MAX_CONCURRENT_REQ",
        "MS_MAX_CONCURRENT_REQ_TIME",
        "MS_UNAVAILABLE",
        "SERVICE_UNAVAILABLE",
        "TIMEOUT",
        "VAT_BLOCKED",
    }
)
"""Why it does not tell. None of them says that a number is wrong, INVALID_INPUT neither: it was looked at before."""


class ViesRegister:
    """Asks for the provider's own number, so that each answer has a consultation number."""

    def __init__(self, url: str, requester: str | None) -> None:
        self.url = f"{url}/check-vat-number"
        self.requester = requester

    async def ask(self, vat_number: str) -> Registered:
        asked = {"countryCode": vat_number[:2], "vatNumber": vat_number[2:]}
        if self.requester:
            asked |= {"requesterMemberStateCode": self.requester[:2], "requesterNumber": self.requester[2:]}
        try:
            response = await post_json(self.url, orjson.dumps(asked), most_bytes=MOST_BYTES)
        except WebFailed as failure:
            raise RegisterSilent(str(failure)) from None
        return _told(response, vat_number)


def _told(response: Response, vat_number: str) -> Registered:
    """The answer, whatever its status is: errors come with 200 as well. Anything but a plain yes or no is none."""
    try:
        said = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        raise RegisterSilent(f"HTTP_{response.status}") from None
    if not isinstance(said, dict):
        raise RegisterSilent("GARBAGE")
    if reason := _reason(said):
        raise RegisterSilent(reason)
    about = f"{said.get('countryCode')}{said.get('vatNumber')}"
    if response.status != 200 or not isinstance(said.get("valid"), bool) or about != vat_number:
        raise RegisterSilent("GARBAGE")
    return Registered(
        said["valid"],
        _text(said.get("requestIdentifier"), NUMBER_LENGTH),
        _text(said.get("name"), NAME_LENGTH),
        _text(said.get("address"), NAME_LENGTH),
    )


def _reason(said: Mapping[str, Any]) -> str | None:
    """The error that an answer is; one that we do not know by name is one all the same."""
    wrappers = said.get("errorWrappers")
    errors = [each.get("error") for each in wrappers if isinstance(each, dict)] if isinstance(wrappers, list) else []
    errors += [said.get("userError")]
    if known := next((each for each in errors if isinstance(each, str) and each in REASONS), None):
        return known
    return "REFUSED" if wrappers or said.get("actionSucceed") is False else None


def _text(value: Any, length: int) -> str | None:
    """A text that fits; nothing where it says nothing."""
    tidy = " ".join(value.replace("\0", "").split()) if isinstance(value, str) else ""
    return tidy[:length] if tidy and tidy != UNTOLD else None

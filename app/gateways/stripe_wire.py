"""BIL-10. How Stripe is reached: by its own library, over our way of asking an outside party; and when it is silent."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe
import structlog

from app.gateways.web import WebFailed, request
from models.payment_provider import ProviderSilent

MOST_BYTES = 8 * 2**20
"""Of one answer: a page of a hundred payments takes less than one."""
KEPT_TO_US = "x-stripe-client-"
"""How headers begin that tell of this machine."""
LISTENED_TO = "request-id", "idempotent-replayed"
WORD = re.compile(r"[A-Za-z0-9_]{1,100}")
logger = structlog.get_logger(__name__)
stripe.enable_telemetry = False


class Wire(stripe.HTTPClient):
    """Carries what the library asks. Nothing is asked twice by itself, nor longer than whoever asks waits."""

    name = "espace"

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        sent = {name: value for name, value in headers.items() if not name.lower().startswith(KEPT_TO_US)}
        body = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            response = await request(method.upper(), url, sent, body, most_bytes=MOST_BYTES)
        except WebFailed as failure:
            logger.warning("stripe_unreachable", reason=str(failure))
            raise ProviderSilent(str(failure)) from None
        listened = {name: response.headers[name] for name in LISTENED_TO if name in response.headers}
        return response.body, response.status, listened


def client_of(secret_key: str, url: str) -> stripe.StripeClient:
    """The library, for one account. The version of Stripe's API is the library's."""
    return stripe.StripeClient(secret_key, base_addresses={"api": url}, max_network_retries=0, http_client=Wire())


@contextmanager
def heard() -> Iterator[None]:
    """Whatever is no answer is silence: nobody knows then what became of what was asked.

    Also a refused key, since what was asked before with another one may have been done.
    """
    try:
        yield
    except stripe.StripeError as error:
        note("stripe_silent", error)
        raise ProviderSilent(type(error).__name__) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        logger.warning("stripe_unintelligible", exc_type=type(error).__name__)
        raise ProviderSilent("GARBAGE") from None


def note(event: str, error: stripe.StripeError) -> None:
    """Log an error by its codes: its sentence may repeat what somebody sent, or a part of the key."""
    code, request_id = _word(error.code), _word(error.request_id)
    logger.warning(
        event, exc_type=type(error).__name__, status=error.http_status, code=code, stripe_request_id=request_id
    )


def was_replayed(answer: stripe.StripeObject) -> bool:
    """Whether it is what was answered to the same key before, as things stood then."""
    last = answer.last_response
    return last is not None and last.headers.get("idempotent-replayed") == "true"


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and WORD.fullmatch(value) else None

"""Defects in the log: what failed and where, without a value. Messages, documents and variables may hold secrets."""

import traceback

import structlog

WENT_WRONG = "Something went wrong on our side."
"""What the client is told, with the id of its request."""

logger = structlog.get_logger(__name__)


def log_failure(event: str, error: BaseException, *, request_id: str = "", field: str = "") -> None:
    """Log an error by its class, its cause's class and its frames."""
    cause = error.__cause__ or error.__context__
    logger.error(
        event,
        request_id=request_id,
        field=field,
        exc_type=type(error).__name__,
        cause_type=type(cause).__name__ if cause else None,
        frames=[f"{frame.f_code.co_filename}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)],
    )

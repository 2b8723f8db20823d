"""The commands `espace deliveries`: what left the service, what waits, and what was given up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from sqlalchemy import Row

from app.main import open_database
from app.settings import load
from models.clock import RealClock
from models.db import Db
from models.delivery import DeliveryState
from resolvers import delivery

deliveries = typer.Typer(help="What leaves by mail: list, show, retry.", no_args_is_help=True)
Key = Annotated[UUID, typer.Argument(metavar="ID")]
Result = TypeVar("Result")
MOST = 10_000
SHOWN = (
    "id",
    "state",
    "kind",
    "template",
    "address",
    "action",
    "event_id",
    "owner_id",
    "occurred_at",
    "due_at",
    "attempt",
    "lease_until",
    "sent_at",
    "last_error",
)


@deliveries.command(name="list")
def list_(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.", case_sensitive=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many.")] = 50,
) -> None:
    """The newest first."""
    for row in _asked(lambda db: delivery.listed(db, state=state, limit=limit)):
        typer.echo(
            f"{row.id}  {row.state:<7}  {row.attempt:>2}  {_said(row.sent_at or row.due_at)}"
            f"  {row.template}  {row.last_error or ''}".rstrip()
        )


@deliveries.command()
def show(key: Key) -> None:
    """All about one."""
    row: Row[Any] | None = _asked(lambda db: delivery.shown(db, key))
    if row is None:
        raise _nothing(f"There is no delivery {key}.")
    for name in SHOWN:
        typer.echo(f"{name:<12} {_said(row._mapping[name])}".rstrip())


@deliveries.command()
def retry(key: Key) -> None:
    """Begin again with one that was given up or waits."""
    if not _asked(lambda db: delivery.retry(db, key)):
        raise _nothing(f"The delivery {key} has left, is under way or does not exist.")
    typer.echo("The worker sends it in its next round.")


def _asked(ask: Callable[[Db], Awaitable[Result]]) -> Result:
    """The answer of the database. A server may run on it meanwhile: one statement waits for its turn."""

    async def answer() -> Result:
        database = open_database(load(), RealClock())
        try:
            async with Db(database) as db:
                return await ask(db)
        finally:
            await database.close()

    return asyncio.run(answer())


def _said(value: Any) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case _:
            return str(value)


def _nothing(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)

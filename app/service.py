"""The commands `espace services`: the credentials of the provider's other services."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from app.main import open_database
from app.settings import load
from models.clock import RealClock
from models.conflict import Conflict
from models.db import Db
from models.network import NotANetwork, normal
from models.service import ServiceScope
from resolvers import service

services = typer.Typer(help="Credentials of other services: add, list, end.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for, e.g. mail.")]
Result = TypeVar("Result")


@services.command()
def add(
    name: Name,
    scope: Annotated[list[ServiceScope], typer.Option(help="What it may ask or report.", case_sensitive=False)],
    network: Annotated[list[str] | None, typer.Option(help="Where it may call from; anywhere without.")] = None,
) -> None:
    """A new one; prints its secret, which is shown this once."""
    try:
        typer.echo(asked(lambda db: service.add(db, name, scope, [normal(each) for each in network or []])))
    except Conflict:
        raise refused(f"There is a credential named {name}.") from None
    except NotANetwork as error:
        raise refused(str(error)) from None


@services.command(name="list")
def list_() -> None:
    """All of them."""
    for row in asked(service.listed):
        state = "ended" if row.ended_at else "in force"
        used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never"
        typer.echo(f"{row.name}  {state}  {','.join(row.scopes)}  last used {used}")


@services.command()
def end(name: Name) -> None:
    """Refuse one from now on."""
    if not asked(lambda db: service.end(db, name)):
        raise refused(f"There is no credential in force named {name}.")


def refused(sentence: str) -> typer.Exit:
    """The end of a command that did nothing, once it said why."""
    typer.echo(sentence, err=True)
    return typer.Exit(1)


def asked(question: Callable[[Db], Awaitable[Result]]) -> Result:
    """What the database of the settings answers."""

    async def answered() -> Result:
        database = open_database(load(), RealClock())
        try:
            async with Db(database) as db:
                return await question(db)
        finally:
            await database.close()

    return asyncio.run(answered())

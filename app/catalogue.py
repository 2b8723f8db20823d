"""The commands `espace catalogue`: what is sold is a file, and loading it is all that changing it takes."""

import asyncio
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app.catalogue_file import SHIPPED, read
from app.main import open_database
from app.migration import is_at_head
from app.settings import load as load_settings
from models.catalog import Catalog
from models.clock import RealClock
from models.db import Db
from resolvers import catalog
from resolvers.catalog import CatalogRefused

catalogue = typer.Typer(help="What is sold: load.", no_args_is_help=True)
NOT_MIGRATED = "The database is not migrated: run `espace migrate` first."


@catalogue.callback()
def _commands() -> None:
    """A name of its own for each command, while there is one."""


@catalogue.command()
def load(
    file: Annotated[Path, typer.Argument(help="A catalogue in TOML.", show_default="the shipped one")] = SHIPPED,
) -> None:
    """CAT-4. Bring the catalogue to what FILE says: new prices from its `prices_from` on, new versions of contracts."""
    try:
        added = asyncio.run(_loaded(read(file)))
    except CatalogRefused as refusal:
        for line in str(refusal).splitlines():
            typer.echo(line, err=True)
        raise typer.Exit(1) from None
    for name, count in sorted(added.items()):
        typer.echo(f"{count:>6}  {name}")
    typer.echo("The catalogue is as the file says.")


async def _loaded(wanted: Catalog) -> dict[str, int]:
    settings = load_settings()
    database = open_database(settings, RealClock())
    try:
        if not await is_at_head(database):
            raise CatalogRefused(NOT_MIGRATED)
        async with Db(database) as db:
            return await catalog.load(db, wanted, ZoneInfo(settings.billing_zone))
    finally:
        await database.close()

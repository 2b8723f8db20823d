"""The command `espace`."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from app import demo as demonstration
from app import demo_billing, demo_transfer, log, migration
from app.bus import telling
from app.catalogue import catalogue
from app.deliveries import deliveries
from app.doctor import complaints, lacking, unservable
from app.explanation import explanation
from app.ledger import ledger
from app.lock import DatabaseInUse, only_process
from app.main import create_app, open_database
from app.passwords import hashing_pool
from app.reference import settings_table
from app.server import serve_until_stopped
from app.service import services
from app.settings import Settings, WrongSettings, load
from app.staff import staff
from app.vault import KeyVault
from app.worker import work
from models.clock import RealClock
from models.db import Database, Db
from resolvers.sandbox import start_clock
from schema.root import build
from schema.staff import build as build_staff

app = typer.Typer(help="A customer space as one GraphQL API.", no_args_is_help=True, add_completion=False)
app.add_typer(deliveries, name="deliveries")
app.add_typer(services, name="services")
app.add_typer(staff, name="staff")
app.add_typer(catalogue, name="catalogue")
app.add_typer(ledger, name="ledger")
SDL = Path(__file__).resolve().parent.parent / "schema" / "schema.graphql"
STAFF_SDL = SDL.with_name("staff.graphql")


def main() -> None:
    """Run the command; what an operator can mend is said in a sentence, without a traceback."""
    try:
        app()
    except (WrongSettings, DatabaseInUse, migration.BrokenReferences) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


@app.command()
def serve() -> None:
    """Serve the API."""
    _serve(load())


@app.command()
def demo() -> None:
    """Migrate, seed and serve a sandbox."""
    settings = load()
    if not settings.sandbox:
        raise WrongSettings(["ESPACE_MODE: the demo is for the sandbox only"])
    with only_process(settings.database_url):
        _run(_migrated_and_seeded(settings))
        _welcome(settings)
        _served(settings)


@app.command()
def worker() -> None:
    """Do what is due, apart from the server."""
    settings = load()
    log.configure(settings.log_format)
    with only_process(settings.database_url):
        _run(_worked(settings))


@app.command()
def migrate(revision: str = "head") -> None:
    """Bring the database to the newest revision, or to REVISION."""
    settings = load()
    with only_process(settings.database_url):
        _run(_migrated(settings, revision))


@app.command(name="migration")
def draft(message: str) -> None:
    """Draft a migration from the models."""
    path = _run(migration.draft(message))
    print(f"Read it before you commit it: {path}" if path else "The migrations have all that the models have.")


@app.command()
def schema(
    write: Annotated[bool, typer.Option(help="Into schema/schema.graphql, and schema/staff.graphql.")] = False,
    staff: Annotated[bool, typer.Option(help="That of /staff/graphql.")] = False,
) -> None:
    """Print the schema."""
    texts = {SDL: build().schema.as_str() + "\n", STAFF_SDL: build_staff().schema.as_str() + "\n"}
    if write:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    else:
        print(texts[STAFF_SDL if staff else SDL], end="")


@app.command()
def settings() -> None:
    """Print every setting, with its default, as a table in Markdown."""
    print(settings_table(), end="")


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A GraphQL document.")],
    staff: Annotated[bool, typer.Option(help="For /staff/graphql.")] = False,
) -> None:
    """Print how a document is executed: its levels, statements, what its fields ask, and its cost."""
    print(explanation(file.read_text("utf-8"), load(), build_staff() if staff else build()))


@app.command()
def doctor() -> None:
    """Say what is wrong with the settings, the database and the machine."""
    try:
        found = _run(complaints(load()))
    except WrongSettings as error:
        found = error.problems
    for line in found:
        print(f"- {line}")
    if found:
        raise typer.Exit(1)
    print("All is well.")


def _serve(settings: Settings) -> None:
    with only_process(settings.database_url):
        if problem := _run(_unservable(settings)):
            raise WrongSettings([problem])
        _served(settings)


def _served(settings: Settings) -> None:
    log.configure(settings.log_format)
    serve_until_stopped(create_app(settings), settings)


async def _unservable(settings: Settings) -> str | None:
    async with opened(settings) as database:
        return await unservable(database, settings)


async def _migrated(settings: Settings, revision: str) -> None:
    async with opened(settings) as database:
        await migration.upgrade(database, revision)
        if not await migration.is_at_head(database):
            return
        async with Db(database) as db:
            if settings.sandbox:
                await start_clock(db)
            if lack := await lacking(db):
                print(lack)


async def _migrated_and_seeded(settings: Settings) -> None:
    passwords = hashing_pool(settings)
    try:
        async with opened(settings) as database:
            await migration.upgrade(database)
            zone, vault = ZoneInfo(settings.billing_zone), KeyVault(settings.secret_key)
            if await demonstration.seed(database, passwords, vault, zone=zone, charged=True):
                await demo_billing.play_back(database, settings)
                await demo_transfer.offer(database, settings)
    finally:
        passwords.close()


async def _worked(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(settings) as database, telling(database, None, settings):
        await work(database, settings, stop)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, for as long as a command takes."""
    database = open_database(settings, RealClock())
    try:
        yield database
    finally:
        await database.close()


def _welcome(settings: Settings) -> None:
    address = f"http://{settings.host}:{settings.port}"
    print(f"\nEspace, a sandbox: nothing here is real.\n\n  GraphiQL   {address}/graphql")
    print(f"  Schema     {address}/schema.graphql\n\n  Sign in with the password {demonstration.PASSWORD} as")
    for person in demonstration.PEOPLE:
        print(f"    {person.email:<22} {person.shows}")
    print(f"\n  Two factors: codes of the secret {demonstration.TWO_FACTOR_SECRET}", flush=True)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


if __name__ == "__main__":
    main()

"""`espace ledger`: whether the books are what was booked."""

import asyncio

import typer

from app.main import open_database
from app.settings import load
from models.audit import Broken
from models.clock import RealClock
from models.money import Money
from resolvers.audit import Findings
from resolvers.audit import verify as verified

ledger = typer.Typer(help="The books.", no_args_is_help=True)


@ledger.callback()
def books() -> None:
    """The books."""


@ledger.command()
def verify() -> None:
    """Compute everything again, follow every chain, and say where the books are not what was booked."""
    try:
        findings = asyncio.run(_verified())
    except Broken as broken:
        typer.echo(f"BROKEN: {broken}")
        raise typer.Exit(1) from None
    for line in told(findings):
        typer.echo(line)


def told(findings: Findings) -> list[str]:
    """What was seen: totals, and the heads of the chains, which are to be kept where nobody can change them."""
    return [
        f"{findings.entries} entries of {findings.profiles} profiles, {findings.documents} documents,"
        f" {findings.receipts} receipts: all is well.",
        f"Balances: {Money(findings.balances_cents).amount}",
        *(f"Account {name}: {Money(cents).amount}" for name, cents in sorted(findings.accounts.items())),
        f"Journal: {findings.seal.position} entries sealed, {findings.unsealed} not yet; {findings.seal.hash}",
        *(
            f"Series {each.name}: {each.sequence} documents to {each.issued_on}; {each.hash}"
            for each in findings.series
        ),
    ]


async def _verified() -> Findings:
    database = open_database(load(), RealClock())
    try:
        return await verified(database)
    finally:
        await database.close()

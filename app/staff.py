"""The commands `espace staff`: who of the profiles is of the provider's staff, and for what."""

from typing import Annotated

import typer

from app.service import asked, refused
from models.refusal import NotFound, Refusal
from models.staff import StaffRole
from resolvers import staff as acts

staff = typer.Typer(help="People of the staff: add, remove, list.", no_args_is_help=True)
Address = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address that the profile signs in with.")]


@staff.command()
def add(
    email: Address,
    role: Annotated[list[StaffRole], typer.Option(help="What they are there for.", case_sensitive=False)],
) -> None:
    """Give a profile roles."""
    try:
        asked(lambda db: acts.add(db, email, role))
    except Refusal as refusal:
        raise refused(_said(refusal, email)) from None


@staff.command()
def remove(
    email: Address,
    role: Annotated[
        list[StaffRole] | None, typer.Option(help="What is taken back; all without.", case_sensitive=False)
    ] = None,
) -> None:
    """Take roles back; what they do next is refused."""
    try:
        asked(lambda db: acts.remove(db, email, role or []))
    except Refusal as refusal:
        raise refused(_said(refusal, email)) from None


@staff.command(name="list")
def list_() -> None:
    """Everybody, with their roles."""
    for row in asked(acts.listed):
        factors = "" if row.two_factor_since else "  two-factor authentication is off: gets in nowhere"
        typer.echo(f"{row.email}  {row.role}  since {row.since:%Y-%m-%d}{factors}")


def _said(refusal: Refusal, email: str) -> str:
    return f"Nobody signs in with {email}, confirmed." if isinstance(refusal, NotFound) else str(refusal)

"""Contracts: which are put to whom, which were accepted, and where they are read."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, select

from models.column import table
from models.context import Context
from models.contract import (
    Contract,
    ContractAcceptance,
    ContractPending,
    ContractVersion,
    check_accepted,
    concerning,
    in_force,
)
from models.db import Db, Write
from models.document_link import DocumentLink, document_token
from resolvers.find import find, writing

Read = Callable[..., Awaitable[Sequence[Row[Any]]]]
"""`rows` of what reads: a request's database, or a write transaction."""
CONTRACTS = table(Contract)
VERSIONS = table(ContractVersion)
ACCEPTANCES = table(ContractAcceptance)
PUBLISHED = select(VERSIONS.c.id, VERSIONS.c.document, VERSIONS.c.in_force_from, VERSIONS.c.at_sign_up)
PUT = select(CONTRACTS.c.version_id).where(CONTRACTS.c.owner_id == bindparam("owner_id"))
ACCEPTED = select(ACCEPTANCES.c.version_id).where(ACCEPTANCES.c.owner_id == bindparam("owner_id"))
WANTED: Any = bindparam("wanted", expanding=True)
SHOWN = select(VERSIONS.c.id, VERSIONS.c.version, VERSIONS.c.title_en, VERSIONS.c.title_fr).where(
    VERSIONS.c.id.in_(WANTED)
)
SIGNED = (
    select(CONTRACTS.c.id, ACCEPTANCES.c.accepted_at)
    .join(
        ACCEPTANCES,
        (ACCEPTANCES.c.owner_id == CONTRACTS.c.owner_id) & (ACCEPTANCES.c.version_id == CONTRACTS.c.version_id),
    )
    .where(CONTRACTS.c.id.in_(WANTED))
)
READ = select(VERSIONS).join(CONTRACTS, CONTRACTS.c.version_id == VERSIONS.c.id)
DOCUMENTS = "/documents"
"""Where documents are read, under the service's address."""


def of_owner() -> Select[Any]:
    """BIL-19. The contracts that were put to a profile, the latest version first."""
    contracts = select(CONTRACTS.c.owner_id).join(VERSIONS, VERSIONS.c.id == CONTRACTS.c.version_id)
    return contracts.order_by(VERSIONS.c.in_force_from.desc(), VERSIONS.c.document, CONTRACTS.c.id)


async def titles(context: Context, keys: Sequence[UUID]) -> list[str]:
    """The title of each version, in the reader's language."""
    found = await _shown(context, keys)
    return [context.locale.pick(found[key].title_en, found[key].title_fr) for key in keys]


async def numbers(context: Context, keys: Sequence[UUID]) -> list[str]:
    """What each version is called."""
    found = await _shown(context, keys)
    return [found[key].version for key in keys]


async def _shown(context: Context, keys: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    return {row.id: row for row in await context.db.rows(SHOWN, {"wanted": list(keys)})}


async def acceptances(context: Context, keys: Sequence[UUID]) -> list[datetime | None]:
    """BIL-19. When each contract was accepted; None while it waits."""
    found = dict(map(tuple, await context.db.rows(SIGNED, {"wanted": list(keys)})))
    return [found.get(key) for key in keys]


async def addresses(context: Context, keys: Sequence[UUID]) -> list[str]:
    """BIL-19. For each contract a link to its text, for this reader and a few minutes of real time."""
    expires_at = context.clock.now() + context.figures.document_link_lifetime
    tokens = (
        document_token(context.key, DocumentLink(key, context.viewer.key, context.locale, expires_at)) for key in keys
    )
    return [f"{context.public_url}{DOCUMENTS}/{token}" for token in tokens]


async def accept(context: Context, *, key: UUID) -> UUID:
    """BIL-19. Accept a contract for its owner; answers its key."""
    async with writing(context) as write:
        contract = await find(context, write, Contract, key, "contract_id")
        accepted = {row.version_id for row in await write.rows(ACCEPTED, {"owner_id": contract.owner_id})}
        latest = concerning(await write.rows(PUBLISHED), write.now)
        key = contract.version_id
        write.add(contract.accept(write.record, accepted=key in accepted, latest=key in latest))
    return contract.id


async def put_to(write: Write, owner_id: UUID) -> None:
    """BIL-19. What is in force, and what is to come, is put to a profile whose address is confirmed; it is locked.

    The versions are read after its row was written: who publishes one waits for that, and puts it to all there are.
    """
    versions = await write.rows(PUBLISHED)
    put = {row.version_id for row in await write.rows(PUT, {"owner_id": owner_id})}
    begun = in_force(versions, write.now)
    wanted = set(concerning(versions, write.now)) - put
    for version in versions:
        if version.id in wanted:
            contract = Contract(owner_id=owner_id, version_id=version.id)
            write.add(contract)
            if version.at_sign_up and version.id in begun:
                write.add(contract.accepted(write.record, by=owner_id))


async def current(write: Write) -> set[UUID]:
    """BIL-19. The versions in force."""
    return in_force(await write.rows(PUBLISHED), write.now)


async def pending(rows: Read, owner_id: UUID, at: datetime) -> ContractPending | None:
    """BIL-19. Why nothing is billed to an owner who has not accepted what is in force; None where they have."""
    accepted = {row.version_id for row in await rows(ACCEPTED, {"owner_id": owner_id})}
    try:
        check_accepted(await rows(PUBLISHED), accepted, at)
    except ContractPending as waits:
        return waits
    return None


async def check_none_pending(write: Write, owner_id: UUID) -> None:
    """BIL-19. Raises ContractPending where the owner has not accepted what is in force: asked before what is billed."""
    if (waits := await pending(write.rows, owner_id, write.now)) is not None:
        raise waits


async def read(db: Db, link: DocumentLink) -> tuple[str, str] | None:
    """BIL-19. The name of a file and its text, for a link that is good; None where the contract is gone."""
    version = await db.first(READ.where(CONTRACTS.c.id == link.contract_id))
    if version is None:
        return None
    language = link.locale.value.lower()
    return f"{version.document}-{version.version}.{language}.md", link.locale.pick(version.text_en, version.text_fr)

"""TOK-5. Other services of the provider: each calls with a credential of its own, for what it is there for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.column import Instant, json_column, new_id
from models.secret import SecretKind, fingerprint, new_secret

NAME_LENGTH = 80


class ServiceScope(StrEnum):
    """What a service may ask or report."""

    ACCESS_CHECK = "ACCESS_CHECK"
    PROVISIONING = "PROVISIONING"
    PAYMENTS = "PAYMENTS"
    ABUSE = "ABUSE"
    SUPPORT = "SUPPORT"


class ServiceCredential(SQLModel, table=True):
    """TOK-5. What one service calls with at `/staff/graphql`; kept as a hash."""

    __tablename__ = "service_credential"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=NAME_LENGTH, unique=True)
    secret_hash: str = Field(max_length=64, unique=True, repr=False)
    scopes: list[str] = Field(default_factory=list, sa_type=json_column())
    networks: list[str] = Field(default_factory=list, sa_type=json_column())
    """Where it may call from; none is anywhere."""
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)


def new_credential(
    name: str, scopes: list[ServiceScope], networks: list[str], now: datetime
) -> tuple[ServiceCredential, str]:
    """A credential, and its secret, which exists nowhere else."""
    secret = new_secret(SecretKind.SERVICE)
    made = ServiceCredential(
        name=name, secret_hash=fingerprint(secret), scopes=list(scopes), networks=networks, created_at=now
    )
    return made, secret

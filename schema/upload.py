"""TIC-1. Uploads: a file is announced, sent to an address of its own, and attached by its id."""

from datetime import datetime
from uuid import UUID

import strawberry

from models.refusal import Code
from models.upload import UploadRejected
from resolvers import upload as acts
from schema.directive import authorize
from schema.global_id import global_id, read_global_id
from schema.mutation import Info, MutationPayload, mutation
from schema.scalar import Url

KIND = "Upload"


@strawberry.type(description="An HTTP header.")
class HttpHeader:
    name: str = strawberry.field(description="Name.")
    value: str = strawberry.field(description="Value.")


@strawberry.type(description="Where to send the bytes of an announced file.")
class UploadTarget:
    upload_id: strawberry.ID = strawberry.field(description="Id to pass as attachment.")
    url: Url = strawberry.field(description="Address to send the bytes to with PUT.")
    headers: list[HttpHeader] = strawberry.field(description="Headers to send (bounded list).")
    expires_at: datetime = strawberry.field(description="Deadline.")


@strawberry.input(description="Arguments of uploadCreate.")
class UploadCreateInput:
    filename: str = strawberry.field(description="Name.")
    content_type: str = strawberry.field(description="Media type.")
    byte_size: int = strawberry.field(description="Size in bytes, at most 20 MB.")
    sha256: str = strawberry.field(description="SHA-256, lower-case hexadecimal.")


@strawberry.type(description="Result of uploadCreate.")
class UploadCreatePayload(MutationPayload):
    target: UploadTarget | None = strawberry.field(description="Where to send it.")


def upload_keys(ids: list[strawberry.ID]) -> list[UUID]:
    """The uploads that an input attaches; whatever is none is refused as one that cannot be attached."""
    found = [read_global_id(each) for each in ids]
    keys = [each[1] for each in found if each is not None and each[0] == KIND]
    if len(keys) < len(ids):
        raise UploadRejected().at("upload_ids")
    return keys


@strawberry.type
class UploadMutation:
    @mutation(
        UploadCreatePayload,
        authorize(),
        fails=[Code.UPLOAD_REJECTED],
        suspended=True,
        description="Announce a file; send its bytes to the address returned.",
    )
    async def upload_create(self, info: Info, input: UploadCreateInput) -> UploadCreatePayload | None:
        announced, address = await acts.create(
            info.context,
            filename=input.filename,
            content_type=input.content_type,
            byte_size=input.byte_size,
            sha256=input.sha256,
        )
        target = UploadTarget(
            upload_id=strawberry.ID(global_id(KIND, announced.id)),
            url=Url(address),
            headers=[HttpHeader(name="Content-Type", value=announced.content_type)],
            expires_at=announced.expires_at,
        )
        return UploadCreatePayload.of(target=target)

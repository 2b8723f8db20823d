"""PRO-7. Requests for help with lost access as the support team works on them; no customer reaches this."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from engine.error import BAD_USER_INPUT, FieldRefused
from models import access_recovery as rows
from models.profile import ProfileKind, display_name
from resolvers import access_recovery as acts
from schema.enumeration import described
from schema.global_id import global_id, key_of, read_global_id
from schema.mutation import Info, mutation
from schema.page import MOST, next_of, place
from schema.provisioning import ServicePayload
from schema.scalar import EmailAddress
from schema.service import SUPPORT_STAFF

described(
    rows.RecoveryStatus,
    "Where a request for help with lost access is.",
    name="AccessRecoveryStatus",
    OPEN="Under way.",
    DONE="What was asked for is done.",
    CLOSED="Nothing came of it.",
)
described(
    rows.RecoveryStep,
    "How somebody shows who they are.",
    name="AccessRecoveryStep",
    CALL="A call to the telephone number on file.",
    DOCUMENTS="Documents that came by mail.",
)
PAPERS = {
    ProfileKind.INDIVIDUAL: "Identity card.",
    ProfileKind.COMPANY: "Identity card of the manager, and an extract of the register.",
    ProfileKind.NON_PROFIT: "Identity card of the president, and the statutes.",
    ProfileKind.PUBLIC_BODY: "Identity card of who answers for it, and the act that names them.",
}
"""PRO-7. Which documents show who asks, where nobody can be called."""
REASON = "Why; it stands in the customer's history."


@strawberry.type(description="A request for help with lost access, and how far it is.")
class AccessRecoveryDesk:
    id: strawberry.ID = strawberry.field(description="Id of the request.")
    email: str = strawberry.field(description="The address as it was given.")
    lost: rows.LostAccess = strawberry.field(description="What is lost.")
    contact: str = strawberry.field(description="Where to be reached, as it was given: proves nothing.")
    message: str = strawberry.field(description="Explanation.")
    asked_at: datetime = strawberry.field(description="When.")
    ip_address: str = strawberry.field(description="From which address.")
    status: rows.RecoveryStatus = strawberry.field(description="State.")
    profile_id: strawberry.ID | None = strawberry.field(
        description="Global id of the profile concerned; null where nobody signs in with the address."
    )
    customer: str | None = strawberry.field(description="Its name.")
    customer_email: str | None = strawberry.field(description="Its e-mail address.")
    phone: str | None = strawberry.field(description="The telephone number on file, the only one to be called.")
    documents: str | None = strawberry.field(description="Which documents show who asks, where nobody can be called.")
    called_at: datetime | None = strawberry.field(description="When a call showed who asks.")
    documents_at: datetime | None = strawberry.field(description="When documents did.")
    needs_code: bool = strawberry.field(description="A mailed code has to be told as well.")
    code_expires_at: datetime | None = strawberry.field(description="Until when the code that was mailed is good.")
    code_at: datetime | None = strawberry.field(description="When the code was told.")
    verified: bool = strawberry.field(description="Its steps are complete: a change may be asked for.")
    closed_at: datetime | None = strawberry.field(description="When it was over.")


@strawberry.type(description="Requests for help with lost access, the oldest first.")
class AccessRecoveryPage:
    recoveries: list[AccessRecoveryDesk] = strawberry.field(description="Requests (bounded list).")
    next: str | None = strawberry.field(description="What to go on after; null at the end.")


def shown(row: Any) -> AccessRecoveryDesk:
    """A case with what is on file of its profile."""
    known = row.owner_id is not None
    name = display_name(row.organization_name, row.first_name, row.last_name, row.email) if known else None
    return AccessRecoveryDesk(
        id=strawberry.ID(global_id("AccessRecovery", row.id)),
        email=row.address,
        lost=row.lost,
        contact=row.contact,
        message=row.message,
        asked_at=row.asked_at,
        ip_address=row.ip_address,
        status=row.status,
        profile_id=strawberry.ID(global_id("Profile", row.owner_id)) if known else None,
        customer=name,
        customer_email=row.email,
        phone=row.phone,
        documents=PAPERS[row.kind] if known else None,
        called_at=row.called_at,
        documents_at=row.documents_at,
        needs_code=row.lost is not rows.LostAccess.EMAIL,
        code_expires_at=row.code_expires_at,
        code_at=row.code_at,
        verified=rows.is_verified(row.lost, row.called_at, row.documents_at, row.code_at),
        closed_at=row.closed_at,
    )


async def access_recoveries(
    self: object,
    info: Info,
    status: rows.RecoveryStatus = rows.RecoveryStatus.OPEN,
    first: int = 25,
    after: str | None = None,
) -> AccessRecoveryPage:
    """PRO-7. The requests in one state."""
    if not 0 < first <= MOST:
        raise FieldRefused(BAD_USER_INPUT, "A page has 1 to {most} items.", most=MOST)
    found = await acts.listed(info.context, status, place(after) if after else None, first + 1)
    page = found[:first]
    more = next_of(page[-1].asked_at, page[-1].id) if len(found) > first else None
    return AccessRecoveryPage(recoveries=[shown(row) for row in page], next=more)


async def access_recovery(self: object, info: Info, recovery_id: strawberry.ID) -> AccessRecoveryDesk | None:
    """PRO-7. One request."""
    found = read_global_id(recovery_id)
    row = await acts.shown(info.context, found[1]) if found and found[0] == "AccessRecovery" else None
    return shown(row) if row else None


@strawberry.type
class AccessRecoveryDeskQuery:
    access_recovery: AccessRecoveryDesk | None = strawberry.field(
        resolver=access_recovery,
        directives=[SUPPORT_STAFF],
        description="A request for help with lost access; null where there is none of this id.",
    )
    access_recoveries: AccessRecoveryPage | None = strawberry.field(
        resolver=access_recoveries,
        directives=[SUPPORT_STAFF],
        description="Requests for help with lost access in one state, open ones unless said otherwise, oldest first.",
    )


@strawberry.input(description="Arguments of accessRecoveryProfile.")
class AccessRecoveryProfileInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request.")
    profile_id: strawberry.ID = strawberry.field(description="Profile that it is about.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of accessRecoveryStepNote.")
class AccessRecoveryStepNoteInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request.")
    step: rows.RecoveryStep = strawberry.field(description="What showed who asks.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of accessRecoveryCodeSend.")
class AccessRecoveryCodeSendInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of accessRecoveryCodeCheck.")
class AccessRecoveryCodeCheckInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request.")
    code: str = strawberry.field(description="The code, as it was told.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of accessRecoveryChangeAsk.")
class AccessRecoveryChangeAskInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request, verified.")
    new_email: EmailAddress | None = strawberry.field(
        default=strawberry.UNSET, description="The address to sign in with, where the old one is what was lost."
    )
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.input(description="Arguments of accessRecoveryClose.")
class AccessRecoveryCloseInput:
    recovery_id: strawberry.ID = strawberry.field(description="Request.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)


@strawberry.type(description="Result of what is done to a request for help with lost access.")
class AccessRecoveryPayload(ServicePayload):
    changed: bool | None = strawberry.field(description="It was done.")


@strawberry.type(description="Result of accessRecoveryCodeCheck.")
class AccessRecoveryCodeCheckPayload(ServicePayload):
    right: bool | None = strawberry.field(description="It is the code that was mailed; a wrong one counts.")


@strawberry.type(description="Result of accessRecoveryChangeAsk.")
class AccessRecoveryChangeAskPayload(ServicePayload):
    approval_id: strawberry.ID | None = strawberry.field(description="What somebody else of the staff has to approve.")


def recovery_key(text: str) -> UUID:
    """The key of the case that an input names."""
    return key_of(text, "AccessRecovery", "recovery_id")


@strawberry.type
class AccessRecoveryDeskMutation:
    @mutation(
        AccessRecoveryPayload,
        SUPPORT_STAFF,
        description="Say which profile a request is about, where nobody signs in with the address that was given.",
    )
    async def access_recovery_profile(
        self, info: Info, input: AccessRecoveryProfileInput
    ) -> AccessRecoveryPayload | None:
        profile_id = key_of(input.profile_id, "Profile", "profile_id")
        await acts.concern(info.context, key=recovery_key(input.recovery_id), profile_id=profile_id)
        return AccessRecoveryPayload.of(changed=True)

    @mutation(AccessRecoveryPayload, SUPPORT_STAFF, description="Note that a call or documents showed who asks.")
    async def access_recovery_step_note(
        self, info: Info, input: AccessRecoveryStepNoteInput
    ) -> AccessRecoveryPayload | None:
        await acts.note(info.context, key=recovery_key(input.recovery_id), step=input.step)
        return AccessRecoveryPayload.of(changed=True)

    @mutation(
        AccessRecoveryPayload,
        SUPPORT_STAFF,
        description="Mail a random code to the profile; one that was mailed before is no good any more.",
    )
    async def access_recovery_code_send(
        self, info: Info, input: AccessRecoveryCodeSendInput
    ) -> AccessRecoveryPayload | None:
        await acts.send_code(info.context, key=recovery_key(input.recovery_id))
        return AccessRecoveryPayload.of(changed=True)

    @mutation(
        AccessRecoveryCodeCheckPayload,
        SUPPORT_STAFF,
        description="Check the code that the customer told; it can be tried a few times only.",
    )
    async def access_recovery_code_check(
        self, info: Info, input: AccessRecoveryCodeCheckInput
    ) -> AccessRecoveryCodeCheckPayload | None:
        right = await acts.check_code(info.context, key=recovery_key(input.recovery_id), code=input.code)
        return AccessRecoveryCodeCheckPayload.of(right=right)

    @mutation(
        AccessRecoveryChangeAskPayload,
        SUPPORT_STAFF,
        description="Ask somebody else of the staff to approve what a verified request is for.",
    )
    async def access_recovery_change_ask(
        self, info: Info, input: AccessRecoveryChangeAskInput
    ) -> AccessRecoveryChangeAskPayload | None:
        key = await acts.ask_change(
            info.context,
            key=recovery_key(input.recovery_id),
            address=input.new_email or None,
        )
        return AccessRecoveryChangeAskPayload.of(approval_id=global_id("Approval", key))

    @mutation(AccessRecoveryPayload, SUPPORT_STAFF, description="Close a request of which nothing comes.")
    async def access_recovery_close(self, info: Info, input: AccessRecoveryCloseInput) -> AccessRecoveryPayload | None:
        await acts.close(info.context, key=recovery_key(input.recovery_id))
        return AccessRecoveryPayload.of(changed=True)

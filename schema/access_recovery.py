"""PRO-7. Lost access: what somebody asks for who cannot sign in."""

import strawberry

from models import access_recovery as rows
from resolvers import access_recovery as acts
from schema.directive import PUBLIC
from schema.enumeration import described
from schema.mutation import Info, MutationPayload, mutation

described(
    rows.LostAccess,
    "What is lost.",
    EMAIL="The e-mail address or the mailbox behind it.",
    TWO_FACTOR="The second factor and the recovery codes.",
    IP_ALLOWLIST="Every address of the filter.",
)


@strawberry.input(description="Arguments of accessRecoveryRequest.")
class AccessRecoveryRequestInput:
    email: str = strawberry.field(description="Log-in address, as far as remembered.")
    lost: rows.LostAccess = strawberry.field(description="What is lost.")
    contact: str = strawberry.field(description="Where to be reached.")
    message: str = strawberry.field(description="Explanation.")


@strawberry.type(description="Result of accessRecoveryRequest.")
class AccessRecoveryRequestPayload(MutationPayload):
    """Nothing of its own."""


@strawberry.type
class AccessRecoveryMutation:
    @mutation(
        AccessRecoveryRequestPayload,
        PUBLIC,
        quiet=True,
        description="Ask staff for help with a lost e-mail address, second factor or address filter; always succeeds.",
    )
    async def access_recovery_request(
        self, info: Info, input: AccessRecoveryRequestInput
    ) -> AccessRecoveryRequestPayload | None:
        asked = acts.Request(
            address=rows.checked("email", input.email, rows.ADDRESS_LENGTH),
            lost=input.lost,
            contact=rows.checked("contact", input.contact, rows.CONTACT_LENGTH),
            message=rows.checked("message", input.message, rows.MESSAGE_LENGTH),
        )
        await acts.request(info.context, asked=asked)
        return AccessRecoveryRequestPayload.of()

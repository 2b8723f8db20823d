"""PRO-5. Two-factor authentication: set up, turned off, and the second step of a sign-in."""

import io

import segno
import strawberry

from models.refusal import Code
from models.secret import unsaid
from resolvers import challenge, two_factor
from schema.directive import PUBLIC, authorize
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.security import Security
from schema.session import BearerCredentials, Session


@strawberry.input(description="Arguments of sessionVerifyTwoFactor.")
class SessionVerifyTwoFactorInput:
    challenge_id: strawberry.ID = strawberry.field(description="Challenge id.")
    code: str = strawberry.field(description="Six digits, or a recovery code.")

    __repr__ = unsaid


@strawberry.type(description="Result of sessionVerifyTwoFactor.")
class SessionVerifyTwoFactorPayload(MutationPayload):
    session: Session | None = refetched("session", "The session.")
    credentials: BearerCredentials | None = strawberry.field(description="Credentials, for bearer transport only.")


@strawberry.input(description="Arguments of twoFactorEnroll.")
class TwoFactorEnrollInput:
    current_password: str = strawberry.field(description="Present password.")

    __repr__ = unsaid


@strawberry.type(description="Result of twoFactorEnroll.")
class TwoFactorEnrollPayload(MutationPayload):
    secret: str | None = strawberry.field(description="Secret for typing in.")
    otpauth_uri: str | None = strawberry.field(
        description="otpauth:// address, for clients that draw their own QR code."
    )
    qr_svg: str | None = strawberry.field(description="The QR code as an SVG document.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of twoFactorActivate.")
class TwoFactorActivateInput:
    code: str = strawberry.field(description="Six digits.")

    __repr__ = unsaid


@strawberry.type(description="Result of twoFactorActivate.")
class TwoFactorActivatePayload(MutationPayload):
    security: Security | None = refetched("security", "Security settings.")
    recovery_codes: list[str] | None = strawberry.field(description="Ten single-use recovery codes, shown once.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of twoFactorDisable.")
class TwoFactorDisableInput:
    current_password: str = strawberry.field(description="Present password.")
    code: str = strawberry.field(description="Six digits.")

    __repr__ = unsaid


@strawberry.type(description="Result of twoFactorDisable.")
class TwoFactorDisablePayload(MutationPayload):
    security: Security | None = refetched("security", "Security settings.")


@strawberry.input(description="Arguments of recoveryCodesRegenerate.")
class RecoveryCodesRegenerateInput:
    current_password: str = strawberry.field(description="Present password.")

    __repr__ = unsaid


@strawberry.type(description="Result of recoveryCodesRegenerate.")
class RecoveryCodesRegeneratePayload(MutationPayload):
    security: Security | None = refetched("security", "Security settings.")
    recovery_codes: list[str] | None = strawberry.field(description="Ten single-use codes, shown once.")

    __repr__ = unsaid


def qr_svg(text: str) -> str:
    """A QR code that can be shown as it is: a whole document, black on white."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", scale=4, light="#fff", xmldecl=False)
    return drawn.getvalue().decode()


@strawberry.type
class TwoFactorMutation:
    @mutation(
        SessionVerifyTwoFactorPayload,
        PUBLIC,
        fails=[Code.INVALID_CODE, Code.EXPIRED],
        description="Answer the two-factor challenge.",
    )
    async def session_verify_two_factor(
        self, info: Info, input: SessionVerifyTwoFactorInput
    ) -> SessionVerifyTwoFactorPayload | None:
        opened = await challenge.verify(info.context, challenge_id=input.challenge_id, code=input.code)
        return SessionVerifyTwoFactorPayload.of(session=opened.session.id, credentials=BearerCredentials.for_(opened))

    @mutation(
        TwoFactorEnrollPayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CREDENTIALS],
        description="Start two-factor enrolment: answers the secret and its QR code.",
        suspended=True,
    )
    async def two_factor_enroll(self, info: Info, input: TwoFactorEnrollInput) -> TwoFactorEnrollPayload | None:
        made = await two_factor.enroll(info.context, password=input.current_password)
        return TwoFactorEnrollPayload.of(secret=made.secret, otpauth_uri=made.uri, qr_svg=qr_svg(made.uri))

    @mutation(
        TwoFactorActivatePayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CODE],
        description="Finish enrolment with a first code.",
        suspended=True,
    )
    async def two_factor_activate(self, info: Info, input: TwoFactorActivateInput) -> TwoFactorActivatePayload | None:
        shown = await two_factor.activate(info.context, code=input.code)
        return TwoFactorActivatePayload.of(security=shown.profile_id, recovery_codes=shown.codes)

    @mutation(
        TwoFactorDisablePayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CREDENTIALS, Code.INVALID_CODE],
        description="Turn two-factor authentication off; revokes API tokens.",
        suspended=True,
    )
    async def two_factor_disable(self, info: Info, input: TwoFactorDisableInput) -> TwoFactorDisablePayload | None:
        key = await two_factor.disable(info.context, password=input.current_password, code=input.code)
        return TwoFactorDisablePayload.of(security=key)

    @mutation(
        RecoveryCodesRegeneratePayload,
        authorize(interactive=True, two_factor=True),
        fails=[Code.INVALID_CREDENTIALS],
        description="Replace the recovery codes; the old ones stop working.",
        suspended=True,
    )
    async def recovery_codes_regenerate(
        self, info: Info, input: RecoveryCodesRegenerateInput
    ) -> RecoveryCodesRegeneratePayload | None:
        shown = await two_factor.regenerate(info.context, password=input.current_password)
        return RecoveryCodesRegeneratePayload.of(security=shown.profile_id, recovery_codes=shown.codes)

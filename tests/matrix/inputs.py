"""A minimal input for each mutation, good but for whose object it names."""

from collections.abc import Mapping
from typing import Any

from schema.global_id import global_id
from tests.matrix.expected import Caller, Target
from tests.matrix.seed import PASSWORD
from tests.matrix.table import MUTATIONS
from tests.matrix.world import PLAN, World

CODE = "123456"
NEW_PASSWORD = "seven-lanterns-over-the-harbour"
LINK = "esp_link_0000000000000000000000000000000000000000000000000"
KEY = "0190d000-0000-7000-8000-000000000001"
ANY_TARGET = {"publicCloud": {"planId": global_id("Plan", PLAN), "period": "MONTHLY"}}

FIXED: Mapping[str, Mapping[str, Any]] = {
    "profileRegister": {"email": "new@matrix.example", "password": NEW_PASSWORD, "acceptTerms": True},
    "emailVerify": {"token": LINK},
    "sessionCreate": {"email": "partner-main@matrix.example", "password": PASSWORD, "transport": "BEARER"},
    "sessionVerifyTwoFactor": {"challengeId": "none", "code": CODE},
    "sessionRefresh": {"refreshToken": "none"},
    "passwordResetRequest": {"email": "partner-main@matrix.example"},
    "accessRecoveryRequest": {
        "email": "partner-main@matrix.example",
        "lost": "TWO_FACTOR",
        "contact": "+33 1 99 00 12 34",
        "message": "My telephone is gone",
    },
    "passwordReset": {"token": LINK, "password": NEW_PASSWORD},
    "passwordChange": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD},
    "emailChange": {"email": "changed@matrix.example", "currentPassword": PASSWORD},
    "emailVerificationResend": {},
    "twoFactorEnroll": {"currentPassword": PASSWORD},
    "twoFactorActivate": {"code": CODE},
    "twoFactorDisable": {"currentPassword": PASSWORD, "code": CODE},
    "recoveryCodesRegenerate": {"currentPassword": PASSWORD},
    "ipAllowlistUpdate": {"networks": []},
    "profileUpdate": {"locale": "FR"},
    "dataExport": {"currentPassword": PASSWORD},
    "profileDelete": {"confirmation": "nobody@matrix.example", "currentPassword": PASSWORD},
    "sessionDelete": {},
    "apiTokenCreate": {"name": "Matrix"},
    "apiTokenUpdate": {"name": "Renamed"},
    "apiTokenRegenerate": {},
    "apiTokenDelete": {},
    "sandboxClockAdvance": {"to": "2026-12-24T09:00:00Z"},
    "contractAccept": {},
    "permissionGrantSave": {"email": "granted@matrix.example"},
    "permissionGrantRevoke": {},
    "permissionGrantRenounce": {},
    "accountOpen": {
        "servicePassword": NEW_PASSWORD,
        "account": {"name": "matrix-opened", "target": ANY_TARGET},
        "quoteToken": "none",
        "idempotencyKey": KEY,
    },
    "accountPlanChange": {
        "planId": global_id("Plan", PLAN),
        "period": "MONTHLY",
        "quoteToken": "none",
        "idempotencyKey": KEY,
    },
    "invoicingDayUpdate": {"day": 1, "quoteToken": "none", "idempotencyKey": KEY},
    "balanceTopUp": {
        "amount": {"amount": "10.00"},
        "source": {"oneTimeToken": "card_ok"},
        "idempotencyKey": KEY,
    },
    "invoicePay": {
        "invoiceIds": [],
        "expectedTotal": {"amount": "10.00"},
        "source": {"oneTimeToken": "card_ok"},
        "idempotencyKey": KEY,
    },
    "paymentConfirm": {},
    "paymentCancel": {},
    "paymentMethodAdd": {"method": {"cardToken": "card_ok"}, "idempotencyKey": KEY},
    "paymentMethodConfirm": {},
    "paymentMethodUpdate": {"autoDebit": True},
    "paymentMethodRemove": {},
    "uploadCreate": {"filename": "a.txt", "contentType": "text/plain", "byteSize": 1, "sha256": "0" * 64},
    "ticketOpen": {"subject": "Matrix", "body": "Matrix", "category": "BILLING", "idempotencyKey": KEY},
    "ticketReply": {"body": "Matrix"},
    "ticketClose": {},
    "ticketReopen": {},
    "ticketMarkRead": {},
    "subscriptionRenewalUpdate": {"renews": False},
    "migrationApply": {},
    "interventionCancel": {"quoteToken": "none", "idempotencyKey": KEY},
    "accountRename": {"name": "matrix-renamed", "confirmation": "main-account"},
    "accountDelete": {"confirmation": "main-account"},
    "serverRename": {"name": "matrix-renamed"},
    "transferStart": {
        "recipientEmail": "partner-other@matrix.example",
        "mode": "KEEP_END_DATE",
        "quoteToken": "none",
        "idempotencyKey": KEY,
    },
    "transferCancel": {},
    "transferAccept": {"quoteToken": "none", "idempotencyKey": KEY},
    "transferDecline": {},
    "serverDelete": {"confirmation": "main-server"},
}
"""All of an input but for the id of the object."""
IDS = {
    "PermissionGrant": "grantId",
    "Profile": "ownerId",
    "ServiceSubscription": "subscriptionId",
    "CardPaymentMethod": "paymentMethodId",
}
"""The input's name for an id of a type, where it is not the type's own name."""
OF_PROFILE = {"invoicingDayUpdate", "balanceTopUp", "invoicePay", "paymentMethodAdd", "ticketOpen"}
"""Mutations whose input calls a profile that."""


def is_about_an_object(mutation: str) -> bool:
    """Whether its input names an object, by an id."""
    call = MUTATIONS[mutation]
    return bool(call.further) or call.about not in ("viewer", "Sandbox")


def input_of(world: World, caller: Caller, mutation: str, target: Target) -> dict[str, Any]:
    """The input that names this object; one without an object is the same for all."""
    fixed, call = dict(FIXED[mutation]), MUTATIONS[mutation]
    if call.further:
        account = world.id(caller, "Account", target)
        return {**fixed, "accounts": [{"accountId": account, "permissions": ["SITES"]}]}
    if not is_about_an_object(mutation):
        return fixed
    kind = call.about
    name = "profileId" if mutation in OF_PROFILE else IDS.get(kind, kind[:1].lower() + kind[1:] + "Id")
    name = "itemId" if mutation == "transferStart" else name
    return {**fixed, name: world.id(caller, kind, target)}

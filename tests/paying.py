"""Payments in tests, over the API."""

from typing import Any
from uuid import uuid4

from tests.api import OWNER, Api, profile_id

PAYMENT = """id status kind amount { amount } method { id label } invoices { number } createdAt settledAt
  nextAction { redirectUrl clientSecret expiresAt bankDetails { holder iban bic reference rfReference } }
  failure { reason message retryable }"""
ERRORS = f"""userErrors {{ __typename code field message
  ... on PaymentDeclinedError {{ failure {{ reason retryable }} payment {{ {PAYMENT} }} }}
  ... on InsufficientBalanceError {{ missing {{ amount }} }} }}"""
TOP_UP = f"""mutation TopUp($input: BalanceTopUpInput!) {{ balanceTopUp(input: $input) {{
  payment {{ {PAYMENT} }} billing {{ balance {{ amount }} }} {ERRORS} }} }}"""
PAY = f"""mutation Pay($input: InvoicePayInput!) {{ invoicePay(input: $input) {{
  payment {{ {PAYMENT} }} invoices {{ number status amountDue {{ amount }} }} {ERRORS} }} }}"""
CONFIRM = f"""mutation Confirm($id: ID!) {{ paymentConfirm(input: {{paymentId: $id}}) {{
  payment {{ {PAYMENT} }} {ERRORS} }} }}"""
CANCEL = f"""mutation Cancel($id: ID!) {{ paymentCancel(input: {{paymentId: $id}}) {{
  payment {{ {PAYMENT} }} {ERRORS} }} }}"""
METHOD = """id label default autoDebit usable createdAt
  ... on CardPaymentMethod { brand last4 expiresOn }"""
ADD = f"""mutation Add($input: PaymentMethodAddInput!) {{ paymentMethodAdd(input: $input) {{
  paymentMethod {{ {METHOD} }} nextAction {{ redirectUrl clientSecret expiresAt }} {ERRORS} }} }}"""
CONFIRM_METHOD = f"""mutation Confirm($id: ID!) {{ paymentMethodConfirm(input: {{paymentMethodId: $id}}) {{
  paymentMethod {{ {METHOD} }} {ERRORS} }} }}"""
UPDATE = f"""mutation Update($input: PaymentMethodUpdateInput!) {{ paymentMethodUpdate(input: $input) {{
  paymentMethod {{ {METHOD} }} {ERRORS} }} }}"""
REMOVE = f"""mutation Remove($id: ID!) {{ paymentMethodRemove(input: {{paymentMethodId: $id}}) {{
  deletedId {ERRORS} }} }}"""
MONEY = f"""query Money($id: ID!) {{ node(id: $id) {{ ... on Profile {{ restricted restrictionRemedy billing {{
  balance {{ amount }} amountDue {{ amount }} bankDetails {{ holder iban bic reference rfReference }}
  payments {{ totalCount nodes {{ {PAYMENT} }} }}
  paymentMethods {{ {METHOD} }}
  invoices {{ nodes {{ id number status amountDue {{ amount }} payments {{ id }} }} }}
  ledger {{ nodes {{ kind amount {{ amount }} source {{ ... on Payment {{ id }} ... on Invoice {{ number }} }} }} }}
  }} }} }} }}"""


def token(name: str) -> dict[str, str]:
    """A card that is not kept."""
    return {"oneTimeToken": name}


async def asked(api: Api, document: str, variables: Any, person: Any = OWNER) -> Any:
    """What the one mutation of a document answers."""
    (payload,) = (await api.ask(document, variables, token=await api.token(person))).data.values()
    return payload


async def top_up(api: Api, amount: str, source: Any, person: Any = OWNER, **values: Any) -> Any:
    """Pay in."""
    given = {"amount": {"amount": amount}, "source": source, "idempotencyKey": str(uuid4()), **values}
    return await asked(api, TOP_UP, {"input": given}, person)


async def pay_invoices(api: Api, keys: list[str], total: str, source: Any, person: Any = OWNER, **values: Any) -> Any:
    """Pay what is left of invoices."""
    given = {
        "invoiceIds": keys,
        "expectedTotal": {"amount": total},
        "source": source,
        "idempotencyKey": str(uuid4()),
        **values,
    }
    return await asked(api, PAY, {"input": given}, person)


async def add_card(api: Api, card: str, person: Any = OWNER, **values: Any) -> Any:
    """Have a card stored."""
    given = {"method": {"cardToken": card}, "idempotencyKey": str(uuid4()), **values}
    return await asked(api, ADD, {"input": given}, person)


async def money(api: Api, person: Any = OWNER) -> Any:
    """What a profile reads of its money."""
    answer = await api.ask(MONEY, {"id": profile_id(person)}, token=await api.token(person))
    return answer.data["node"]


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]

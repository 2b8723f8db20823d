"""What the support team does at the staff schema, in tests: servers set up, and interventions planned and closed."""

from typing import Any
from uuid import uuid4

from models.service import ServiceCredential, ServiceScope
from tests.api import OWNER, Api, profile_id
from tests.cycle import PRICE
from tests.hosting import FORGE_ID
from tests.opening import ERROR
from tests.test_access import credential, staff

CREATE = f"""mutation ($input: ServerCreateInput!) {{ done: serverCreate(input: $input) {{
  serverId userErrors {{ {ERROR} }} }} }}"""
SCHEDULE = f"""mutation ($input: InterventionScheduleInput!) {{ done: interventionSchedule(input: $input) {{
  interventionId userErrors {{ {ERROR} }} }} }}"""
COMPLETE = f"""mutation ($input: InterventionCompleteInput!) {{ done: interventionComplete(input: $input) {{
  changed userErrors {{ {ERROR} }} }} }}"""
CALL_OFF = f"""mutation ($input: InterventionCallOffInput!) {{ done: interventionCallOff(input: $input) {{
  changed userErrors {{ {ERROR} }} }} }}"""
QUOTE = f"""query ($id: ID!, $codes: [String!]!) {{ node(id: $id) {{ ... on Server {{
  interventionQuote(codes: $codes) {{ {PRICE} }} }} }} }}"""
CANCEL_QUOTE = (
    f"""query ($id: ID!) {{ node(id: $id) {{ ... on Intervention {{ status cancelQuote {{ {PRICE} }} }} }} }}"""
)
CANCEL = f"""mutation ($input: InterventionCancelInput!) {{ interventionCancel(input: $input) {{
  intervention {{ id status }} userErrors {{ {ERROR}
    ... on QuoteError {{ current {{ token charge {{ net {{ amount }} }} }} }} }} }} }}"""
ALL_THREE = ["cpu_upgrade", "ram_change", "gpu_addition"]
SLOT = "2026-11-30T09:00:00Z"


async def support(api: Api, document: str, **given: Any) -> Any:
    """The support team's answer; another credential each time."""
    name = f"support{len(await api.rows(ServiceCredential))}"
    secret = await credential(api, ServiceScope.SUPPORT, name=name)
    return (await staff(api, secret, document, {"input": given})).data["done"]


async def scheduled(api: Api, *, server: str = FORGE_ID, codes: Any = None, slot: str = SLOT, **given: Any) -> Any:
    """Plan work on a server."""
    values = {"serverId": server, "codes": codes or ALL_THREE, "scheduledFor": slot, "reason": "More power."}
    return await support(api, SCHEDULE, **{**values, **given})


async def planned(api: Api, **given: Any) -> str:
    """The id of an intervention that is planned."""
    payload = await scheduled(api, **given)
    assert payload["userErrors"] == []
    key: str = payload["interventionId"]
    return key


async def created(api: Api, name: str = "anvil", **given: Any) -> Any:
    """Set a server up for the owner."""
    values = {
        "profileId": profile_id(OWNER),
        "name": name,
        "plan": "dedicated",
        "period": "MONTHLY",
        "committed": True,
        "cpu": "8 cores",
        "disks": "1 TB NVMe",
        "memoryMegabytes": 16_384,
        "trafficGigabytes": 3_000,
        "reason": "As agreed by phone.",
    }
    return await support(api, CREATE, **{**values, **given})


async def work_quote(api: Api, server: str = FORGE_ID, codes: Any = ALL_THREE, person: Any = OWNER) -> Any:
    answer = await api.ask(QUOTE, {"id": server, "codes": codes}, token=await api.token(person))
    return answer.data["node"]["interventionQuote"]


async def cancel_quote(api: Api, key: str, person: Any = OWNER) -> Any:
    answer = await api.ask(CANCEL_QUOTE, {"id": key}, token=await api.token(person))
    return answer.data["node"]["cancelQuote"]


async def cancelled(api: Api, key: str, person: Any = OWNER, **values: Any) -> Any:
    """Cancel an intervention as it is quoted now."""
    given = {"interventionId": key, "idempotencyKey": str(uuid4()), **values}
    if "quoteToken" not in given:
        given["quoteToken"] = (await cancel_quote(api, key, person))["token"] or "none"
    answer = await api.ask(CANCEL, {"input": given}, token=await api.token(person))
    return answer.data["interventionCancel"]

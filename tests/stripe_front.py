"""Stripe in tests: localstripe keeps the state, and stands behind a front that says it as Stripe's API does by now.

What localstripe 1.15 lacks, and the front adds after Stripe's documentation: idempotency keys; the parameters
`allowed_payment_method_types`, `return_url` and `created`; `redirect_to_url`, `amount_received`, `disputed` and
`latest_charge` as a name; the type, the decline code and the intent of a card's error; `off_session` where a card asks
for its holder; disputes. The front also loses requests and answers, as networks do.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson

from tests.server import PATIENCE, answers, free_port

SECRET_KEY, SIGNS_WITH = "sk_test_espace", "whsec_onlyfortests"
PATH = "/webhooks/payments/stripe"
PROGRAM = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None  # It would write where every other one does.
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""
DECLINES = {"card_declined": "generic_decline"}
Form = dict[str, str]


@contextmanager
def localstripe(folder: Path) -> Iterator[str]:
    """A server of its own, in an empty folder; answers its address."""
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        assert answers(f"{url}/js.stripe.com/v3/", process), (folder / "log").read_text("utf-8")
        yield url
    finally:
        process.kill()
        process.wait(PATIENCE)


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    form: Form
    headers: dict[str, str]

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key") if self.method == "POST" else None


@dataclass
class Front:
    """What the adapter speaks with."""

    behind: httpx.AsyncClient
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    kept: dict[str, tuple[Any, int, Any]] = field(default_factory=dict)
    """What was answered to each idempotency key."""
    back: dict[str, str] = field(default_factory=dict)
    """Where customers return to, by the intent."""
    disputes: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    """So many requests do not arrive."""
    cut: int = 0
    """So many are done, and their answers do not arrive."""
    late: bool = False
    """What is done is not answered in time."""
    blind: bool = False
    """Lists show nothing."""
    page: int = 100
    """So many of a list at once, at most."""
    broken: tuple[int, Any] | None = None
    """What is answered to everything, and done for nobody."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    lands: httpx.AsyncClient | None = None
    """Where notices go on to."""
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    brand: str = "visa"
    """Of every card that is stored."""

    def posts(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.method == "POST" and each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.splitlines()
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines if each)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = first.split(" ")
            if target == PATH:
                await self._land(body, headers, writer)
            else:
                await self._answer(method, target, body, headers, writer)
        writer.close()

    async def _land(self, body: bytes, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        status = 410
        if self.lands is not None:
            sent = {"stripe-signature": headers["stripe-signature"]}
            status = (await self.lands.post(PATH, content=body, headers=sent)).status_code
        writer.write(f"HTTP/1.1 {status} Heard\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        self.landed.set()

    async def _answer(
        self, method: str, target: str, body: bytes, headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        parts = urlsplit(target)
        form = dict(parse_qsl(body.decode() if method == "POST" else parts.query))
        asked = Asked(method, parts.path, form, headers)
        self.asked.append(asked)
        if self.lost:
            self.lost -= 1
            writer.transport.abort()
            return
        status, said, replayed = await self._once(asked)
        if self.late:
            await self.over.wait()
        if self.cut and method == "POST":
            self.cut -= 1
            writer.transport.abort()
            return
        raw = said if isinstance(said, bytes) else orjson.dumps(said)
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(raw)}\r\nRequest-Id: req_1\r\n"
        writer.write(f"{head}{'Idempotent-Replayed: true' if replayed else 'X-Fresh: true'}\r\n\r\n".encode() + raw)
        await writer.drain()

    async def _once(self, asked: Asked) -> tuple[int, Any, bool]:
        """What was done is answered again to the same key; what was refused unseen is not kept."""
        if self.broken is not None:
            return *self.broken, False
        print_of = asked.path, asked.form
        if asked.key in self.kept:
            before, status, said = self.kept[asked.key or ""]
            if before != print_of:
                return 400, {"error": {"type": "idempotency_error", "message": "Another request."}}, False
            return status, said, True
        status, said = await self._done(asked)
        if asked.key is not None and status not in (400, 404):
            self.kept[asked.key] = print_of, status, said
        return status, said, False

    async def _done(self, asked: Asked) -> tuple[int, Any]:
        form = dict(asked.form)
        if any(name.startswith("payment_method_types") for name in form):
            return 400, _error("payment_method_types_no_longer_supported")
        if asked.path == "/v1/disputes":
            found = [each for each in self.disputes if each["payment_intent"] == form["payment_intent"]]
            return 200, {"object": "list", "data": found, "has_more": False, "url": "/v1/disputes"}
        if asked.method == "GET" and asked.path == "/v1/payment_intents":
            return 200, await self._listed(form)
        returns = form.pop("return_url", None)
        form.pop("allowed_payment_method_types[0]", None)
        status, said = await self.ask(asked.method, asked.path, form)
        if status == 404:
            return 404, _error("resource_missing")
        if status == 402:
            return 402, await self._declined(said["error"])
        if status != 200:
            return status, said
        if returns:
            self.back[said["id"]] = returns
        if form.get("off_session") == "true" and said["status"] == "requires_action":
            return 402, await self._unauthenticated(said)
        return status, self.completed(said, "latest_charge" in form.values())

    async def _listed(self, form: Form) -> Any:
        """The newest first, a page of those of a time."""
        since, until = int(form["created[gte]"]), int(form["created[lte]"])
        there = [] if self.blind else [each for each in await self.intents() if since <= each["created"] <= until]
        there.reverse()
        names = [each["id"] for each in there]
        first = names.index(form["starting_after"]) + 1 if "starting_after" in form else 0
        last = first + min(int(form["limit"]), self.page)
        shown = [self.completed(each) for each in there[first:last]]
        return {"object": "list", "data": shown, "has_more": last < len(there), "url": "/v1/payment_intents"}

    async def ask(self, method: str, path: str, form: Form) -> tuple[int, Any]:
        """What localstripe says."""
        sent: Any = {"params": form} if method == "GET" else {"data": form}
        answer = await self.behind.request(method, path, **sent)
        return answer.status_code, answer.json()

    def completed(self, said: Any, expanded: bool = False) -> Any:
        """An object as the API has it by now."""
        if said.get("object") == "list":
            return {**said, "data": [self.completed(each) for each in said["data"]]}
        if said.get("object") not in ("payment_intent", "setup_intent"):
            return said
        if (said["next_action"] or {}).get("type") == "use_stripe_sdk" and said["id"] in self.back:
            page = {"url": f"https://hooks.stripe.example/3ds/{said['id']}", "return_url": self.back[said["id"]]}
            said["next_action"] = {"type": "redirect_to_url", "redirect_to_url": page}
        if said["object"] == "setup_intent":
            if isinstance(said["payment_method"], dict):
                said["payment_method"]["card"]["brand"] = self.brand
            return {**said, "last_setup_error": None}
        charge = said["latest_charge"]
        if charge is not None:
            charge["disputed"] = any(each["payment_intent"] == said["id"] for each in self.disputes)
        received = said["amount"] if said["status"] == "succeeded" else 0
        shown = charge if expanded or charge is None else charge["id"]
        return {**said, "amount_received": received, "latest_charge": shown}

    async def _declined(self, error: dict[str, Any]) -> Any:
        whole = {**error, "type": "card_error", "decline_code": DECLINES[error["code"]]}
        if "charge" in error:
            _, charge = await self.ask("GET", f"/v1/charges/{error['charge']}", {})
            _, intent = await self.ask("GET", f"/v1/payment_intents/{charge['payment_intent']}", {})
            whole["payment_intent"] = self.completed(intent)
        return {"error": whole}

    async def _unauthenticated(self, intent: dict[str, Any]) -> Any:
        await self.act(intent, success=False)
        _, after = await self.ask("GET", f"/v1/payment_intents/{intent['id']}", {})
        word = "authentication_required"
        return {
            "error": {
                "type": "card_error",
                "code": word,
                "decline_code": word,
                "payment_intent": self.completed(after),
            }
        }

    # What Stripe's own code does in a browser, and people at Stripe's

    async def card(self, number: str = "4242424242424242") -> str:
        """A card that was typed in."""
        typed = {"card[number]": number, "card[exp_month]": "2", "card[exp_year]": "2032", "card[cvc]": "123"}
        _, made = await self.ask("POST", "/v1/payment_methods", {"type": "card", **typed})
        name: str = made["id"]
        return name

    async def act(self, intent: dict[str, Any], *, success: bool) -> None:
        """The holder proves who they are, or does not."""
        form = {"client_secret": intent["client_secret"], "success": str(success).lower()}
        await self.ask("POST", f"/v1/payment_intents/{intent['id']}/_authenticate", form)

    async def intents(self) -> list[dict[str, Any]]:
        """All that was ever paid, at localstripe's."""
        _, said = await self.ask("GET", "/v1/payment_intents", {"limit": "10000"})
        found: list[dict[str, Any]] = said["data"]
        return found

    async def of(self, key: Any) -> list[dict[str, Any]]:
        """The intents of a payment of ours."""
        return [each for each in await self.intents() if each["metadata"].get("espace_payment") == str(key)]

    async def send_notices(self, on: bool) -> None:
        """Have localstripe tell of what happens, or not."""
        said: dict[str, Any] = {"url": f"{self.url}{PATH}", "secret": SIGNS_WITH, "events": None if on else []}
        (await self.behind.post("/_config/webhooks/espace", json=said)).raise_for_status()


def _error(code: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": "No such thing."}}


@asynccontextmanager
async def front_of(localstripe_url: str) -> AsyncIterator[Front]:
    """A front of a localstripe."""
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    async with httpx.AsyncClient(base_url=localstripe_url, headers=headers, timeout=PATIENCE) as behind:
        front = Front(behind)
        server = await asyncio.start_server(front.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        front.url = f"http://{host}:{port}"
        async with server:
            yield front
            front.over.set()

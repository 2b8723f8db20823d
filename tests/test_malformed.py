from collections import Counter

import httpx
from starlette.types import ASGIApp

from engine.endpoint import Endpoint
from tests.api import Api
from tests.malformed import Malformed, breach, corpus, send
from tests.test_endpoint import FakeHost


async def answers_of(app: ASGIApp) -> list[tuple[Malformed, httpx.Response]]:
    """What an application answers to each of them; what it raises is raised."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return [(request, await send(client, request)) for request in corpus()]


async def test_whatever_is_sent_is_answered_and_never_by_a_failure() -> None:
    host = FakeHost()
    answers = await answers_of(Endpoint(host, host))
    breaches = {request.name: breach(request, response) for request, response in answers}
    assert {name: found for name, found in breaches.items() if found} == {}
    statuses = Counter(response.status_code for _, response in answers)
    assert sum(statuses.values()) >= 400
    assert sum(number for status, number in statuses.items() if 400 <= status < 500) >= 200
    assert statuses.keys() >= {200, 400, 403, 404, 405, 406, 413, 414, 415, 422}


def test_the_corpus_is_the_same_each_time_and_each_has_its_name() -> None:
    requests = list(corpus())
    assert requests == list(corpus())
    assert len({request.name for request in requests}) == len(requests)


def test_a_breach_is_seen() -> None:
    post, head = Malformed("post"), Malformed("head", "HEAD")
    told = {"errors": [{"message": "No.", "extensions": {"code": "BAD_REQUEST"}}]}
    assert breach(post, httpx.Response(400, json=told)) is None
    assert breach(head, httpx.Response(405)) is None
    assert breach(post, httpx.Response(200, json={"data": {}})) is None
    for response in (
        httpx.Response(500, json=told),
        httpx.Response(400),
        httpx.Response(400, json=[]),
        httpx.Response(400, json={"errors": []}),
        httpx.Response(400, json={"errors": [{"message": "", "extensions": {"code": "BAD_REQUEST"}}]}),
        httpx.Response(200, json={"errors": [{"message": "KeyError: 'me'"}]}),
        httpx.Response(200, text='File "endpoint.py"'),
    ):
        assert breach(post, response)


async def test_the_whole_application_never_fails_either(api: Api) -> None:
    breaches = {request.name: breach(request, response) for request, response in await answers_of(api.app)}
    assert {name: found for name, found in breaches.items() if found} == {}

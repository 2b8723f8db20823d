"""The GraphiQL page: what a browser gets from `/graphql`, with its files under `/_graphiql/`.

The bundle is made by `web/build.mjs`. Without it a plain page stands in; without `web/`, as in a wheel, a sentence.
"""

import mimetypes
from collections.abc import Callable
from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.examples import Example

WEB = Path(__file__).resolve().parent.parent / "web"
BUNDLE = WEB / "dist"

# Styles may be inline because the editor positions every line and writes its theme with them; scripts never are.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "worker-src 'self'",
        "font-src data:",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

# The files carry the policy too: a worker lives under the one it was served with.
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

MODE = 'data-mode="{}"'
WITHOUT_PAGES = (
    '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Espace</title><link rel="icon" href="data:,">'
    "</head><body><p>GraphiQL n’est pas installé ; l’API répond ici aux requêtes POST.</p>"
    '<p lang="en">GraphiQL is not installed; the API answers POST requests here.</p></body></html>'
)

# Some systems know it otherwise, and browsers are told not to guess.
mimetypes.add_type("text/javascript", ".js")


def graphiql_page(mode: str) -> Callable[[Request], Response]:
    """What answers with the page, which is told the installation's mode: a sandbox says so in a banner."""

    def graphiql_response(request: Request) -> Response:
        page = _page().replace(MODE.format(""), MODE.format(escape(mode)), 1)
        return HTMLResponse(page, headers={**HEADERS, "Vary": "Accept"})

    return graphiql_response


def graphiql_routes(examples: Callable[[], list[Example]]) -> list[BaseRoute]:
    """The page's files, and the operations it opens with."""

    def examples_response(request: Request) -> Response:
        return JSONResponse([example._asdict() for example in examples()], headers=HEADERS)

    return [
        Route("/_graphiql/examples.json", examples_response),
        Route("/_graphiql/fallback.js", _fallback_script),
        Mount("/_graphiql", Bundle()),
    ]


class Bundle(StaticFiles):
    """The files of `web/dist/`, which may come after the server has started."""

    def __init__(self) -> None:
        super().__init__(directory=BUNDLE, check_dir=False)

    async def check_config(self) -> None:
        """Nothing to check: while there is no bundle, its files are not found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def _page() -> str:
    for page in (BUNDLE / "index.html", WEB / "fallback.html"):
        if page.is_file():
            return page.read_text(encoding="utf-8")
    return WITHOUT_PAGES


def _fallback_script(request: Request) -> Response:
    script = WEB / "fallback.js"
    if not script.is_file():
        raise HTTPException(404)
    return FileResponse(script, headers=HEADERS)

"""Chromium without a window, which scripts of this folder drive from Node and tell of in JSON.

`python -m tests.browser` takes the README's picture of GraphiQL anew.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from app.graphiql import BUNDLE
from tests.house import ROOT
from tests.server import running, untested

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PICTURE = ROOT / "docs" / "images" / "graphiql.png"
PATIENCE = 100


def visit(script: str, *words: str) -> dict[str, Any]:
    """What the script saw, which is given a Chromium and these words."""
    return json.loads(drive(script, *words))  # type: ignore[no-any-return]


def drive(script: str, *words: str) -> str:
    """What the script printed."""
    node, chromium = shutil.which("node"), next(filter(None, map(shutil.which, CHROMIUM)), None)
    if node is None or not (ROOT / "web" / "node_modules" / "playwright-core").is_dir():
        untested("without Node and `npm ci` in web/ nobody looks at GraphiQL")
    if chromium is None:
        untested("without Chromium nobody looks at GraphiQL; tests/install_chromium.sh installs it on Debian")
    command = [node, str(ROOT / "tests" / script), chromium, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_bundled() -> bool:
    """Whether there is a GraphiQL to look at."""
    return (BUNDLE / "index.html").is_file()


def take_picture(file: Path) -> None:
    """The signed-in owner of the demo, asking."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        drive("picture.mjs", server.url, str(file))


if __name__ == "__main__":
    take_picture(PICTURE)

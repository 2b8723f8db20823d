"""What docs/adding.md says of a new permission is done to a copy of the code, and works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("engine", "models", "resolvers", "schema")
TRIED = """
from uuid import uuid4
from models.decision import decide
from models.permission import AccountPermission, OverallPermission, Subject, mask_of
from models.viewer import Granted, Viewer
from schema.account import held
from schema.root import build

bound = build()
guard = bound.shapes["Account"].fields["listHost"].guard
added = AccountPermission.MAILING_LISTS
owner, account, caller = uuid4(), uuid4(), uuid4()
subject = Subject(owner, account)
for mask, allowed in ((mask_of(added), True), (mask_of(AccountPermission.SITES), False)):
    viewer = Viewer(profile_id=caller, granted={owner: Granted(accounts={account: mask})})
    assert (decide(viewer, guard.requirement, subject) is None) is allowed
    assert (added in held(viewer, owner, account, None)) is allowed
whole = Viewer(profile_id=caller, granted={owner: Granted(mask_of(OverallPermission.TECHNICAL_ACCOUNT))})
assert decide(whole, guard.requirement, subject) is None
assert decide(Viewer(profile_id=caller), guard.requirement, subject).missing is added
text = bound.schema.as_str()
assert "listHost: String @authorize(account: [MAILING_LISTS])" in text
assert "MAILING_LISTS" in text.partition("enum AccountPermission")[2].partition("}")[0]
print("works")
"""


def steps() -> dict[str, list[str]]:
    """The lines of the page's diff, by the file that they are of."""
    (diff,) = re.findall(r"```diff\n(.*?)```", (ROOT / "docs/adding.md").read_text("utf-8"), re.S)
    parts = re.split(r"^--- (.+)$", diff, flags=re.M)[1:]
    return {name: lines.strip("\n").split("\n") for name, lines in zip(parts[::2], parts[1::2], strict=True)}


def applied(text: str, lines: list[str]) -> str:
    """The text with the lines that are added, after the one that is there."""
    known, added = (["".join(line[1:]) for line in lines if line[0] == sign] for sign in " +")
    assert len(known) == 1
    place = f"{known[0]}\n"
    assert text.count(place) >= 1, f"it is not there any more: {known[0]}"
    before, _, after = text.partition(place)
    return before + place + "\n".join(added) + "\n" + after


def test_a_permission_and_a_field_that_asks_for_it_are_added_as_the_page_says(tmp_path: Path) -> None:
    """In three places at most."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(steps()) <= 3
    for name, lines in steps().items():
        path = tmp_path / name
        path.write_text(applied(path.read_text("utf-8"), lines), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRIED], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout == "works\n", done.stderr

"""`espace explain`: what a plan will do, as its writer reads it."""

from pathlib import Path

from tests.test_cli import espace

DASHBOARD = """query Dashboard($more: Boolean = false) { viewer { displayName accounts(first: 10) {
  totalCount nodes { name plan { name } subscription @include(if: $more) { label periodEnd } } } } }"""


def test_a_plan_is_printed_by_level_with_its_statements_requirements_and_cost(tmp_path: Path) -> None:
    text = printed(tmp_path, DASHBOARD)
    assert text.startswith("query Dashboard\ncost: ")
    assert "taken as true: more" in text
    lines = text.splitlines()
    page = next(line for line in lines if line.startswith("  viewer.accounts: "))
    assert page == "  viewer.accounts: Profile.accounts, a page for each"
    plan = lines.index("      viewer.accounts.nodes.plan: Account.plan, one for each")
    assert lines[plan + 1] == '        | SELECT "plan".id AS parent_key, "plan".name_en, "plan".name_fr '
    guarded = next(line for line in lines if "Account.subscription" in line)
    assert guarded.endswith("one for each  @authorize(overall: [BILLING, ACCOUNT_MANAGEMENT])")
    assert any("ServiceSubscription.label, fetched together, not by SQL" in line for line in lines)
    assert "count(*)" in text


def test_the_statements_are_those_of_the_database_in_use(tmp_path: Path) -> None:
    text = printed(tmp_path, "{ viewer { id } }", ESPACE_DATABASE_URL="postgresql://nobody@127.0.0.1/nothing")
    assert "ANY ($1::UUID[])" in text or "::UUID[]" in text


def test_what_is_not_planned_says_why(tmp_path: Path) -> None:
    assert "executed by graphql-core: introspection" in printed(tmp_path, "{ __schema { queryType { name } } }")


def test_a_document_that_would_be_refused_says_so(tmp_path: Path) -> None:
    assert printed(tmp_path, "{ nothing }").startswith("INVALID_DOCUMENT: ")


def test_a_service_s_document_is_explained_as_well(tmp_path: Path) -> None:
    assert "leaves of " in printed(tmp_path, "{ __typename }", "--staff")


def printed(folder: Path, document: str, *options: str, **settings: str) -> str:
    """What the command prints of a document."""
    file = folder / "document.graphql"
    file.write_text(document, "utf-8")
    run = espace(folder, "explain", str(file), *options, **settings)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout

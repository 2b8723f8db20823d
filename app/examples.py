"""The operations that GraphiQL opens with, one in each tab: a tour of the API, of which every stop runs as it is."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from app.demo import PASSWORD, PEOPLE
from schema.scalar import instant_text

STEP = timedelta(days=30)


class Example(NamedTuple):
    """What one tab holds; the tab is named after the operation."""

    query: str
    variables: str = ""


SIGN_IN = """\
# Ctrl-Enter runs, Ctrl-Space completes,
# Shift-Ctrl-P formats.
#
# Run this first: the session is a cookie of
# this browser, so every tab is signed in.

mutation SignIn($input: SessionCreateInput!) {
  sessionCreate(input: $input) {
    session {
      method
      expiresAt
    }
    userErrors {
      code
      message
    }
  }
}
"""
WHO_AM_I = """\
# Without a session the viewer is null.

query WhoAmI {
  viewer {
    displayName
    email
    kind
    locale
    identity {
      organizationName
      city
      country
      vatNumber
    }
  }
}
"""
HISTORY = """\
# What happened, newest first. The next page
# starts `after` the endCursor of this one.

query History($filter: ActivityFilter, $first: Int, $after: String) {
  viewer {
    activity(filter: $filter, first: $first, after: $after) {
      totalCount
      nodes {
        summary
        action
        occurredAt
        actor {
          displayName
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
"""
CHANGE_PROFILE = """\
# What is not named stays as it is, null clears.
# Where there are userErrors, nothing was changed.

mutation ChangeProfile($input: ProfileUpdateInput!) {
  profileUpdate(input: $input) {
    profile {
      displayName
      identity {
        streetLines
        postalCode
        city
      }
    }
    userErrors {
      code
      field
      message
    }
  }
}
"""
MOVE_CLOCK = """\
# What falls due on the way happens in order.
# The clock only moves forward: to move it again,
# name a later instant.

mutation MoveClock($input: SandboxClockAdvanceInput!) {
  sandboxClockAdvance(input: $input) {
    sandbox {
      now
    }
    userErrors {
      code
      field
      message
    }
  }
}
"""
SIGN_OUT = """\
mutation SignOut {
  sessionDelete(input: {}) {
    deletedIds
    userErrors {
      code
      message
    }
  }
}
"""


def examples(*, sandbox: bool, now: datetime) -> list[Example]:
    """In the order of the tabs. Production has no clock to move, and nobody whose password is known."""
    who = {"email": PEOPLE[0].email, "password": PASSWORD} if sandbox else {"email": "", "password": ""}
    found = [
        Example(SIGN_IN, _variables(input={**who, "transport": "COOKIE"})),
        Example(WHO_AM_I),
        Example(HISTORY, _variables(filter={"action": "session."}, first=5, after=None)),
        Example(CHANGE_PROFILE, _variables(input={"identity": {"streetLines": ["14 rue de l’Exemple"]}})),
    ]
    if sandbox:
        later = (now + STEP).replace(hour=9, minute=0, second=0, microsecond=0)
        found.append(Example(MOVE_CLOCK, _variables(input={"to": instant_text(later)})))
    return [*found, Example(SIGN_OUT)]


def _variables(**values: Any) -> str:
    return orjson.dumps(values, option=orjson.OPT_INDENT_2).decode()

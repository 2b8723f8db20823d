"""A look at a document's tokens before it is parsed. One pass, never a step back: linear whatever the text."""

import re

from engine.measure import DocumentLimits

# Every repetition is possessive, and no two alternatives begin alike: nothing is read twice.
TOKEN = re.compile(
    r"""[ \t\r\n,\ufeff]*+
    (?: (?P<open> [({\[] )
      | (?P<close> [)}\]] )
      | (?P<directive> @ )
      | (?P<spread> \.\.\. )
      | [!$&:=|]
      | [A-Za-z_][0-9A-Za-z_]*+
      | -?+[0-9]++ (?:\.[0-9]++)?+ (?:[eE][+-]?+[0-9]++)?+
      | \#[^\r\n]*+
      | "{3} (?: [^"\\]++ | \\"{3} | \\ | "(?!"") )*+ "{3}
      | "(?!"") (?: [^"\\\r\n]++ | \\[^\r\n] )*+ "
    )""",
    re.VERBOSE,
)


def scan(text: str, limits: DocumentLimits) -> int:
    """The number of tokens, comments included, up to where the text is no GraphQL any more: the parser tells where.

    Raises RequestRefused at the first limit passed.
    """
    # A character takes at least a byte: a text far too long is not even encoded.
    limits.check("bytes", len(text))
    limits.check("bytes", len(text.encode("utf-8", "surrogatepass")))
    tokens = directives = spreads = nesting = position = 0
    while token := TOKEN.match(text, position):
        position = token.end()
        tokens += 1
        limits.check("tokens", tokens)
        match token.lastgroup:
            case "open":
                nesting += 1
                limits.check("nesting", nesting)
            case "close":
                nesting -= 1
            case "directive":
                directives += 1
                limits.check("directives", directives)
            case "spread":
                spreads += 1
                limits.check("spreads", spreads)
    return tokens

"""The loader of the SQL files. It reads all named queries once, at the start, for one dialect.

A block starts with `-- name: noun.query`. Comment lines are for readers and tests; they are not sent to the database.
Parameters are written `:name`. Only PostgreSQL gets the text in `/*pg: FOR UPDATE */`, and only SQLite the text in
`/*sqlite: ... */`. Where the engines share no text, two blocks have the same name, one with `-- dialect: sqlite` and
one with `-- dialect: postgres`. A block for SQLite may have several statements, each of which ends a line. PostgreSQL
then does the same in one statement, to save round trips.

`/*each channel in SMS RCS: SELECT ... <channel> ... */` repeats the text for each word, with UNION ALL between. Each
repetition has the quoted word in the place of `<channel>`.

PostgreSQL gets `LIMIT :name` as `LIMIT (SELECT ...)`, because the planner does not know the value of a subquery. The
planner then expects a tenth of the rows, and reads an index in its order. With a known limit and a low estimate of the
account's rows, the planner would read all rows of the account and sort them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from signalbox.ground.errors import Bug

Dialect = Literal["sqlite", "postgres"]
PACKAGE_SQL: Final = Path(__file__).parent.parent / "sql"
SCHEMA_VERSION: Final = "signalbox_schema.version"

_NAME = re.compile(r"^--[ \t]*name:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_DIALECT = re.compile(r"^--[ \t]*dialect:[ \t]*(\S+)", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^[ \t]*--[ \t]?(.*)$", re.MULTILINE)
# Quoted texts and comments come first and are matched whole, so that nothing inside them is a parameter.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | \$\$.*?\$\$
      | (?P<line>[ \t]*--[^\n]*)
      | /\*(?:(?P<mark>pg|sqlite|each[ ](?P<what>[a-z]+)[ ]in[ ](?P<words>[A-Z_ ]+)):)?(?P<inside>.*?)\*/
      | (?P<newline>[ \t]*\n\s*)
      | ::
      | \bLIMIT[ ]:(?P<limit>[a-z_][a-z0-9_]*)
      | :(?P<name>[a-z_][a-z0-9_]*)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Query:
    """One query for one dialect. `order` has each parameter's name once, in the order of PostgreSQL's `$1`, `$2`.

    `statements` are the single statements of `text`. Only SQLite has more than one.
    """

    name: str
    text: str
    order: tuple[str, ...]
    names: frozenset[str]
    comment: str
    file: str
    statements: tuple[str, ...]

    def wrong_parameters(self, params: object) -> Bug:
        """The error for missing or unknown parameters of this query."""
        given = set(params) if isinstance(params, dict) else set()
        missing, extra = sorted(self.names - given), sorted(given - self.names)
        return Bug(f"query {self.name} ({self.file}): missing parameters {missing}, unknown parameters {extra}")


def load(folder: Path, dialect: Dialect) -> dict[str, Query]:
    """Reads every `.sql` file below `folder` for one dialect.

    Raises Bug for a name defined twice or for one dialect only, a wrong dialect, or text outside any block.
    """
    found: dict[str, dict[str, Query | None]] = {}
    for path in sorted(folder.rglob("*.sql")):
        head, *blocks = _NAME.split(path.read_text(encoding="utf-8"))
        if any(line.strip() and not line.lstrip().startswith("--") for line in head.splitlines()):
            raise Bug(f"{path.name}: SQL before the first '-- name:' line")
        for name, block in zip(blocks[::2], blocks[1::2], strict=True):
            marked = _DIALECT.search(block)
            kind = marked[1] if marked else "any"
            if kind not in ("any", "sqlite", "postgres"):
                raise Bug(f"query {name} ({path.name}): the dialect is {kind!r}, not sqlite or postgres")
            kinds = found.setdefault(name, {})
            if kind in kinds or ("any" in kinds and kinds) or (kind == "any" and kinds):
                raise Bug(f"query {name} ({path.name}) is defined twice for one dialect")
            kinds[kind] = _query(name, block, dialect, path.name) if kind in ("any", dialect) else None
    queries = {
        SCHEMA_VERSION: _query(SCHEMA_VERSION, "SELECT max(version) FROM signalbox_schema", dialect, "migrate.py")
    }
    for name, kinds in found.items():
        query = kinds.get("any") or kinds.get(dialect)
        if query is None or ("any" not in kinds and len(kinds) != 2):
            raise Bug(f"query {name} is defined for one dialect only: {', '.join(kinds)}")
        queries[name] = query
    return queries


def _query(name: str, block: str, dialect: Dialect, file: str) -> Query:
    order: dict[str, int] = {}
    text = rewrite(block, dialect, order).rstrip("; \n")
    if not text:
        raise Bug(f"query {name} ({file}) is empty")
    comment = "\n".join(_COMMENT_LINE.findall(block))
    statements = tuple(text.split(";\n")) if dialect == "sqlite" else (text,)
    return Query(name, text, tuple(order), frozenset(order), comment, file, statements)


def rewrite(text: str, dialect: Dialect, order: dict[str, int] | None = None) -> str:
    """The text for this dialect, without comments. Adds the number of each parameter to `order`.

    Without `order`, which is for migrations, a `:name` stays as it is.
    """

    def token(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None:  # quoted, or a cast
            return match[0]
        if kind == "newline":
            return "\n"
        if kind == "limit":
            number = token_of(match["limit"])
            return f"LIMIT (SELECT CAST({number} AS bigint))" if dialect == "postgres" else f"LIMIT {number}"
        if kind == "name":
            return token_of(match["name"])
        if match["what"]:
            return "\nUNION ALL\n".join(
                one_of_each(match["what"], word, match["inside"]) for word in match["words"].split()
            )
        if match["mark"] == ("pg" if dialect == "postgres" else "sqlite"):
            return _TOKEN.sub(token, match["inside"]).strip()
        return ""

    def token_of(name: str) -> str:
        if order is None:
            return f":{name}"
        number = order.setdefault(name, len(order) + 1)
        return f"${number}" if dialect == "postgres" else f":{name}"

    def one_of_each(what: str, word: str, inside: str) -> str:
        return _TOKEN.sub(token, inside.replace(f"<{what}>", f"'{word}'")).strip()

    return _TOKEN.sub(token, text).strip()

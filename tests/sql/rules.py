"""The rules of SQL that let the data be distributed by account, checked in the text of tables and statements.

Every statement touches the rows of one account, or only reference tables. Exceptions state a reason: reads without
locks and deletes by time across accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from signalbox.db.queries import PACKAGE_SQL, Query

SCHEMA: Final = "".join(path.read_text("utf-8") for path in sorted((PACKAGE_SQL / "migrations").glob("*.sql")))
# The only table that no migration makes.
DECLARED: Final = {"signalbox_schema": "reference"} | dict(
    re.findall(r"^-- table (\w+): (by account|reference)$", SCHEMA, re.MULTILINE)
)
BY_ACCOUNT: Final = frozenset(name for name, kind in DECLARED.items() if kind == "by account")
REFERENCE: Final = frozenset(DECLARED) - BY_ACCOUNT

_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|TABLE)\s+(\w+)(?:\s+(?:AS\s+)?(?!\w*\()(\w+))?", re.IGNORECASE)
_BOUND = re.compile(r"(?:\b(\w+)\.)?\baccount_id = :account_id\b")
_EQUAL = re.compile(r"\b(\w+\.account_id) = (\w+\.account_id)\b")
_KEYWORDS = {"where", "set", "on", "join", "order", "as", "for", "left", "cross", "group", "indexed", "limit", "in"}
_LOCKS = re.compile(r"\bFOR (?:NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b|\bLOCK TABLE\b")
_WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE \w+ SET|UPDATE \w+\n|DELETE FROM|MERGE)\b")
_BY_TIME = re.compile(r"DELETE FROM \w+ WHERE created_at <= :\w+")


@dataclass
class Scope:
    """One SELECT, INSERT, UPDATE or DELETE: its text with nested scopes replaced by `(0)`, `(1)`."""

    text: str
    inside: list[str] = field(default_factory=list)

    def tables(self) -> list[tuple[str, str]]:
        """The tables and their aliases in this scope."""
        found = []
        for name, alias in _TABLE.findall(self.text):
            found.append((name, name if not alias or alias.lower() in _KEYWORDS else alias))
        return [(name, alias) for name, alias in found if name in DECLARED]


def scopes(text: str) -> Iterator[Scope]:
    """Every scope of a statement, the innermost first."""
    text = re.sub(r"'(?:[^']|'')*'", "''", text)
    groups: list[str] = []
    while match := re.search(r"\(([^()]*)\)", text):
        groups.append(match[1])
        text = f"{text[: match.start()]}\x01{len(groups) - 1}\x02{text[match.end() :]}"
    for group in [*groups, text]:
        for part in re.split(r"\bUNION ALL\b", group):
            yield Scope(part, groups)


def named(query: Query) -> str:
    """The text of a query with parameters' names, on PostgreSQL too."""
    return re.sub(r"\$(\d+)", lambda match: f":{query.order[int(match[1]) - 1]}", query.text)


def broken(text: str, comment: str = "") -> list[str]:
    """The rules that a statement breaks."""
    used = {name for scope in scopes(text) for name, _ in scope.tables()}
    found = [*_forbidden(text, used)]
    if not used & BY_ACCOUNT:
        return found
    unbound = [problem for scope in scopes(text) for problem in _unbound(scope)]
    across = re.search(r"^across accounts: \S", comment, re.MULTILINE)
    if not unbound:
        return [*found, *(["says that it goes across accounts, and does not"] if across else [])]
    if not across:
        return found + unbound
    if _WRITES.search(text) or _LOCKS.search(text):
        return found if _BY_TIME.fullmatch(text) else [*found, "writes or locks across accounts", *unbound]
    return found


def _forbidden(text: str, used: set[str]) -> Iterator[str]:
    if re.search(r"\bctid\b|\bMERGE\b|\bTRIGGER\b|\bTRUNCATE\b", text, re.IGNORECASE):
        yield "a word that no statement may have"
    if re.search(r"advisory|\bpg_notify\b|\bNOTIFY\b", text, re.IGNORECASE) and used:
        yield "an advisory lock or a notification beside a table"
    if re.search(r"\b(?:random|now|clock_timestamp|gen_random_uuid|datetime|strftime)\s*\(|\bCURRENT_", text):
        yield "a volatile function: pass its value in"
    if re.search(r"\bSET\b(?:(?!\bWHERE\b|\bFROM\b).)*?\baccount_id =", text, re.DOTALL):
        yield "moves a row to another account"
    if used & BY_ACCOUNT and re.search(r"\bsid = ", text) and (_WRITES.search(text) or _LOCKS.search(text)):
        yield "a write or lock by the SID of an account"
    if re.search(r"account_id (?:IN|= ANY)\b", text):
        yield "a list of accounts"


def _unbound(scope: Scope) -> Iterator[str]:
    """The tables of a scope whose rows are not limited to the parameter account_id."""
    tables = [(name, alias) for name, alias in scope.tables() if name in BY_ACCOUNT]
    if re.search(r"\bFROM\s+[^()]*?\w\s*,\s*\w+\s+(?:AS|WHERE)\b", scope.text):
        yield "tables after a comma"
    inserted = re.search(r"\bINSERT INTO (\w+)", scope.text)
    if inserted and inserted[1] in BY_ACCOUNT:
        tables.remove((inserted[1], inserted[1]))
    bound = _bound(scope, tables)
    if inserted and inserted[1] in BY_ACCOUNT and _inserted_account(scope) not in {":account_id", *bound}:
        yield f"an INSERT into {inserted[1]} for another account"
    if tables and re.search(r"\bOR\b", scope.text):
        yield "OR outside parentheses: a condition before it may not hold"
    for name, alias in tables:
        if f"{alias}.account_id" not in bound:
            yield f"{name} without account_id = :account_id"


def _bound(scope: Scope, tables: list[tuple[str, str]]) -> set[str]:
    """The columns of a scope, as `alias.account_id`, that equal the parameter account_id."""
    names = _BOUND.findall(scope.text)
    bound = {f"{alias}.account_id" for alias in names if alias}
    if "" in names and len(tables) == 1:
        bound.add(f"{tables[0][1]}.account_id")
    for _ in tables:
        for one, other in _EQUAL.findall(scope.text):
            if bound & {one, other}:
                bound |= {one, other}
    return bound


def _inserted_account(scope: Scope) -> str | None:
    """The value that an INSERT writes to the column account_id."""
    values = r"VALUES\s*\x01(?P<values>\d+)\x02|SELECT\s(?P<select>.*?)\s(?:FROM|WHERE)\b"
    head = re.search(rf"INSERT INTO \w+\s*\x01(?P<columns>\d+)\x02\s*(?:{values})", scope.text, re.DOTALL)
    if head is None:
        return None
    columns = [column.strip() for column in scope.inside[int(head["columns"])].split(",")]
    given = (head["select"] or scope.inside[int(head["values"])]).split(",")
    return given[columns.index("account_id")].strip() if "account_id" in columns else None

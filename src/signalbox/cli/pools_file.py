"""The file that `signalbox pools apply` reads: pools by name, their tags and members, in YAML.

The YAML is read as a tree of nodes, not of values: so each problem has its line, a name given twice is found, and
`+12025550100` without quotes stays an address, which YAML would read as a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final, Protocol

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from signalbox.cli.arguments import CHANNELS, SENDER_ID
from signalbox.cli.endings import MISUSED, Ended
from signalbox.cli.filling import Wanted, shortened
from signalbox.cli.output import counted
from signalbox.http.json_limits import MOST_DEPTH, TOO_DEEP

_TAG: Final = re.compile(r"[a-zA-Z0-9._~-]+")
_MOST_TAGS: Final = 10
# For pools that share members by an alias; each node of the members takes some 300 bytes.
_MOST_ALIASED: Final = 1_000_000


# A person mends a file in one go, so that all problems are shown; but not a line for each of a million.
PROBLEMS_SHOWN: Final = 1_000


class WrongFile(Ended):
    """The file has problems. `pools` are those of its pools that could be read."""

    def __init__(self, problems: Sequence[str], pools: list[WantedPool]) -> None:
        head = f"{counted(len(problems), 'problem')} in the file"
        super().__init__(head, *shortened(problems, PROBLEMS_SHOWN), code=MISUSED)
        self.pools = pools


@dataclass(frozen=True)
class WantedPool:
    """A pool of the file. Tags or senders that are None are not in the file and are not changed."""

    name: str
    tags: dict[str, str] | None
    senders: list[Wanted] | None


def read_pools(file: IO[bytes], name: str) -> list[WantedPool]:
    """The pools of a file. Raises WrongFile with every problem, its line and its place; Ended for no YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the faster one, if PyYAML was built with it
    text = file.read()
    try:
        _check_size(name, text, loader)
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Ended(f"{name}{_where(mark)}: not valid YAML: {error.problem}", code=MISUSED) from None
    except yaml.YAMLError as error:
        raise Ended(f"{name}: not valid YAML: {str(error).splitlines()[0]}", code=MISUSED) from None
    reader = _Reader(name)
    pools = reader.pools(root)
    if reader.problems:
        raise WrongFile(reader.problems, pools)
    return pools


class _Mark(Protocol):
    line: int
    column: int


def _where(mark: _Mark | None) -> str:
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _check_size(name: str, text: bytes, loader: type[yaml.SafeLoader]) -> None:
    """Raises Ended when nodes are nested too deeply, or aliases make a small file a large one.

    Before the nodes are composed: the faster loader is recursive in C, and ends the process.
    """
    nodes = aliased = 0
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            aliased += sizes.get(str(event.anchor), 0)
        elif isinstance(event, yaml.NodeEvent):
            nodes += 1
            opened.append((event.anchor, nodes + aliased - 1))
        if len(opened) - isinstance(event, yaml.ScalarEvent) > MOST_DEPTH:
            raise Ended(f"{name}{_where(event.start_mark)}: {TOO_DEEP}", code=MISUSED)
        if aliased > _MOST_ALIASED:
            more = f"aliases stand for more than {_MOST_ALIASED:,} nodes"
            raise Ended(f"{name}{_where(event.start_mark)}: {more}", code=MISUSED)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = nodes + aliased - before


class _Reader:
    """Turns nodes into pools, and collects the problems."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[tuple[int, str]] = []

    @property
    def problems(self) -> list[str]:
        """The problems in the order of their lines."""
        return [f"{self._name}, line {line}: {text}" for line, text in sorted(self._found, key=lambda one: one[0])]

    def pools(self, root: Node | None) -> list[WantedPool]:
        """The pools of the file."""
        if root is None:
            self._refuse(1, "", "the file is empty; it must begin with `pools:`")
            return []
        members = dict(self._members(root, "", ("pools",)))
        if "pools" not in members:
            self._refuse(_line(root), "", "there is no `pools:`")
            return []
        return [self._pool(name, node) for name, node in self._members(members["pools"], "pools", None)]

    def _pool(self, name: str, node: Node) -> WantedPool:
        place = f"pools.{name}"
        if not name.strip() or len(name) > 256:
            self._refuse(_line(node), place, "a pool's name must have 1 to 256 characters, not only blanks")
        tags: dict[str, str] | None = None
        senders: list[Wanted] | None = None
        for member, value in self._members(node, place, ("tags", "senders")):
            if member == "tags":
                tags = self._tags(value, f"{place}.tags")
            else:
                senders = list(self._senders(value, f"{place}.senders"))
        return WantedPool(name, tags, senders)

    def _tags(self, node: Node, place: str) -> dict[str, str]:
        tags: dict[str, str] = {}
        for key, value in self._members(node, place, None):
            text = self._text(value, f"{place}.{key}")
            if text is None:
                continue
            if len(key) > 128 or not _TAG.fullmatch(key):
                self._refuse(_line(value), f"{place}.{key}", "a tag's key has 1 to 128 letters, digits or . _ ~ -")
            if len(text) > 256 or not _TAG.fullmatch(text):
                self._refuse(_line(value), f"{place}.{key}", "a tag's value has 1 to 256 letters, digits or . _ ~ -")
            tags[key] = text
        if len(tags) > _MOST_TAGS:
            self._refuse(_line(node), place, f"a pool has at most {_MOST_TAGS} tags, not {len(tags)}")
        return tags

    def _senders(self, node: Node, place: str) -> Iterator[Wanted]:
        if _is_null(node):
            return
        if not isinstance(node, SequenceNode):
            self._refuse(_line(node), place, "must be a list of senders")
            return
        for number, one in enumerate(node.value):
            if sender := self._sender(one, f"{place}[{number}]"):
                yield sender

    def _sender(self, node: Node, place: str) -> Wanted | None:
        where = f"{self._name}, line {_line(node)}: {place}"
        if isinstance(node, ScalarNode):
            if SENDER_ID.fullmatch(node.value):
                return Wanted(where, node.value)
            self._refuse(_line(node), place, "is not the id of a sender")
            return None
        texts = {
            name: self._text(value, f"{place}.{name}")
            for name, value in self._members(node, place, ("channel", "address", "region"))
        }
        for name in ("channel", "address"):
            if isinstance(node, MappingNode) and name not in texts:
                self._refuse(_line(node), f"{place}.{name}", f"{name} is missing")
        channel, address = texts.get("channel"), texts.get("address")
        if channel is not None and channel not in CHANNELS:
            self._refuse(_line(node), f"{place}.channel", f"channel is one of {', '.join(CHANNELS)}")
        return Wanted(where, None, channel, address, texts.get("region") or "") if channel and address else None

    def _members(self, node: Node, place: str, known: tuple[str, ...] | None) -> Iterator[tuple[str, Node]]:
        if _is_null(node) and place:
            return
        if not isinstance(node, MappingNode):
            self._refuse(_line(node), place, "must be a mapping" + (f" of {', '.join(known)}" if known else ""))
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = self._text(key, place)
            if name is None:
                continue
            inside = f"{place}.{name}" if place else name
            if name in seen:
                self._refuse(_line(key), inside, "is given twice")
            elif known and name not in known:
                self._refuse(_line(key), inside, f"is not known here, only {' and '.join(known)}")
            else:
                yield name, value
            seen.add(name)

    def _text(self, node: Node, place: str) -> str | None:
        if isinstance(node, ScalarNode) and not _is_null(node):
            text: str = node.value
            return text
        self._refuse(_line(node), place, "must be text")
        return None

    def _refuse(self, line: int, place: str, message: str) -> None:
        self._found.append((line, f"{place}: {message}" if place else message))


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"

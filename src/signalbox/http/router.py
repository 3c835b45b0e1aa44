"""Finds the routes of a path. Case and every slash count, and fixed segments win. Contract section 1."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from signalbox.ground.errors import Bug, NotFound
from signalbox.http.endpoint import Endpoint


class Route(NamedTuple):
    """One line of the route table. `name` is the public name, as in clients, logs and metrics."""

    method: str
    path: str
    endpoint: Endpoint
    name: str


class _Node:
    """A node in the tree of path segments: the next segments, and the routes of the path that ends here."""

    __slots__ = ("fixed", "methods", "param", "placeholder")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.placeholder: _Node | None = None
        self.param = ""
        self.methods: dict[str, Route] = {}


class Router:
    """Finds the routes of a path. A fixed segment wins over a placeholder, without backtracking."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            declared = [param.name for param in route.endpoint.path]
            if declared != re.findall(r"{(\w+)}", route.path):
                raise Bug(f"{route.name} declares the parameters {declared}, not those of its path")
            node = self._root
            for segment in route.path.split("/")[1:]:
                if segment.startswith("{"):
                    node.placeholder = node.placeholder or _Node()
                    node.param = segment[1:-1]
                    node = node.placeholder
                else:
                    node = node.fixed.setdefault(segment, _Node())
            node.methods[route.method] = route

    def find(self, segments: Sequence[str]) -> tuple[dict[str, Route], dict[str, str]]:
        """The routes of a path, by method, and the values of its placeholders. Raises NotFound for an unknown path."""
        node: _Node | None = self._root
        values: dict[str, str] = {}
        for segment in segments:
            if node is None:
                break
            following = node.fixed.get(segment)
            if following is None and segment:
                following = node.placeholder
                values[node.param] = segment
            node = following
        if node is None or not node.methods:
            raise NotFound("there is no such path")
        return node.methods, values


def segments(scope: Mapping[str, Any]) -> list[str]:
    """The decoded segments of the path; an encoded slash is not a separator."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return path.split("/")[1:]
    return [unquote(segment) for segment in raw.decode("latin-1").split("/")[1:]]

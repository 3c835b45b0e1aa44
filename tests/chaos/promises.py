"""Requests that start an operation: what each made, compared with what its responses said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from journal import Entry
from members import Blame

# All requests with one marker, which is the same in the repetitions of one request only.
Posts = Mapping[str, Sequence[Entry]]


def judge(posts: Posts, made: Mapping[str, set[Any]], blame: Blame) -> None:
    """A 202 has exactly one operation; an error none; a missing response at most one. `made`: operations by marker."""
    for marker, asked in posts.items():
        found = made.get(marker, set())
        told = {post.response["operationId"] for post in asked if post.done}
        for lost in told - found:
            blame("lost", f"{lost} was promised and is not there: {asked[0]}")
        if len(found) > 1 or (told and found - told) or len(told) > 1:
            blame("doubled", f"one request made {found}, told were {told}: {asked[0]}")
        if found and not told and not any(post.unknown for post in asked):
            blame("doubled", f"a refused request was done: {asked[0]}")
    _judge_keys(posts, made, blame)


def _judge_keys(posts: Posts, made: Mapping[str, set[Any]], blame: Blame) -> None:
    """At most one operation for each idempotency key; a 422 for a reused key only if the key was used."""
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for marker, asked in posts.items():
        if asked[0].key:
            keys[asked[0].tenant, asked[0].key].append(marker)
    for (_, key), markers in keys.items():
        operations = {operation for marker in markers for operation in made.get(marker, ())}
        if len(operations) > 1:
            blame("doubled", f"key {key} made {operations}")
        sent = sorted((post for marker in markers for post in posts[marker]), key=lambda post: post.sent)
        if not operations and any(post.status == 422 for post in sent):
            blame("keys", f"key {key} was refused as used, and nothing was done under it")
        told = [post for post in sent if post.done]
        for post in told:
            earlier = any(one.received < post.sent for one in told)
            if earlier and post.headers.get("idempotency-replayed") != "true":
                blame("keys", f"a repeated request was not said to be a replay: {post}")

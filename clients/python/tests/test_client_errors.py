"""The errors that calls raise."""

from __future__ import annotations

import pickle
import traceback
from datetime import UTC, datetime

import pytest

from between import Between, Say
from callers import Caller
from signalbox.http.errors import ERROR_CODES
from signalbox_client import (
    ApiError,
    ConnectionFailed,
    Invalid,
    MissingCredentials,
    NotFound,
    Operation,
    OperationTimeout,
    Problem,
    Signalbox,
    SignalboxError,
    Stats,
    TooMany,
    Unauthenticated,
    UnexpectedAnswer,
    errors,
)

SECRET = "a-secret-that-nobody-may-read-00"


def test_every_error_of_the_api_has_a_class() -> None:
    assert {response.status for response in ERROR_CODES.values()} <= errors.CLASSES.keys()


async def test_invalid_input_names_every_problem_and_its_place(caller: Caller) -> None:
    with pytest.raises(Invalid) as refused:
        await caller.do(lambda c: c.sender_pools.create(name=" ", senders=["one"]))
    error = refused.value
    assert (error.status, error.code) == (400, 20001)
    assert {problem.field for problem in error.problems} == {"name", "senders[0].senderId"}
    assert {problem.context for problem in error.problems} == {"$.name", "$.senders[0].senderId"}
    assert all(problem.info_url == f"{caller.account.url}/docs/errors#20001" for problem in error.problems)
    assert error.message in str(error)


async def test_error_has_the_request_id_of_its_response(caller: Caller, between: Between) -> None:
    with pytest.raises(NotFound) as refused:
        await caller.do(lambda c: c.senders.fetch("comms_sender_00000000000000000000000000"))
    assert refused.value.request_id is not None
    assert refused.value.request_id.startswith("RQ")
    assert refused.value.request_id in str(refused.value)


async def test_wrong_token_is_unauthenticated_and_said_nowhere(caller: Caller) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await caller.do(lambda c: c.senders.fetch("comms_sender_00000000000000000000000000"), auth_token=SECRET)
    told = repr(refused.value) + "".join(traceback.format_exception(refused.value))
    assert SECRET not in told
    # The secret must not be in local variables either: error reporters collect them.
    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True).stack
    ours = [frame for frame in frames if "signalbox_client" in frame.filename and frame.name != "_options"]
    assert len(ours) > 2
    assert SECRET not in str([frame.locals for frame in ours])


@pytest.mark.parametrize("status", [400, 401, 404, 418, 500])
async def test_response_of_another_program_is_an_error_without_a_code(
    status: int, caller: Caller, between: Between
) -> None:
    between.troubles.append(Say(status, b"<html>who are you?</html>", {"content-type": "text/html"}))
    with pytest.raises(ApiError, match="without the error body") as refused:
        await caller.all(lambda c: c.senders.list(), url=between.url)
    assert (refused.value.status, refused.value.code, refused.value.problems) == (status, None, ())


@pytest.mark.parametrize(
    "say",
    [
        Say(200, b"<html>Welcome to our network</html>", {"content-type": "text/html"}),
        Say(200, b'{"id": 7}'),
        Say(200, b'{"id": "\xff"}'),
        Say(200, b"[" * 100_000),
        Say(200),
        Say(302, b"", {"location": "https://login.example.com"}),
    ],
)
async def test_success_that_is_none_is_an_unexpected_response(say: Say, caller: Caller, between: Between) -> None:
    between.troubles.append(say)
    with pytest.raises(UnexpectedAnswer, match="GET http"):
        await caller.do(lambda c: c.senders.fetch("comms_sender_00000000000000000000000000"), url=between.url)
    assert len(between.seen) == 1


async def test_unknown_fields_are_ignored(caller: Caller, between: Between) -> None:
    sender = (
        b'{"id": "x", "displayName": null, "address": "a", "channel": "PIGEON", "status": "ASLEEP", "tags": {},'
        b' "updatedAt": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z", "wings": 2}'
    )
    between.troubles.append(Say(200, sender))
    found = await caller.do(lambda c: c.senders.fetch("x"), url=between.url)
    assert (found.id, found.channel, found.status) == ("x", "PIGEON", "ASLEEP")


async def test_problem_with_fields_missing_or_new_is_still_read(caller: Caller, between: Between) -> None:
    between.troubles.append(Say(400, b'{"code": 1, "message": "no", "errors": [{"message": "here"}], "hint": "?"}'))
    with pytest.raises(Invalid) as refused:
        await caller.do(lambda c: c.senders.fetch("x"), url=between.url)
    assert refused.value.problems == (Problem(message="here"),)


def test_results_are_frozen() -> None:
    problem = Problem(message="here")
    with pytest.raises(AttributeError):
        problem.message = "there"  # type: ignore[misc]


def test_errors_of_this_package_have_one_ancestor() -> None:
    raised = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert all(issubclass(one, SignalboxError) for one in raised)
    assert issubclass(MissingCredentials, SignalboxError)


@pytest.mark.parametrize(
    "error",
    [
        TooMany(429, 20429, "later", (Problem(message="here"),), "RQ1", 3.0),
        OperationTimeout(
            Operation("x", "PROCESSING", Stats(1, 1, 0, 0), datetime.now(UTC), datetime.now(UTC)), seconds=2
        ),
        ConnectionFailed("no response"),
    ],
)
def test_error_survives_the_way_to_another_process(error: SignalboxError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_secret_is_in_no_repr() -> None:
    with Signalbox("AC1", SECRET) as client:
        shown = [repr(client), repr(client.sender_pools), repr(client.senders.list()), repr(client._settings)]
    assert SECRET not in "".join(shown)
    assert "AC1" in shown[0]

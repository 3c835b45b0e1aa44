"""Credentials: contract section 2."""

from __future__ import annotations

import time
from base64 import b64encode

import httpx
import pytest

from people import Person, Served, pairs
from signalbox.accounts import accounts


async def test_account_sid_with_its_token_and_key_with_its_secret_speak_for_one_account(ada: Person) -> None:
    senders = await ada.senders(1)
    keyed, _ = await ada.key("CI")
    for person in (ada, keyed):
        assert [one["id"] for one in (await person.get("/v1/Senders")).json()["senders"]] == senders


def _basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


async def test_every_wrong_credential_gets_the_same_response(ada: Person, ben: Person, eve: Person) -> None:
    keyed, key_sid = await ada.key()
    sid, token = ada.user, ada.secret
    wrong = [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic " + "A" * 100_001,
        "Basic YWE",
        f"Bearer {token}",
        _basic(""),
        _basic(":"),
        _basic(sid),
        _basic(f"{sid}:"),
        _basic(f":{token}"),
        _basic(f"{sid}:{token} "),
        _basic(f"{sid}:{token[:-1]}"),
        _basic(f"{sid}:{token.swapcase()}"),
        _basic(f"{sid.upper()}:{token}"),
        _basic(f"{sid.lower()}:{token}"),
        _basic(f"{sid}:{ben.secret}"),
        _basic(f"{sid}:{keyed.secret}"),
        _basic(f"{key_sid}:{token}"),
        _basic(f"AC{'0' * 32}:{token}"),
        _basic(f"SK{'0' * 32}:{token}"),
        _basic(f"{sid}\0:{token}"),
        _basic("AC' OR '1'='1:x"),
        _basic(f"{sid}:{'x' * 40_000}"),
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        _basic(f"{eve.user}:{eve.secret}"),
    ]
    responses = [await ada.get("/v1/Senders", auth=None, headers={"authorization": one}) for one in wrong]
    responses.append(await ada.get("/v1/Senders", anonymous=True))
    assert {response.status_code for response in responses} == {401}
    assert len({response.content for response in responses}) == 1
    assert all(response.headers["www-authenticate"].startswith("Basic") for response in responses)


async def test_line_break_in_the_credentials_is_told_so_whoever_they_are_of(ada: Person, eve: Person) -> None:
    """As of `echo "$SID:$TOKEN" | base64`. The message depends on the header alone."""
    wrong = [
        f"{ada.user}:{ada.secret}\n",
        f"{ada.user}:{ada.secret}\r\n",
        f"{ada.user}\n:{ada.secret}",
        f"{ada.user}:x\ny",
        f"{eve.user}:{eve.secret}\n",
        "nobody:\n",
    ]
    responses = [await ada.get("/v1/Senders", auth=None, headers={"authorization": _basic(one)}) for one in wrong]
    assert {response.status_code for response in responses} == {401}
    assert len({response.content for response in responses}) == 1
    assert "hold a line break" in responses[0].json()["message"]


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_scheme_may_be_written_in_any_case(ada: Person, scheme: str) -> None:
    credentials = b64encode(f"{ada.user}:{ada.secret}".encode()).decode()
    response = await ada.get("/v1/Senders", auth=None, headers={"authorization": f"{scheme} {credentials}"})
    assert response.status_code == 200


async def test_secret_with_a_colon_is_read_whole(served: Served) -> None:
    """An operator may choose any token for the first account."""
    made = await served.database.write(lambda tx: accounts.create(tx, "Ada", token="a:b:c"))
    ada = Person(served, made.account.sid, made.account.sid, "a:b:c")
    assert (await ada.get("/v1/Senders")).status_code == 200


async def _fresh(person: Person) -> httpx.Response:
    """The response of a new process, which has no credentials in memory."""
    return await person.at(await person.served.again()).get("/v1/Senders")


async def test_revoked_key_is_refused_and_its_siblings_are_not(ada: Person, eve: Person) -> None:
    keyed, _ = await ada.key()
    assert [(await _fresh(one)).status_code for one in (eve, keyed, ada)] == [401, 200, 200]


async def test_suspended_account_is_refused_with_all_its_keys_until_resumed(ada: Person, ben: Person) -> None:
    keyed, _ = await ada.key()
    await ada.served.database.write(lambda tx: accounts.suspend(tx, ada.account_sid))
    assert [(await _fresh(one)).status_code for one in (ada, keyed, ben)] == [401, 401, 200]
    await ada.served.database.write(lambda tx: accounts.resume(tx, ada.account_sid))
    assert [(await _fresh(one)).status_code for one in (ada, keyed)] == [200, 200]


async def test_rotated_token_replaces_the_old_one_only(ada: Person) -> None:
    keyed, _ = await ada.key()
    token = await ada.served.database.write(lambda tx: accounts.rotate_token(tx, ada.account_sid))
    renewed = Person(ada.served, ada.account_sid, ada.user, token)
    assert [(await _fresh(one)).status_code for one in (ada, renewed, keyed)] == [401, 200, 200]


async def test_credential_that_was_right_is_believed_for_a_second_at_most(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ada.get("/v1/Senders")).status_code == 200
    await ada.served.database.write(lambda tx: accounts.suspend(tx, ada.account_sid))
    later = time.monotonic() + accounts.CREDENTIAL_TTL + 0.01
    monkeypatch.setattr("signalbox.http.authentication.time.monotonic", lambda: later)
    assert (await ada.get("/v1/Senders")).status_code == 401
    assert accounts.CREDENTIAL_TTL <= 1


async def test_work_of_a_suspended_account_goes_on(ada: Person) -> None:
    senders = await ada.senders(2)
    pool_id = await ada.pool()
    refs = [{"senderId": one} for one in senders]
    response = await ada.post(f"/v1/SenderPools/{pool_id}/Senders", json=refs)
    await ada.served.database.write(lambda tx: accounts.suspend(tx, ada.account_sid))
    await ada.served.database.write(lambda tx: accounts.resume(tx, ada.account_sid))
    assert (await ada.finished(response))["stats"]["created"] == 2


async def test_suspended_account_and_revoked_key_get_the_response_to_a_wrong_secret(ada: Person, eve: Person) -> None:
    carl = await ada.served.account("Carl")
    await ada.served.database.write(lambda tx: accounts.suspend(tx, carl.account_sid))
    wrong = Person(ada.served, ada.account_sid, ada.user, "wrong")
    responses = [await person.get("/v1/Senders") for person in (carl, eve, wrong)]
    assert [response.status_code for response in responses] == [401] * 3
    assert len({(response.content, tuple(sorted(pairs(response)))) for response in responses}) == 1

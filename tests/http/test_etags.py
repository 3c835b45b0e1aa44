"""ETags and conditions: contract section 8."""

from __future__ import annotations

import asyncio

import pytest

from people import Person


@pytest.fixture
async def paths(ada: Person) -> dict[str, str]:
    """A pool, a sender and an operation of Ada's."""
    (sender_id,) = await ada.senders(1)
    pool_id = await ada.pool(sender_id)
    operation_id = (await ada.walk("/v1/SenderPools/Operations", "operations"))[0]["id"]
    return {
        "pool": f"/v1/SenderPools/{pool_id}",
        "sender": f"/v1/Senders/{sender_id}",
        "own sender": f"/signalbox/v1/Senders/{sender_id}",
        "membership": f"/v1/SenderPools/{pool_id}/Senders/{sender_id}",
        "operation": f"/v1/SenderPools/Operations/{operation_id}",
    }


@pytest.mark.parametrize("kind", ["pool", "sender", "operation"])
async def test_unchanged_resource_is_304(ada: Person, paths: dict[str, str], kind: str) -> None:
    full = await ada.get(paths[kind])
    etag = full.headers["etag"]
    for condition in (etag, f"W/{etag}", "*", f'"other", {etag}', f'"a",W/"b" ,{etag}'):
        for method in ("GET", "HEAD"):
            response = await ada.call(method, paths[kind], headers={"if-none-match": condition})
            assert (response.status_code, response.headers["etag"]) == (304, etag)
    for condition in ('"other"', etag.strip('"'), etag[:-2] + '"'):
        response = await ada.get(paths[kind], headers={"if-none-match": condition})
        assert (response.status_code, response.content) == (200, full.content)


async def test_change_is_seen_by_if_none_match(ada: Person, paths: dict[str, str]) -> None:
    etag = (await ada.get(paths["pool"])).headers["etag"]
    await ada.patch(paths["pool"], json={"name": "New"})
    response = await ada.get(paths["pool"], headers={"if-none-match": etag})
    assert response.status_code == 200
    assert response.headers["etag"] != etag


@pytest.mark.parametrize("kind", ["pool", "sender"])
async def test_change_needs_the_state_that_if_match_names(ada: Person, paths: dict[str, str], kind: str) -> None:
    changed = paths["own sender" if kind == "sender" else kind]
    body: dict[str, object] = {"displayName": "New"} if kind == "sender" else {"name": "New"}
    before = await ada.get(paths[kind])
    etag = before.headers["etag"]
    for stale in ('"other"', f"W/{etag}", etag.strip('"')):
        assert (await ada.patch(changed, json=body, headers={"if-match": stale})).status_code == 412
        assert (await ada.delete(changed, headers={"if-match": stale})).status_code == 412
    assert (await ada.get(paths[kind])).content == before.content
    good = 200 if kind == "sender" else 202
    assert (await ada.patch(changed, json=body, headers={"if-match": f'"x", {etag}'})).status_code == good
    assert (await ada.patch(changed, json=body, headers={"if-match": etag})).status_code == 412
    assert (await ada.patch(changed, json=body, headers={"if-match": "*"})).status_code == good
    etag = (await ada.get(paths[kind])).headers["etag"]
    assert (await ada.delete(changed, headers={"if-match": etag})).status_code == 202
    assert (await ada.delete(changed, headers={"if-match": "*"})).status_code == 404


async def test_membership_is_removed_in_the_state_of_its_sender(ada: Person, paths: dict[str, str]) -> None:
    etag = (await ada.get(paths["sender"])).headers["etag"]
    assert (await ada.delete(paths["membership"], headers={"if-match": '"other"'})).status_code == 412
    assert (await ada.delete(paths["membership"], headers={"if-match": etag})).status_code == 202


async def test_of_two_changes_to_one_state_one_wins(ada: Person, paths: dict[str, str]) -> None:
    etag = (await ada.get(paths["pool"])).headers["etag"]
    responses = await asyncio.gather(
        *(ada.patch(paths["pool"], json={"name": f"{n}"}, headers={"if-match": etag}) for n in range(8))
    )
    assert sorted(response.status_code for response in responses) == [202] + [412] * 7
    winner = next(n for n, response in enumerate(responses) if response.status_code == 202)
    assert (await ada.get(paths["pool"])).json()["name"] == f"{winner}"


async def test_patch_responds_with_the_etag_of_the_new_state(ada: Person, paths: dict[str, str]) -> None:
    response = await ada.patch(paths["own sender"], json={"displayName": "New"})
    assert response.headers["etag"] == (await ada.get(paths["sender"])).headers["etag"]


async def test_if_none_match_never_hides_the_response_to_a_change(ada: Person, paths: dict[str, str]) -> None:
    """304 is a response to GET and HEAD only (RFC 9110, section 13.1.2)."""
    response = await ada.patch(paths["own sender"], json={"displayName": "New"}, headers={"if-none-match": "*"})
    assert response.status_code in (200, 412)


async def test_lists_have_no_etag(ada: Person) -> None:
    assert "etag" not in (await ada.get("/v1/Senders", headers={"if-none-match": "*"})).headers


async def test_condition_in_two_headers_is_one_list(ada: Person, paths: dict[str, str]) -> None:
    etag = (await ada.get(paths["pool"])).headers["etag"]
    response = await ada.get(paths["pool"], headers=[("if-none-match", '"other"'), ("if-none-match", etag)])
    assert response.status_code == 304

"""Lists, item by item and page by page."""

from __future__ import annotations

import pytest

from between import Between, Say
from callers import Caller
from signalbox_client import AsyncSignalbox, Invalid, Page, UnexpectedAnswer


async def test_iteration_gives_every_item_of_every_page_once_newest_first(caller: Caller) -> None:
    ids = caller.account.enter_senders(25)
    found = await caller.all(lambda c: c.senders.list(page_size=10))
    assert [sender.id for sender in found] == sorted(ids, reverse=True)


async def test_pages_come_one_by_one_with_their_tokens(caller: Caller) -> None:
    caller.account.enter_senders(25)
    pages = await caller.all(lambda c: c.senders.list(page_size=10).pages())
    assert [len(page.items) for page in pages] == [10, 10, 5]
    assert pages[-1].next is None
    token = pages[0].next
    rest = await caller.all(lambda c: c.senders.list(page_token=token, page_size=100))
    assert rest == [*pages[1].items, *pages[2].items]
    again = await caller.all(lambda c: c.senders.list(page_token=pages[1].self_token, page_size=10).pages(), most=1)
    assert again[0].items == pages[1].items


async def test_iteration_fetches_no_page_before_it_is_needed(caller: Caller, between: Between) -> None:
    caller.account.enter_senders(25)
    assert len(await caller.all(lambda c: c.senders.list(page_size=10), most=11, url=between.url)) == 11
    assert between.targets() == ["GET /v1/Senders"] * 2


async def test_filters_go_with_every_page(caller: Caller, between: Between) -> None:
    caller.account.enter_senders(5)
    caller.account.enter_senders([{"channel": "EMAIL", "address": "a@example.com"}])
    found = await caller.all(lambda c: c.senders.list(channel="SMS", page_size=2), url=between.url)
    assert len(found) == 5
    assert all("channel=SMS" in one.target for one in between.seen)


async def test_search_keeps_address_and_token_out_of_urls(caller: Caller, between: Between) -> None:
    caller.account.enter_senders([{"channel": "SMS", "address": "+12025550100"}])
    (page,) = await caller.all(
        lambda c: c.senders.search(address="+12025550100", channel="SMS", page_size=1).pages(), url=between.url
    )
    again = await caller.all(
        lambda c: c.senders.search(address="+12025550100", channel="SMS", page_token=page.self_token),
        url=between.url,
    )
    assert again == list(page.items)
    assert [one.target for one in between.seen] == ["/v1/Senders/Search"] * 2


async def test_empty_list_is_one_empty_page(caller: Caller) -> None:
    (page,) = await caller.all(lambda c: c.sender_pools.list().pages())
    assert isinstance(page, Page)
    assert (page.items, page.next) == ((), None)


async def test_list_can_be_walked_again(caller: Caller) -> None:
    caller.account.enter_senders(3)
    if caller.asynchronous:
        return await _twice(caller)
    first, second = await caller.do(lambda c: (lambda pages: (list(pages), list(pages)))(c.senders.list(page_size=2)))
    assert first == second
    return None


async def _twice(caller: Caller) -> None:

    account = caller.account
    async with AsyncSignalbox(account.account_sid, account.auth_token, url=account.url) as client:
        pages = client.senders.list(page_size=2)
        assert [one async for one in pages] == [one async for one in pages]


async def test_token_with_other_filters_is_invalid(caller: Caller) -> None:
    caller.account.enter_senders(3)
    (page,) = await caller.all(lambda c: c.senders.list(page_size=1).pages(), most=1)
    with pytest.raises(Invalid) as refused:
        await caller.all(lambda c: c.senders.list(channel="SMS", page_token=page.next))
    assert refused.value.problems[0].field == "pageToken"


async def test_response_that_is_no_page_is_unexpected(caller: Caller, between: Between) -> None:

    between.troubles.append(Say(200, b'{"senders": []}', {"content-type": "application/json"}))
    with pytest.raises(UnexpectedAnswer, match="page"):
        await caller.all(lambda c: c.senders.list(), url=between.url)

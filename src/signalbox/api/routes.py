"""Every endpoint, one line each, in the order of the contract."""

from typing import Final

from signalbox.api import docs, health, openapi, operations, sender_pools, senders
from signalbox.api.router import Route

ROUTES: Final = (
    # Section 6: Sender Pools, numbers 1 to 10; the location that number 7 answers comes after it.
    Route("GET", "/v1/SenderPools", sender_pools.LIST, "senderPools.list"),
    Route("POST", "/v1/SenderPools", sender_pools.CREATE, "senderPools.create"),
    Route("GET", "/v1/SenderPools/{senderPoolId}", sender_pools.FETCH, "senderPools.fetch"),
    Route("DELETE", "/v1/SenderPools/{senderPoolId}", sender_pools.DELETE, "senderPools.delete"),
    Route("PATCH", "/v1/SenderPools/{senderPoolId}", sender_pools.UPDATE, "senderPools.update"),
    Route("GET", "/v1/SenderPools/{senderPoolId}/Senders", sender_pools.LIST_SENDERS, "senderPools.listSenders"),
    Route("POST", "/v1/SenderPools/{senderPoolId}/Senders", sender_pools.ADD_SENDERS, "senderPools.addSender"),
    Route(
        "GET",
        "/v1/SenderPools/{senderPoolId}/Senders/Operations/{operationId}",
        operations.FETCH_OPERATION_OF_POOL,
        "senderPools.fetchSendersOperation",
    ),
    Route(
        "DELETE",
        "/v1/SenderPools/{senderPoolId}/Senders/{senderId}",
        sender_pools.REMOVE_SENDER,
        "senderPools.removeSender",
    ),
    Route("GET", "/v1/SenderPools/Operations", operations.LIST_OPERATIONS, "senderPools.listOperations"),
    Route(
        "GET",
        "/v1/SenderPools/Operations/{operationId}",
        operations.FETCH_OPERATION,
        "senderPools.fetchOperation",
    ),
    # Section 7: Senders.
    Route("GET", "/v1/Senders", senders.LIST, "senders.list"),
    Route("GET", "/v1/Senders/{senderId}", senders.FETCH, "senders.fetch"),
    Route("POST", "/v1/Senders/Search", senders.SEARCH, "senders.search"),
    Route("POST", "/v1/Senders/Resolve", senders.RESOLVE, "senders.resolve"),
    # Section 8: ours.
    Route("POST", "/signalbox/v1/Senders", senders.ENTER, "inventory.enter"),
    Route("PATCH", "/signalbox/v1/Senders/{senderId}", senders.UPDATE, "inventory.update"),
    Route("DELETE", "/signalbox/v1/Senders/{senderId}", senders.DELETE, "inventory.delete"),
    Route(
        "GET",
        "/signalbox/v1/SenderPools/Operations/{operationId}/Items",
        operations.LIST_ITEMS,
        "ledger.listItems",
    ),
    Route(
        "POST",
        "/signalbox/v1/SenderPools/Operations/{operationId}/Cancel",
        operations.CANCEL_OPERATION,
        "ledger.cancel",
    ),
    # Section 9: without credentials.
    Route("GET", "/healthz", health.HEALTHZ, "health.alive"),
    Route("GET", "/readyz", health.READYZ, "health.ready"),
    Route("GET", "/metrics", health.METRICS, "health.metrics"),
    Route("GET", "/openapi.json", openapi.DOCUMENT, "docs.openapi"),
    Route("GET", "/docs", docs.INDEX, "docs.index"),
    Route("GET", "/docs/{page}", docs.PAGE, "docs.page"),
    Route("GET", "/llms.txt", docs.LLMS, "docs.llms"),
    Route("GET", "/llms-full.txt", docs.LLMS_FULL, "docs.llmsFull"),
)

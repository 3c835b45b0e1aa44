"""The route table: one line for each endpoint, in the order of the contract."""

from typing import Final

from signalbox.api import document
from signalbox.api.inventory import (
    composition,
    inventory,
    overview,
    pool_operations,
    search,
    sender_pools,
    senders,
    totals,
)
from signalbox.api.program import console, docs, health, inspector, requests, workers
from signalbox.api.routing import opt_outs, resolve
from signalbox.api.sending import decisions, inbox, message_operations, messages, recipients, templates
from signalbox.http.router import Route

ROUTES: Final = (
    # Contract section 6: Sender Pools, numbers 1 to 10; the location of an add follows number 7.
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
        pool_operations.FETCH_OPERATION_OF_POOL,
        "senderPools.fetchSendersOperation",
    ),
    Route(
        "DELETE",
        "/v1/SenderPools/{senderPoolId}/Senders/{senderId}",
        sender_pools.REMOVE_SENDER,
        "senderPools.removeSender",
    ),
    Route("GET", "/v1/SenderPools/Operations", pool_operations.LIST_OPERATIONS, "senderPools.listOperations"),
    Route(
        "GET",
        "/v1/SenderPools/Operations/{operationId}",
        pool_operations.FETCH_OPERATION,
        "senderPools.fetchOperation",
    ),
    # Contract section 7: Senders.
    Route("GET", "/v1/Senders", senders.LIST, "senders.list"),
    Route("GET", "/v1/Senders/{senderId}", senders.FETCH, "senders.fetch"),
    Route("POST", "/v1/Senders/Search", senders.SEARCH, "senders.search"),
    Route("POST", "/v1/Senders/Resolve", resolve.RESOLVE, "senders.resolve"),
    # Contract section 10: Messages, numbers 1 to 8.
    Route("POST", "/v1/Messages", messages.SEND, "messages.send"),
    Route("GET", "/v1/Messages", messages.LIST, "messages.list"),
    Route("GET", "/v1/Messages/{messageId}", messages.FETCH, "messages.fetch"),
    Route("GET", "/v1/Messages/Operations", message_operations.LIST, "messages.listOperations"),
    Route("GET", "/v1/Messages/Operations/{operationId}", message_operations.FETCH, "messages.fetchOperation"),
    Route(
        "GET",
        "/v1/Messages/Operations/{operationId}/Errors",
        message_operations.LIST_ERRORS,
        "messages.listErrors",
    ),
    Route("GET", "/v1/Messages/{messageId}/Receipts", messages.LIST_RECEIPTS, "messages.listReceipts"),
    Route("GET", "/v1/Messages/Seek/{sid}", messages.SEEK, "messages.seek"),
    # Contract section 8: additions of Signalbox.
    Route("POST", "/signalbox/v1/Senders", inventory.ENTER, "inventory.enter"),
    Route("GET", "/signalbox/v1/Senders/{senderId}", inventory.FETCH, "inventory.fetch"),
    Route("PATCH", "/signalbox/v1/Senders/{senderId}", inventory.UPDATE, "inventory.update"),
    Route("DELETE", "/signalbox/v1/Senders/{senderId}", inventory.DELETE, "inventory.delete"),
    Route(
        "GET",
        "/signalbox/v1/SenderPools/Operations/{operationId}/Items",
        pool_operations.LIST_ITEMS,
        "ledger.listItems",
    ),
    Route(
        "POST",
        "/signalbox/v1/SenderPools/Operations/{operationId}/Cancel",
        pool_operations.CANCEL_OPERATION,
        "ledger.cancel",
    ),
    # Contract section 10.5: additions for messages.
    Route(
        "POST",
        "/signalbox/v1/Messages/Operations/{operationId}/Cancel",
        message_operations.CANCEL,
        "messages.cancelOperation",
    ),
    Route("POST", "/signalbox/v1/Messages/{messageId}/Cancel", messages.CANCEL, "messages.cancel"),
    Route(
        "POST",
        "/signalbox/v1/Messages/Operations/{operationId}/Retry",
        message_operations.RETRY,
        "messages.retryOperation",
    ),
    # Contract section 11: which sender.
    Route("GET", "/signalbox/v1/Messages/{messageId}/Decision", decisions.FETCH, "messages.fetchDecision"),
    Route("POST", "/signalbox/v1/Messages/Explain", decisions.EXPLAIN, "messages.explain"),
    Route("POST", "/signalbox/v1/Recipients/Forget", recipients.FORGET, "recipients.forget"),
    # Contract section 15.4: opt-outs.
    Route("GET", "/signalbox/v1/OptOuts", opt_outs.LIST, "optOuts.list"),
    Route("POST", "/signalbox/v1/OptOuts", opt_outs.CREATE, "optOuts.create"),
    Route("DELETE", "/signalbox/v1/OptOuts/{optOutId}", opt_outs.DELETE, "optOuts.delete"),
    # Contract section 14: Inbox.
    Route("GET", "/signalbox/v1/Inbox", inbox.LIST, "inbox.list"),
    Route("GET", "/signalbox/v1/Inbox/{itemId}", inbox.FETCH, "inbox.fetch"),
    Route("GET", "/signalbox/v1/Inbox/Wait", inbox.WAIT, "inbox.wait"),
    Route("POST", "/signalbox/v1/Inbox/{itemId}/Report", inbox.REPORT, "inbox.report"),
    Route("POST", "/signalbox/v1/Inbox/{itemId}/Reply", inbox.REPLY, "inbox.reply"),
    Route("DELETE", "/signalbox/v1/Inbox", inbox.CLEAR, "inbox.clear"),
    # Contract section 10.6: Templates.
    Route("GET", "/signalbox/v1/Templates", templates.LIST, "templates.list"),
    Route("POST", "/signalbox/v1/Templates", templates.CREATE, "templates.create"),
    Route("PUT", "/signalbox/v1/Templates/{contentId}", templates.PUT, "templates.put"),
    Route("GET", "/signalbox/v1/Templates/{contentId}", templates.FETCH, "templates.fetch"),
    Route("DELETE", "/signalbox/v1/Templates/{contentId}", templates.DELETE, "templates.delete"),
    # For the console and the command line; not in the contract.
    Route("POST", "/signalbox/v1/SenderPools/Search", search.SEARCH_POOLS, "names.searchSenderPools"),
    Route("POST", "/signalbox/v1/Senders/Search", search.SEARCH_SENDERS, "names.searchSenders"),
    Route("POST", "/signalbox/v1/Names", search.NAME, "names.name"),
    Route("GET", "/signalbox/v1/Senders/Total", totals.SENDERS, "totals.senders"),
    Route("GET", "/signalbox/v1/SenderPools/Total", totals.SENDER_POOLS, "totals.senderPools"),
    Route("GET", "/signalbox/v1/SenderPools/{senderPoolId}/Senders/Total", totals.MEMBERS, "totals.sendersOfPool"),
    Route("GET", "/signalbox/v1/SenderPools/Operations/Total", totals.OPERATIONS, "totals.operations"),
    Route("GET", "/signalbox/v1/Workers", workers.FETCH, "workers.fetch"),
    Route("GET", "/signalbox/v1/Overview", overview.FETCH, "overview.fetch"),
    Route(
        "GET",
        "/signalbox/v1/SenderPools/{senderPoolId}/Composition",
        composition.FETCH,
        "overview.fetchComposition",
    ),
    Route("GET", "/signalbox/v1/Requests", requests.LIST, "requests.list"),
    Route("GET", "/signalbox/v1/Requests/{requestId}", inspector.FETCH, "requests.fetch"),
    # Contract section 9: endpoints without credentials.
    Route("GET", "/healthz", health.HEALTHZ, "health.alive"),
    Route("GET", "/readyz", health.READYZ, "health.ready"),
    Route("GET", "/metrics", health.METRICS, "health.metrics"),
    Route("GET", "/openapi.json", document.DOCUMENT, "docs.openapi"),
    Route("GET", "/docs", docs.INDEX, "docs.index"),
    Route("GET", "/docs/{page}", docs.PAGE, "docs.page"),
    Route("GET", "/docs/contract/{page}", docs.CONTRACT_PAGE, "docs.contractPage"),
    Route("GET", "/docs/assets/{asset}", docs.ASSET, "docs.asset"),
    Route("GET", "/docs/images/{picture}", docs.PICTURE, "docs.picture"),
    Route("GET", "/llms.txt", docs.LLMS, "docs.llms"),
    Route("GET", "/llms-full.txt", docs.LLMS_FULL, "docs.llmsFull"),
    # The web console: every screen is the same HTML page.
    Route("GET", "/console", console.FIRST_SCREEN, "console.overview"),
    Route("GET", "/console/operations", console.SCREEN, "console.operations"),
    Route("GET", "/console/operation", console.SCREEN, "console.operation"),
    Route("GET", "/console/pools", console.SCREEN, "console.pools"),
    Route("GET", "/console/pool", console.SCREEN, "console.pool"),
    Route("GET", "/console/senders", console.SCREEN, "console.senders"),
    Route("GET", "/console/resolve", console.SCREEN, "console.resolve"),
    Route("GET", "/console/requests", console.SCREEN, "console.requests"),
    Route("GET", "/console/request", console.SCREEN, "console.request"),
    Route("GET", "/console/messages", console.SCREEN, "console.messages"),
    Route("GET", "/console/message", console.SCREEN, "console.message"),
    Route("GET", "/console/console.js", console.SCRIPT, "console.script"),
    Route("GET", "/console/console.css", console.STYLE, "console.style"),
    Route("GET", "/console/icon.svg", console.ICON, "console.icon"),
)
# Only on a server for this machine: `signalbox dev`.
LOCAL_ROUTES: Final = (Route("POST", "/console/sign-in", console.SIGN_IN, "console.signIn"),)

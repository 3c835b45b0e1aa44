"""The samples of the API reference: the call of each endpoint with the clients, and the query for curl."""

from typing import Final, NamedTuple

from signalbox.api.examples import OPERATION_ID, OTHER_SENDER_ID, SENDER_ID, SENDER_POOL_ID


class Sample(NamedTuple):
    """One call: its query, and the code for each client without the lines that make it. Both print the same."""

    python: str
    ts: str
    query: str = ""


_POOL: Final = f'"{SENDER_POOL_ID}"'
_OPERATION: Final = f'"{OPERATION_ID}"'
_SENDER: Final = f'"{SENDER_ID}"'
_OTHER: Final = f'"{OTHER_SENDER_ID}"'

SAMPLES: Final = {
    "senderPools.list": Sample(
        """
for pool in client.sender_pools.list(page_size=20):
    print(pool.id, pool.name)
""",
        """
for await (const pool of client.senderPools.list({ pageSize: 20 })) {
  console.log(pool.id, pool.name);
}
""",
        "pageSize=20",
    ),
    "senderPools.create": Sample(
        f"""
accepted = client.sender_pools.create(
    name="Support Europe",
    senders=[
        {_SENDER},
        {_OTHER},
    ],
    tags={{"team": "sales", "region": "eu-west"}},
)
operation = client.sender_pools.wait(accepted.operation_id)
print(operation.status, operation.stats.created)
""",
        f"""
const accepted = await client.senderPools.create({{
  name: "Support Europe",
  senders: [
    {_SENDER},
    {_OTHER},
  ],
  tags: {{ team: "sales", region: "eu-west" }},
}});
const operation = await client.senderPools.wait(accepted.operationId);
console.log(operation.status, operation.stats.created);
""",
    ),
    "senderPools.fetch": Sample(
        f"""
pool = client.sender_pools.fetch({_POOL})
print(pool.name, pool.tags["team"])
""",
        f"""
const pool = await client.senderPools.fetch({_POOL});
console.log(pool.name, pool.tags.team);
""",
    ),
    "senderPools.delete": Sample(
        f"""
deleted = client.sender_pools.delete({_POOL})
print(deleted.resource_id)
""",
        f"""
const deleted = await client.senderPools.delete({_POOL});
console.log(deleted.resourceId);
""",
    ),
    "senderPools.update": Sample(
        f"""
changed = client.sender_pools.update(
    {_POOL},
    name="Support worldwide",
    tags={{"team": "support"}},
)
print(changed.resource_id)
""",
        f"""
const changed = await client.senderPools.update(
  {_POOL},
  {{ name: "Support worldwide", tags: {{ team: "support" }} }},
);
console.log(changed.resourceId);
""",
    ),
    "senderPools.listSenders": Sample(
        f"""
for sender in client.sender_pools.list_senders({_POOL}, channel="SMS"):
    print(sender.id, sender.address)
""",
        f"""
const senders = client.senderPools.listSenders(
  {_POOL},
  {{ channel: "SMS" }},
);
for await (const sender of senders) {{
  console.log(sender.id, sender.address);
}}
""",
        "channel=SMS",
    ),
    "senderPools.addSender": Sample(
        f"""
accepted = client.sender_pools.add_sender(
    {_POOL},
    [{_SENDER}, {_OTHER}],
)
operation = client.sender_pools.wait(accepted.operation_id)
print(operation.status, operation.stats.created)
""",
        f"""
const accepted = await client.senderPools.addSender(
  {_POOL},
  [{_SENDER}, {_OTHER}],
);
const operation = await client.senderPools.wait(accepted.operationId);
console.log(operation.status, operation.stats.created);
""",
    ),
    "senderPools.removeSender": Sample(
        f"""
removed = client.sender_pools.remove_sender({_POOL}, {_SENDER})
print(removed.resource_id)
""",
        f"""
const removed = await client.senderPools.removeSender(
  {_POOL},
  {_SENDER},
);
console.log(removed.resourceId);
""",
    ),
    "senderPools.listOperations": Sample(
        """
for operation in client.sender_pools.list_operations(status="COMPLETED"):
    print(operation.id, operation.stats.failed)
""",
        """
for await (const operation of client.senderPools.listOperations({ status: "COMPLETED" })) {
  console.log(operation.id, operation.stats.failed);
}
""",
        "status=COMPLETED",
    ),
    "senderPools.fetchOperation": Sample(
        f"""
operation = client.sender_pools.fetch_operation({_OPERATION})
print(operation.status, operation.stats.total)
""",
        f"""
const operation = await client.senderPools.fetchOperation({_OPERATION});
console.log(operation.status, operation.stats.total);
""",
    ),
    "senders.list": Sample(
        """
for sender in client.senders.list(channel="SMS", status="ACTIVATED"):
    print(sender.id, sender.address)
""",
        """
const senders = client.senders.list({ channel: "SMS", status: "ACTIVATED" });
for await (const sender of senders) {
  console.log(sender.id, sender.address);
}
""",
        "channel=SMS&status=ACTIVATED",
    ),
    "senders.fetch": Sample(
        f"""
sender = client.senders.fetch({_SENDER})
print(sender.channel, sender.address)
""",
        f"""
const sender = await client.senders.fetch({_SENDER});
console.log(sender.channel, sender.address);
""",
    ),
    "senders.search": Sample(
        """
for sender in client.senders.search(address="+14155550123", channel="SMS"):
    print(sender.id, sender.display_name)
""",
        """
const found = client.senders.search({ address: "+14155550123", channel: "SMS" });
for await (const sender of found) {
  console.log(sender.id, sender.displayName);
}
""",
    ),
    "senders.resolve": Sample(
        f"""
ways = client.senders.resolve(
    [
        {{"address": "+14155550199", "channel": "PHONE"}},
        {{"address": "ada@example.com", "channel": "EMAIL"}},
    ],
    sender_pool_id={_POOL},
    channels={{
        "filterIn": ["SMS", "RCS"],
        "priority": [{{"channel": "RCS", "priority": 0}}],
    }},
)
for way in ways:
    print(way.priority, way.from_.address, way.to.address)
""",
        f"""
const {{ results }} = await client.senders.resolve({{
  recipientAddresses: [
    {{ address: "+14155550199", channel: "PHONE" }},
    {{ address: "ada@example.com", channel: "EMAIL" }},
  ],
  senderPoolId: {_POOL},
  channels: {{
    filterIn: ["SMS", "RCS"],
    priority: [{{ channel: "RCS", priority: 0 }}],
  }},
}});
for (const way of results) {{
  console.log(way.priority, way.from.address, way.to.address);
}}
""",
    ),
    "inventory.enter": Sample(
        """
entered = client.inventory.enter([
    {
        "channel": "SMS",
        "address": "+14155550123",
        "displayName": "Front desk",
        "tags": {"team": "sales"},
    },
    {"channel": "EMAIL", "address": "desk@example.com", "status": "DEACTIVATED"},
])
print(entered.created, entered.updated, len(entered.refused))
""",
        """
const entered = await client.inventory.enter([
  {
    channel: "SMS",
    address: "+14155550123",
    displayName: "Front desk",
    tags: { team: "sales" },
  },
  { channel: "EMAIL", address: "desk@example.com", status: "DEACTIVATED" },
]);
console.log(entered.created, entered.updated, entered.refused.length);
""",
    ),
    "inventory.update": Sample(
        f"""
sender = client.inventory.update(
    {_SENDER},
    display_name="Front desk",
    tags={{"team": "sales"}},
)
print(sender.id, sender.display_name)
""",
        f"""
const sender = await client.inventory.update(
  {_SENDER},
  {{ displayName: "Front desk", tags: {{ team: "sales" }} }},
);
console.log(sender.id, sender.displayName);
""",
    ),
    "inventory.delete": Sample(
        f"""
removed = client.inventory.delete({_SENDER})
print(removed.resource_id)
""",
        f"""
const removed = await client.inventory.delete({_SENDER});
console.log(removed.resourceId);
""",
    ),
    "ledger.listItems": Sample(
        f"""
for item in client.ledger.list_items({_OPERATION}, outcome="FAILED"):
    print(item.index, item.sender_id, item.message)
""",
        f"""
const failed = client.ledger.listItems(
  {_OPERATION},
  {{ outcome: "FAILED" }},
);
for await (const item of failed) {{
  console.log(item.index, item.senderId, item.message);
}}
""",
        "outcome=FAILED",
    ),
    "ledger.cancel": Sample(
        f"""
stopped = client.ledger.cancel({_OPERATION})
print(stopped.resource_id)
""",
        f"""
const stopped = await client.ledger.cancel({_OPERATION});
console.log(stopped.resourceId);
""",
    ),
}

_QUERIES: Final = {"requests.list": "pageSize=2"}

_PYTHON: Final = "from signalbox_client import Signalbox\n\nclient = Signalbox()\n"
_TS: Final = 'import { Signalbox } from "signalbox-client";\n\nconst client = new Signalbox();\n'


def python(name: str, path: str, *, public: bool, json: bool) -> str:
    """The Python sample of an endpoint; plain HTTP if the client has no method for it."""
    if name in SAMPLES:
        return _PYTHON + SAMPLES[name].python.lstrip("\n")
    url = f'os.environ["SIGNALBOX_BASE_URL"] + "{path}"'
    login = '    auth=(os.environ["SIGNALBOX_ACCOUNT_SID"], os.environ["SIGNALBOX_AUTH_TOKEN"]),\n'
    call = f"httpx.get({url})" if public else f"httpx.get(\n    {url},\n{login})"
    shown = "*response.json()" if json else "response.text.splitlines()[0]"
    return f"import os\n\nimport httpx\n\nresponse = {call}\nresponse.raise_for_status()\nprint({shown})\n"


def ts(name: str, path: str, *, public: bool, json: bool) -> str:
    """The TypeScript sample of an endpoint; plain HTTP if the client has no method for it."""
    if name in SAMPLES:
        return _TS + SAMPLES[name].ts.lstrip("\n")
    environment = "SIGNALBOX_BASE_URL" if public else "SIGNALBOX_ACCOUNT_SID, SIGNALBOX_AUTH_TOKEN, SIGNALBOX_BASE_URL"
    login = "btoa(`${SIGNALBOX_ACCOUNT_SID}:${SIGNALBOX_AUTH_TOKEN}`)"
    options = "" if public else f", {{\n  headers: {{ Authorization: `Basic ${{{login}}}` }},\n}}"
    shown = "...Object.keys(await response.json())" if json else '(await response.text()).split("\\n")[0]'
    return (
        f"const {{ {environment} }} = process.env;\n\n"
        f"const response = await fetch(`${{SIGNALBOX_BASE_URL}}{path}`{options});\n"
        f"if (!response.ok) throw new Error(response.statusText);\nconsole.log({shown});\n"
    )


def query(name: str) -> str:
    """The query of the curl sample."""
    return SAMPLES[name].query if name in SAMPLES else _QUERIES.get(name, "")

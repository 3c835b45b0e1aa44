"""The samples of the API reference: the call of each endpoint with the clients, and the query for curl.

The samples of a noun are in `calls/<noun>.md`: for each endpoint a heading, the query, and the code of each client
without the lines that make it. Both print the same. An endpoint without code there is called by plain HTTP.
"""

import json as json_text
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_FOLDER: Final = Path(__file__).parent / "calls"


class Sample(NamedTuple):
    """One call: its query, and the code of each client; empty where the client has no method for it."""

    python: str = ""
    ts: str = ""
    query: str = ""


@cache
def _samples() -> dict[str, Sample]:
    found = {}
    for path in sorted(_FOLDER.glob("*.md")):
        for section in re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            code = dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL))
            query = re.search(r"^`\?(.*)`$", section, flags=re.MULTILINE)
            found[section.partition("\n")[0]] = Sample(**code, query=query[1] if query else "")
    return found


def _of(name: str) -> Sample:
    return _samples().get(name, Sample())


class Call(NamedTuple):
    """The request of an endpoint: `public` needs no credentials; `json` says whether the response is JSON."""

    method: str
    path: str
    body: object
    public: bool
    json: bool


_PYTHON: Final = "from signalbox_client import Signalbox\n\nclient = Signalbox()\n"
_TS: Final = 'import { Signalbox } from "signalbox-client";\n\nconst client = new Signalbox();\n'


def python(name: str, call: Call) -> str:
    """The Python sample of an endpoint; plain HTTP if the client has no method for it."""
    if code := _of(name).python:
        return _PYTHON + code
    url = f'os.environ["SIGNALBOX_URL"] + "{call.path}"'
    more = (
        "" if call.public else '    auth=(os.environ["SIGNALBOX_ACCOUNT_SID"], os.environ["SIGNALBOX_AUTH_TOKEN"]),\n'
    )
    more += "" if call.body is None else f"    json={call.body!r},\n"
    function = f"httpx.{call.method.lower()}"
    sent = f"{function}(\n    {url},\n{more})" if more else f"{function}({url})"
    shown = "*response.json()" if call.json else "response.text.splitlines()[0]"
    shown = shown if call.method == "GET" else "response.status_code"
    # The one redirect of the API is not followed.
    check = "" if call.path.startswith("/v1/Messages/Seek/") else "response.raise_for_status()\n"
    return f"import os\n\nimport httpx\n\nresponse = {sent}\n{check}print({shown})\n"


def ts(name: str, call: Call) -> str:
    """The TypeScript sample of an endpoint; plain HTTP if the client has no method for it."""
    if code := _of(name).ts:
        return _TS + code
    environment = "SIGNALBOX_URL" if call.public else "SIGNALBOX_ACCOUNT_SID, SIGNALBOX_AUTH_TOKEN, SIGNALBOX_URL"
    login = "btoa(`${SIGNALBOX_ACCOUNT_SID}:${SIGNALBOX_AUTH_TOKEN}`)"
    headers = [] if call.public else [f"Authorization: `Basic ${{{login}}}`"]
    options = [] if call.method == "GET" else [f'method: "{call.method}"']
    seeks = call.path.startswith("/v1/Messages/Seek/")
    options += ['redirect: "manual"'] if seeks else []
    if call.body is not None:
        headers.append('"Content-Type": "application/json"')
        options.append(f"body: JSON.stringify({json_text.dumps(call.body)})")
    if headers:
        options.insert(0, f"headers: {{ {', '.join(headers)} }}")
    written = ", {\n" + "".join(f"  {one},\n" for one in options) + "}" if options else ""
    shown = "...Object.keys(await response.json())" if call.json else '(await response.text()).split("\\n")[0]'
    shown = shown if call.method == "GET" else "response.status"
    check = "" if seeks else "if (!response.ok) throw new Error(response.statusText);\n"
    return (
        f"const {{ {environment} }} = process.env;\n\n"
        f"const response = await fetch(`${{SIGNALBOX_URL}}{call.path}`{written});\n"
        f"{check}console.log({shown});\n"
    )


def query(name: str) -> str:
    """The query of the curl sample."""
    return _of(name).query

"""The samples of the API reference: the call of each endpoint with the clients, and the query for curl.

The samples of a noun are in `calls/<noun>.md`: for each endpoint a heading, the query, and the code of each client
without the lines that make it. Both print the same. An endpoint without code there is called by plain HTTP.
"""

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


_PYTHON: Final = "from signalbox_client import Signalbox\n\nclient = Signalbox()\n"
_TS: Final = 'import { Signalbox } from "signalbox-client";\n\nconst client = new Signalbox();\n'


def python(name: str, path: str, *, public: bool, json: bool) -> str:
    """The Python sample of an endpoint; plain HTTP if the client has no method for it."""
    if code := _of(name).python:
        return _PYTHON + code
    url = f'os.environ["SIGNALBOX_URL"] + "{path}"'
    login = '    auth=(os.environ["SIGNALBOX_ACCOUNT_SID"], os.environ["SIGNALBOX_AUTH_TOKEN"]),\n'
    call = f"httpx.get({url})" if public else f"httpx.get(\n    {url},\n{login})"
    shown = "*response.json()" if json else "response.text.splitlines()[0]"
    return f"import os\n\nimport httpx\n\nresponse = {call}\nresponse.raise_for_status()\nprint({shown})\n"


def ts(name: str, path: str, *, public: bool, json: bool) -> str:
    """The TypeScript sample of an endpoint; plain HTTP if the client has no method for it."""
    if code := _of(name).ts:
        return _TS + code
    environment = "SIGNALBOX_URL" if public else "SIGNALBOX_ACCOUNT_SID, SIGNALBOX_AUTH_TOKEN, SIGNALBOX_URL"
    login = "btoa(`${SIGNALBOX_ACCOUNT_SID}:${SIGNALBOX_AUTH_TOKEN}`)"
    options = "" if public else f", {{\n  headers: {{ Authorization: `Basic ${{{login}}}` }},\n}}"
    shown = "...Object.keys(await response.json())" if json else '(await response.text()).split("\\n")[0]'
    return (
        f"const {{ {environment} }} = process.env;\n\n"
        f"const response = await fetch(`${{SIGNALBOX_URL}}{path}`{options});\n"
        f"if (!response.ok) throw new Error(response.statusText);\nconsole.log({shown});\n"
    )


def query(name: str) -> str:
    """The query of the curl sample."""
    return _of(name).query

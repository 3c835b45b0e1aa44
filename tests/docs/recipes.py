"""The recipes of docs/moving.md, and how each is run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from written import run, under

from processes import SID, Client

TOKEN: Final = "ATokenOfLettersAndDigits00000000"  # the Go SDK accepts no other characters
ACCOUNT: Final = {"SIGNALBOX_ACCOUNT_SID": SID, "SIGNALBOX_AUTH_TOKEN": TOKEN}
LOGIN: Final = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN}
BASH: Final = ("bash", "-euo", "pipefail")


class Recipe(NamedTuple):
    """The file that a recipe is saved as, and the command that runs it."""

    file: str
    command: tuple[str, ...]


EACH_RUN: Final = {
    "Python SDK": Recipe("main.py", (sys.executable, "main.py")),
    "curl": Recipe("main.sh", (*BASH, "main.sh")),
    "Python, requests": Recipe("main.py", (sys.executable, "main.py")),
    "Python, httpx": Recipe("main.py", (sys.executable, "main.py")),
    "JavaScript, fetch": Recipe("main.mjs", ("node", "main.mjs")),
}
BY_HAND: Final = {
    "Node SDK": Recipe("main.mjs", ("node", "main.mjs")),
    "Go SDK": Recipe("main.go", ("go", "run", "-mod=mod", ".")),
    "Java SDK": Recipe("Main.java", ("java", "-cp", "jars/*", "Main.java")),
    "PHP SDK": Recipe("main.php", ("php", "main.php")),
    "Ruby SDK": Recipe("main.rb", ("ruby", "-I", "ruby", "-r", "faraday_middleware", "main.rb")),
    "HTTPie": Recipe("main.sh", (*BASH, "main.sh")),
    "JavaScript, axios": Recipe("main.mjs", ("node", "main.mjs")),
    "Java, java.net.http": Recipe("Main.java", ("java", "Main.java")),
    "Java, OkHttp": Recipe("Main.java", ("java", "-cp", "jars/*", "Main.java")),
    "Go, net/http": Recipe("main.go", ("go", "run", "-mod=mod", "main.go")),
}
IN_ANOTHER_WAY: Final = {"Postman, and tools like it"}  # an environment and no program
NEVER_RUN: Final = {"C# SDK"}  # as the page says


def written_for(heading: str, url: str) -> str:
    """The recipe's text with the page's base URL replaced."""
    (block,) = under("moving", heading)
    port = url.rpartition(":")[2]
    # The Ruby recipe has the port as a separate number.
    return block.text.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace(" 8080, method", f" {port}, method")


def pool_is_made(text: str, recipe: Recipe, folder: Path, client: Client, **more: str) -> None:
    """Runs a recipe, which must make the pool and print the pool's operation."""
    (folder / recipe.file).write_text(text)
    printed = run([*recipe.command], folder, {**LOGIN, **more}, 300)
    found = re.search(r"comms_operation_[0-9a-z]{26}", printed)
    assert found, printed
    (pool,) = client.get("/v1/SenderPools", operationId=found[0])["senderPools"]
    assert pool["name"] == "Support"

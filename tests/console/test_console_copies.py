"""What the console copies runs as it is: commands in a shell prepared by `signalbox env`, programs, and tests."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext, expect
from visits import SCREENS, Furnished, Visit

from installed import need_node
from processes import ACCOUNT, COMMAND, SID, TOKEN, Client, environment

pytest_plugins = ["browsers"]

# The forms in which a request is copied, by the button's label.
FORMS: Final = ("as curl", "as Python", "as TypeScript", "as a pytest test")
# One process runs all programs, because each start takes longer than the program.
RUN_PYTHON: Final = "import runpy, sys; [runpy.run_path(path, run_name='__main__') for path in sys.argv[1:]]"
RUN_NODE: Final = "for (const path of process.argv.slice(1)) await import(path)"


async def test_every_copied_command_runs_in_a_prepared_shell(
    context: BrowserContext, home: Furnished, tmp_path: Path
) -> None:
    visit = await _enter(context, home)
    lines: dict[str, str] = {}
    things = (("/pool", home.pool), ("/operation", home.operation), ("/request", home.refused))
    for screen, key in (*((one, "") for one in SCREENS), *things):
        await visit.open(screen, **({"id": key} if key else {}))
        if screen == "/resolve":
            await visit.page.get_by_role("textbox", name="Address 1").fill("+12025550199")
        await expect(visit.page.locator(".behind [data-copy^=curl]").first).to_be_visible()
        for button in await visit.page.locator(".behind [data-copy^=curl]").all():
            lines[await button.get_attribute("data-copy") or ""] = screen
    assert set(lines.values()) == {*SCREENS, *(screen for screen, _ in things)}
    statuses = await asyncio.to_thread(_shell, list(lines), home, tmp_path)
    for (line, screen), status in zip(lines.items(), statuses, strict=True):
        assert status.startswith("2"), f"{screen}: {line}: {status}"


async def test_request_of_the_log_is_copied_in_forms_that_do_the_same_again(
    context: BrowserContext, home: Furnished, tmp_path: Path
) -> None:
    requests = await asyncio.to_thread(_requests, home)
    visit = await _enter(context, home)
    copies: dict[str, list[str]] = {form: [] for form in FORMS}
    for key in requests:
        await visit.open("/request", id=key)
        group = visit.page.get_by_role("group", name="Copy this request")
        for form in FORMS:
            button = group.get_by_role("button", name=f"Copy {form}")
            copies[form].append(await button.get_attribute("data-copy") or "")
    assert visit.faults == []
    curl, python, typescript, tests = copies.values()
    assert not [text for texts in copies.values() for text in texts if TOKEN in text or SID in text]
    statuses = [str(status) for status in requests.values()]
    assert await asyncio.to_thread(_shell, curl, home, tmp_path) == statuses
    programs = _files(tmp_path, "copy_{}.py", python)
    assert await asyncio.to_thread(_run, [sys.executable, "-c", RUN_PYTHON, *programs], home) == statuses
    await asyncio.to_thread(_pytest, _files(tmp_path, "test_copy_{}.py", tests), tmp_path)
    need_node()
    command = ["node", "--input-type=module", "-e", RUN_NODE, *_files(tmp_path, "copy_{}.mjs", typescript)]
    assert await asyncio.to_thread(_run, command, home) == statuses


async def _enter(context: BrowserContext, home: Furnished) -> Visit:
    visit = Visit(await context.new_page(), home.server.url)
    await visit.open()
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()
    return visit


def _requests(home: Furnished) -> dict[str, int]:
    """Requests whose copies need care; the status of each by its id."""
    rows = 'channel,address,displayName\r\nEMAIL,o\'hara@example.com,"$HOME \\ `x` !"\r\n'
    csv = {"Content-Type": "text/csv"}
    with Client(home.server.url) as api:
        responses = (
            api.http.post("/v1/SenderPools?colour=r[1-2]%22", json={"name": 'It\'s ü, "so"', "senders": []}),
            api.http.post("/v1/SenderPools", content=b'{"name": 1.0, "on": true}'),
            api.http.post("/signalbox/v1/Senders", content=rows, headers=csv),
            api.http.post("/signalbox/v1/Senders", content=rows.encode("utf-16"), headers=csv),
            api.http.get("/v1/Senders", params={"channel": "SMS", "pageSize": 1}),
        )
        return {response.headers["x-request-id"]: response.status_code for response in responses}


def _files(folder: Path, name: str, texts: Sequence[str]) -> list[str]:
    """Writes each text into a file; returns their paths."""
    paths = [folder / name.format(number) for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return [str(path) for path in paths]


def _shell(lines: Sequence[str], home: Furnished, tmp_path: Path) -> list[str]:
    """Runs lines in a shell with a profile of the server; returns the status of the response to each."""
    env = environment({"XDG_CONFIG_HOME": str(tmp_path)})
    login = ["login", "--url", home.server.url, "--account-sid", SID]
    subprocess.run([COMMAND, *login], input=f"{TOKEN}\n", env=env, cwd=tmp_path, text=True, check=True)
    script = f'eval "$({COMMAND} env)"\n'
    for line in lines:
        rest = "--max-time 3" if "text/event-stream" in line else ""  # a stream does not end
        script += f"{line} -s {rest} -o response -w '%{{http_code}}\\n'\n"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout.splitlines()


def _run(command: Sequence[str], home: Furnished) -> list[str]:
    """Runs programs with the variables of `signalbox env`; returns the statuses that they print."""
    env = environment({**ACCOUNT, "SIGNALBOX_URL": home.server.url})
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return re.findall(r"^(\d{3}) [{\[]", done.stdout, flags=re.MULTILINE)


def _pytest(files: Sequence[str], folder: Path) -> None:
    options = ["-q", "-p", "signalbox.testing.plugin", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    # The plugins of this checkout's tests take longer to import than these tests take.
    env = environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert f"{len(files)} passed" in done.stdout

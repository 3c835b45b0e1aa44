"""The commands that the console copies run as they are in a shell prepared by `signalbox env`."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import BrowserContext, expect
from visits import SCREENS, Furnished, Visit

from processes import COMMAND, SID, TOKEN, environment

pytest_plugins = ["browsers"]


async def test_every_copied_command_runs_in_a_prepared_shell(
    context: BrowserContext, home: Furnished, tmp_path: Path
) -> None:
    visit = Visit(await context.new_page(), home.server.url)
    await visit.open()
    await visit.sign_in(SID, TOKEN)
    await expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()
    lines: dict[str, str] = {}
    for screen, key in (*((one, "") for one in SCREENS), ("/pool", home.pool), ("/operation", home.operation)):
        await visit.open(screen, **({"id": key} if key else {}))
        if screen == "/resolve":
            await visit.page.get_by_role("textbox", name="Address 1").fill("+12025550199")
        await expect(visit.page.locator("[data-copy^=curl]").first).to_be_visible()
        for button in await visit.page.locator("[data-copy^=curl]").all():
            lines[await button.get_attribute("data-copy") or ""] = screen
    assert set(lines.values()) == {*SCREENS, "/pool", "/operation"}
    await asyncio.to_thread(_run, lines, home.server.url, tmp_path)


def _run(lines: Mapping[str, str], url: str, tmp_path: Path) -> None:
    """Runs each line in a new shell with a profile of the server; every response is a success."""
    shell = environment({"XDG_CONFIG_HOME": str(tmp_path)})
    login = ["login", "--url", url, "--account-sid", SID]
    subprocess.run([COMMAND, *login], input=f"{TOKEN}\n", env=shell, cwd=tmp_path, text=True, check=True)
    prepared = f'eval "$({COMMAND} env)"\n'
    for line, screen in lines.items():
        rest = "--max-time 3" if "text/event-stream" in line else ""  # a stream does not end
        done = subprocess.run(
            ["bash", "-c", f"{prepared}{line} -s {rest} -o response -w '%{{http_code}}'"],
            cwd=tmp_path,
            env=shell,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.startswith("2"), f"{screen}: {line}: {(tmp_path / 'response').read_text()}"

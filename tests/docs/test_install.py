"""docs/install.md and compose.yaml. `.ci/ways.py` runs `uvx`, `pipx` and the container."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml
from written import under

from signalbox.cli import main
from signalbox.ground.settings import SETTINGS, load

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "compose.yaml").read_text("utf-8")
SERVICES: Final[dict[str, dict[str, Any]]] = yaml.safe_load(TEXT)["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if "build" in one}


def test_first_way_is_that_of_the_readme() -> None:
    readme = re.search(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (lines,) = under("install", "Clone and make")
    assert readme
    assert lines.text == readme[1]


def test_compose_has_a_database_two_servers_a_worker_and_a_proxy() -> None:
    assert list(SERVICES) == ["database", "server-1", "server-2", "worker", "proxy"]
    commands = {name: shlex.join(one["command"]) for name, one in OURS.items()}
    assert commands == {"server-1": "serve --workers 0", "server-2": "serve --workers 0", "worker": "worker"}


@pytest.mark.parametrize("name", OURS)
def test_compose_starts_commands_that_exist_with_settings_that_exist(name: str) -> None:
    service = OURS[name]
    command, *arguments = service["command"]
    found = main.commands[command]
    assert isinstance(found, click.Command)
    found.make_context(command, arguments)
    variables = {one for one in service["environment"] if one.startswith("SIGNALBOX_")}
    assert variables <= {setting.variable for setting in SETTINGS}
    assert service["build"] == {"context": ".", "dockerfile": "Containerfile"}


def test_compose_has_no_secret_and_refuses_to_start_without_one() -> None:
    secrets = re.findall(r"(?:PASSWORD|TOKEN|ACCOUNT_SID): (.+)", TEXT)
    assert len(secrets) == 4
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?\}", one) for one in secrets)


def test_lines_of_the_page_write_what_compose_needs_and_git_ignores_it(tmp_path: Path) -> None:
    (lines,) = under("install", "Several containers")
    script, _, last = lines.text.rstrip().rpartition("\n")
    assert last == "docker compose up --build --detach"
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, check=True, timeout=300)
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text("utf-8").splitlines())
    assert written.keys() == set(re.findall(r"\$\{(\w+):\?\}", TEXT))
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    given = {name: _filled(str(value), written) for name, value in OURS["server-1"]["environment"].items()}
    settings = load({}, given, tmp_path / "none.toml")
    assert settings.database == "postgresql://signalbox@database/signalbox"
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.account_sid == written["SIGNALBOX_ACCOUNT_SID"]
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def _filled(text: str, variables: dict[str, str]) -> str:
    """The text with the variables of Compose, or their defaults, in place of `${NAME:?}` and `${NAME:-default}`."""
    return re.sub(r"\$\{(\w+):(?:\?|-(.*))\}", lambda found: variables.get(found[1], found[2]), text)


def test_only_the_proxy_is_published_and_only_on_this_machine() -> None:
    ports = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert ports == {"proxy": ["127.0.0.1:8080:8080"]}


def test_proxy_leads_to_both_servers_with_the_lines_of_the_pages() -> None:
    text = (ROOT / "compose.Caddyfile").read_text("utf-8").replace("\t", " ")
    (mounted,) = SERVICES["proxy"]["volumes"]
    assert mounted.startswith("./compose.Caddyfile:")
    servers = re.search(r"reverse_proxy (.+) \{", text)
    assert servers
    assert servers[1].split() == [f"{name}:8080" for name in OURS if name != "worker"]
    _, caddy = under("several-nodes", "The load balancer")
    written = {line.strip() for line in caddy.text.splitlines() if not line.startswith("reverse_proxy")}
    assert written <= {line.strip() for line in text.splitlines()}
    assert "respond /metrics 403" in text

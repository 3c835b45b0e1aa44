"""Real proxies with the configurations of the docs: nginx and Caddy from Debian, with certificates made here."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from written import under

from ports import free_port
from processes import Process, environment, eventually

_PAGE_NAME: Final = "api.example.com"
_SUBJECT: Final = ["-nodes", "-days", "1", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]


class Authority:
    """A certificate authority in a folder: `ca.pem`, and one certificate for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        self._openssl("req", "-x509", *_SUBJECT, "-subj", "/CN=Ours", *ca, "-keyout", "ca.key", "-out", "ca.pem")

    def certificate(self, name: str) -> None:
        """Makes `NAME.pem` and `NAME.key`."""
        self._openssl(
            *("req", "-x509", *_SUBJECT, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True, timeout=300)


class _Proxy(Process):
    """A proxy that listens once constructed; `url` is its URL."""

    def __init__(self, command: Sequence[str | Path], folder: Path, name: str, port: int, address: str) -> None:
        super().__init__(command, env=environment({"HOME": str(folder), "XDG_DATA_HOME": str(folder)}), cwd=folder)
        self.url = f"https://{name}:{port}" if port != 443 else f"https://{name}"
        self.port = port
        try:
            eventually(lambda: self._listens(address), f"{command[0]} listens: {self.stderr}")
        except BaseException:
            self.kill()
            raise

    def _listens(self, address: str) -> bool:
        assert self.running, self.stderr
        with suppress(OSError), socket.create_connection((address, self.port), 1):
            return True
        return False


class Nginx(_Proxy):
    """nginx with the configuration of docs/tls.md; `more` is added to the server block, beside its locations.

    `upstream` replaces the page's upstream block.
    """

    def __init__(
        self,
        folder: Path,
        server: str,
        name: str,
        port: int | None = None,
        address: str = "127.0.0.1",
        more: str = "",
        upstream: str = "",
    ) -> None:
        port = port or free_port()
        own, end, rest = under("tls", "nginx")[0].text.partition("}\n")
        upstream = upstream or own.replace("127.0.0.1:8080", server.removeprefix("http://")) + end
        text = upstream + rest
        changes = {
            "listen 443 ssl;": f"listen {address}:{port} ssl;\n{more}",
            _PAGE_NAME: name,
            "/etc/ssl/": f"{folder}/",
        }
        write_nginx(folder, changed(text, changes))
        super().__init__(nginx_command(folder), folder, name, port, address)


class Caddy(_Proxy):
    """Caddy with a configuration of the docs."""

    def __init__(self, folder: Path, text: str, name: str, port: int) -> None:
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}")
        command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        super().__init__(command, folder, name, port, "127.0.0.1")


def changed(text: str, changes: dict[str, str]) -> str:
    """The text with each part replaced; the text must contain every part."""
    for old, new in changes.items():
        assert old in text, f"{old} is not in {text}"
        text = text.replace(old, new)
    return text


def write_nginx(folder: Path, http: str) -> None:
    """Writes a complete configuration around the part that the docs show, which belongs in Debian's `conf.d`."""
    (folder / "logs").mkdir(exist_ok=True)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    frame = f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{frame}http {{\naccess_log off;\n{temporary}{http}}}\n")


def nginx_command(folder: Path) -> list[str]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]

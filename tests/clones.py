"""A repository with the working tree, and clones of it in which `make` finds everything built."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from docs_build import site

ROOT: Final = Path(__file__).parents[1]


def make_repository(folder: Path) -> None:
    """Makes a repository with the working tree, uncommitted changes included."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, timeout=300
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "Everything"]):
        subprocess.run(["git", *command], cwd=folder, check=True, timeout=300)


def furnish(clone: Path) -> None:
    """Makes the clone's `.venv` and site, as `make` would: from this environment's libraries, and from this site."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True, timeout=300)
    (packages,) = (clone / ".venv" / "lib").glob("python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    own = [str(clone / "src"), str(clone / "clients" / "python" / "src")]
    (packages / "signalbox.pth").write_text("\n".join([*own, *libraries]) + "\n")
    command = clone / ".venv" / "bin" / "signalbox"
    command.write_text(f"#!{clone / '.venv' / 'bin' / 'python'}\nfrom signalbox.__main__ import main\nmain()\n")
    command.chmod(0o755)
    for stamp in (".built-run", ".built"):
        (clone / ".venv" / stamp).touch()
    if not site.is_current():
        site.build()
    shutil.copytree(site.SITE, clone / site.SITE.relative_to(ROOT))

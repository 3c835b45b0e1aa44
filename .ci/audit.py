"""Looks up the run-time dependencies in the advisory database; fails for a known vulnerability that has a fix.

Development tools are not looked up. When the service cannot be reached, the program says so and succeeds, so that a
merge does not depend on an external server. Exit code 1 means: update to the named version.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def runtime(package: str = "signalbox-server") -> dict[str, str]:
    """Names and versions of the package's installed dependencies, direct and indirect."""
    found: dict[str, str] = {}
    waiting = [package]
    while waiting:
        for text in metadata.requires(waiting.pop()) or ():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
                continue
            found[name] = metadata.version(name)
            waiting.append(name)
    return dict(sorted(found.items()))


def ask(versions: dict[str, str], command: str = "pip-audit") -> tuple[str, str]:
    """The output of the tool: its JSON report, and its standard error."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), "utf-8")
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / command, "--requirement", listed, "--no-deps", "--disable-pip"),
                *("--format", "json", "--progress-spinner", "off", "--timeout", "15"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    return done.stdout, done.stderr


def judge(asked: dict[str, str], report: str, complaints: str) -> tuple[int, list[str]]:
    """The exit code, and the lines to print."""
    try:
        dependencies = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (complaints.strip().splitlines() or ["no response"])[-1][:300]
        return 0, [f"NOT AUDITED: the advisory service cannot be reached: {reason}"]
    code, said = 0, []
    unknown = sorted({*asked} - {canonicalize_name(one["name"]) for one in dependencies if "skip_reason" not in one})
    for one in dependencies:
        for found in one.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"])
            code = code or int(bool(fixed))
            what = f"fixed in {fixed}" if fixed else "no version fixes this yet"
            said.append(f"VULNERABLE: {one['name']} {one['version']}: {found['id']}, {what}")
    if unknown:
        said.append(
            f"NOT AUDITED: the service knows nothing about {len(unknown)} of {len(asked)}: {', '.join(unknown)}"
        )
    said.append(f"audited: {len(asked) - len(unknown)} of {len(asked)} packages")
    return code, said


def main() -> int:
    versions = runtime()
    code, said = judge(versions, *ask(versions))
    print("\n".join(said))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Builds the published packages and tries them in an empty environment: `python .ci/packages.py [FOLDER]`.

FOLDER (default `dist`) gets the sdists and wheels of both Python packages and the tarball of the npm package. Each
wheel is built from its sdist. The program checks contents and versions, installs the wheels into a new environment
outside the checkout, and uses them: the server, its pages, the command line, the fixture with the example project,
the npm package, and the ways of docs/install.md: `uvx` from a repository, `pipx` with the wheels, the container. Exits
with 1 at the first problem.

The dependencies come from the package index that pip is configured for. When it cannot be reached, the libraries of
this environment are used instead, and the output says so.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Sequence
from email import message_from_bytes
from pathlib import Path
from typing import Final

import ways
from steps import LOGIN, ROOT, Wrong, check_pages, need, run, serving, step

CLIENT: Final = ROOT / "clients" / "python"
NPM: Final = ROOT / "clients" / "typescript"
BIN: Final = Path(sys.executable).parent
# Files that the wheel must have; a star matches one or more.
PROMISED: Final = (
    "signalbox/py.typed",
    "signalbox/sql/queries/*/*.sql",
    "signalbox/sql/migrations/*.sql",
    "signalbox/site/docs.html",
    "signalbox/site/docs/*.md",
    "signalbox/site/docs/*.html",
    "signalbox/site/llms.txt",
    "signalbox/console/index.html",
    "signalbox/testing/plugin.py",
)
# Files that no package may contain.
FOREIGN: Final = re.compile(r"(^|/)(tests?|bench|node_modules|__pycache__|\.[a-z]+)/|\.(db|pyc|map)$|(^|/)\.env")


# --- building


def versions() -> dict[str, str]:
    """The version that each part states. They are published together, so all must be equal."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    example = tomllib.loads((ROOT / "examples" / "python-app" / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = next(one for one in project["dependencies"] if one.startswith("signalbox-client"))
    return {
        "signalbox-server": _assigned(ROOT / "src" / "signalbox" / "__init__.py"),
        "signalbox-client": _assigned(CLIENT / "src" / "signalbox_client" / "version.py"),
        "the client that signalbox-server needs": pinned.partition("==")[2],
        "the client that examples/python-app needs": example["dependencies"][0].partition("==")[2],
        "the server that its tests need": example["optional-dependencies"]["test"][0].partition("==")[2],
        "clients/typescript/package.json": json.loads((NPM / "package.json").read_text("utf-8"))["version"],
        "clients/typescript/package-lock.json": json.loads((NPM / "package-lock.json").read_text("utf-8"))["version"],
    }


def _assigned(path: Path) -> str:
    found = re.search(r'^__version__(?:: \w+)? = "(.+)"$', path.read_text("utf-8"), re.MULTILINE)
    need(found, f"{path}: assigns no __version__")
    return found[1] if found else ""


def build(dist: Path) -> None:
    """Builds all packages. Without isolation: the build tools are those of this environment, pinned and offline."""
    shutil.rmtree(dist, ignore_errors=True)
    for folder in (CLIENT, ROOT):
        # Without --sdist or --wheel, `build` makes the sdist, and the wheel from the sdist.
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, folder, cwd=ROOT)
    if not (NPM / "node_modules").is_dir():
        run("npm", "ci", "--no-fund", "--no-audit", cwd=NPM)
    run("npm", "pack", "--pack-destination", dist, cwd=NPM)


# --- checking the files


def files_of(package: Path) -> dict[str, bytes]:
    """The files of a package by name; a single top folder is removed from the names."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(package) as archive:
        members = [(member.name.partition("/")[2], archive.extractfile(member)) for member in archive]
        return {name: file.read() for name, file in members if file}


def check_metadata(dist: Path) -> None:
    run(
        sys.executable,
        "-m",
        "twine",
        "check",
        "--strict",
        *sorted(dist.glob("*.whl")),
        *dist.glob("*.tar.gz"),
        cwd=ROOT,
    )


def check_wheel(wheel: Path, source: Path, version: str) -> None:
    """The wheel has every file of the source and the licence, and nothing else."""
    files, package = files_of(wheel), source.name
    here = {
        f"{package}/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"{wheel.name.partition('-')[0]}-{version}.dist-info"
    there = {name for name in files if not name.startswith(f"{info}/")}
    need(there == here, f"{wheel.name}: missing {sorted(here - there)}, too many {sorted(there - here)}")
    need(f"{package}/py.typed" in files, f"{wheel.name}: has no py.typed")
    need(files[f"{info}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes(), f"{wheel.name}: has another licence")
    metadata = message_from_bytes(files[f"{info}/METADATA"])
    need(metadata["Version"] == version, f"{wheel.name}: is version {metadata['Version']}")
    need(metadata["License-Expression"] == "Apache-2.0", f"{wheel.name}: names no licence")
    foreign = sorted(filter(FOREIGN.search, files))
    need(not foreign, f"{wheel.name}: holds {foreign}")


def check_program(wheel: Path) -> None:
    """The wheel has the files that the program reads at run time."""
    files = files_of(wheel)
    for pattern in PROMISED:
        wanted = re.compile(re.escape(pattern).replace(r"\*", "[^/]+"))
        need(any(map(wanted.fullmatch, files)), f"{wheel.name}: has no {pattern}")
    fonts_and_code = [name for name in files if name.startswith("signalbox/console/") and b"https://cdn" in files[name]]
    need(not fonts_and_code, f"{wheel.name}: fetches from another host: {fonts_and_code}")


def check_sdist(sdist: Path) -> None:
    files = files_of(sdist)
    need({"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= files.keys(), f"{sdist.name}: is not complete")
    foreign = sorted(filter(FOREIGN.search, files))
    need(not foreign, f"{sdist.name}: holds {foreign[:5]}")


def check_npm(tarball: Path, version: str) -> None:
    files = files_of(tarball)
    about = json.loads(files["package.json"])
    need(about["version"] == version, f"{tarball.name}: is version {about['version']}")
    need(not about.get("dependencies"), f"{tarball.name}: has dependencies")
    entries = [about["main"], about["module"], about["types"]]
    for condition in about["exports"]["."].values():
        entries += condition.values()
    missing = {entry.removeprefix("./") for entry in entries} | {"LICENSE", "README.md"}
    need(missing <= files.keys(), f"{tarball.name}: has no {sorted(missing - files.keys())}")
    foreign = sorted(name for name in files if FOREIGN.search(name) and not name.endswith(".map"))
    need(not foreign, f"{tarball.name}: holds {foreign[:5]}")


# --- using the packages


def install(dist: Path, place: Path) -> Path:
    """A new environment with the wheels; returns the folder of its programs."""
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    programs = place / "venv" / "bin"
    (wheel,), (client,) = dist.glob("signalbox_server-*.whl"), dist.glob("signalbox_client-*.whl")
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--no-compile")
    # Both from files: neither is on the public index.
    done = run(*pip, client, f"{wheel}[pytest]", cwd=place, check=False)
    if done.returncode:
        print(f"\nNOT CLEAN: the package index could not be used: {done.stderr.strip()[-300:]}")
        (site,) = (place / "venv" / "lib").glob("python3*/site-packages")
        (ours,) = (BIN.parent / "lib").glob("python3*/site-packages")
        (site / "stand-in.pth").write_text(f"{ours}\n", "utf-8")
        run(*pip, "--no-index", "--no-deps", *dist.glob("*.whl"), cwd=place)
    run(programs / "python", "-m", "pip", "check", cwd=place)
    where = run(programs / "python", "-c", "import signalbox; print(signalbox.__file__)", cwd=place).stdout
    need(where.startswith(str(place)), f"not the wheel is used but {where}")
    return programs


def use_program(programs: Path, place: Path, version: str) -> None:
    """Checks the server, its pages and the command line."""
    said = run(programs / "signalbox", "--version", cwd=place).stdout
    need(said == f"signalbox {version}\n", f"--version says {said!r}")
    said = run(programs / "python", "-m", "signalbox", "--version", cwd=place).stdout
    need(said == f"signalbox {version}\n", f"python -m signalbox --version says {said!r}")
    command = (programs / "signalbox", "serve", "--port", "0", "--database", "sqlite://", "--log-format", "json")
    with serving(command, place, LOGIN) as url:
        check_pages(url)
        env = {**LOGIN, "SIGNALBOX_URL": url}
        (place / "senders.csv").write_text("channel,address\nSMS,+12025550100\nPUSH,com.example.app\n", "utf-8")
        run(programs / "signalbox", "senders", "import", "senders.csv", cwd=place, env=env)
        run(programs / "signalbox", "pools", "create", "everybody", "--watch", cwd=place, env=env)
        listed = run(programs / "signalbox", "senders", "list", "--json", cwd=place, env=env).stdout
        need(listed.count("comms_sender_") == 2, f"senders list --json says {listed!r}")


def use_fixture(programs: Path, place: Path) -> None:
    """Runs the example project's own tests."""
    project = shutil.copytree(ROOT / "examples" / "python-app", place / "python-app")
    said = run(programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project).stdout
    need(re.search(r"^\d+ passed", said, re.MULTILINE), said)


def use_npm(dist: Path, place: Path) -> None:
    """The tarball installs without a network, and both module systems load the client."""
    project = place / "node"
    project.mkdir()
    (project / "package.json").write_text('{"private": true}', "utf-8")
    (tarball,) = dist.glob("signalbox-client-*.tgz")
    run("npm", "install", "--offline", "--no-fund", "--no-audit", tarball, cwd=project)
    makes = (
        "new TwilioClient({accountId: 'AC', authToken: 'x', baseUrl: 'http://127.0.0.1:1'}).senderPools.listOperations"
    )
    for load in (
        "import { TwilioClient } from 'signalbox-client';",
        "const { TwilioClient } = require('signalbox-client');",
    ):
        kind = "module" if load.startswith("import") else "commonjs"
        said = run("node", f"--input-type={kind}", "-e", f"{load} console.log(typeof {makes})", cwd=project).stdout
        need(said == "function\n", f"{kind}: senderPools.listOperations is {said!r}")


def check_containerfile(place: Path) -> None:
    """hadolint accepts the file, and the files that it copies are enough to build the packages."""
    run(BIN / "hadolint", "Containerfile", cwd=ROOT)
    text = (ROOT / "Containerfile").read_text("utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            copied = place / "context" / (target if (ROOT / source).is_dir() else source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, copied, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, copied)
    for folder in (place / "context" / "clients" / "python", place / "context"):
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", place / "image", folder, cwd=place)


def main(arguments: Sequence[str]) -> int:
    dist = Path(arguments[0] if arguments else "dist").resolve()
    started = time.perf_counter()
    try:
        every(dist)
    except Wrong as wrong:
        print(f"\nWRONG: {wrong}", file=sys.stderr)
        return 1
    print(f"{'all of it':<60}{time.perf_counter() - started:6.1f} s")
    for package in sorted(dist.iterdir()):
        print(f"{package.stat().st_size:>11,} {package.name}")
    return 0


def every(dist: Path) -> None:
    """Runs all steps until one fails."""
    with step("one version everywhere"):
        found = versions()
        need(len(set(found.values())) == 1, f"more than one version: {found}")
        version = found["signalbox-server"]
    with step("building sdists, wheels from them, and the npm tarball"):
        build(dist)
    with step("the files in them"):
        check_metadata(dist)
        server = dist / f"signalbox_server-{version}-py3-none-any.whl"
        check_wheel(server, ROOT / "src/signalbox", version)
        check_wheel(dist / f"signalbox_client-{version}-py3-none-any.whl", CLIENT / "src/signalbox_client", version)
        check_program(server)
        for sdist in dist.glob("*.tar.gz"):
            check_sdist(sdist)
        check_npm(dist / f"signalbox-client-{version}.tgz", version)
    with tempfile.TemporaryDirectory(prefix="signalbox-packages-") as folder:
        place = Path(folder).resolve()
        with step("the Containerfile: hadolint, and building what it copies"):
            check_containerfile(place)
        with step("installing the wheels into a new environment"):
            programs = install(dist, place)
        with step("the server, its pages, the command line"):
            use_program(programs, place, version)
        with step("the fixture: the tests of examples/python-app"):
            use_fixture(programs, place)
        with step("uvx from a repository, as docs/install.md says"):
            ways.uvx(place)
        with step("pipx with the wheels, as docs/install.md says"):
            ways.pipx(dist, place)
        with step("the container"):
            ways.container(place)
        with step("the npm package, as ESM and CommonJS"):
            use_npm(dist, place)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

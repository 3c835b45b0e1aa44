"""Generates clients in other languages from /openapi.json, compiles them, and uses them with a server.

`python clients/recipes/check.py` runs the recipes of docs/other-languages.md from scratch: it starts the server,
installs openapi-generator into its own virtual environment, generates, compiles, and runs the program beside this
file. It needs Python 3.11, Java 17 with Maven, and Go; all output is under build/recipes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import urlopen

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
BUILD: Final = ROOT / "build" / "recipes"
SIGNALBOX: Final = ROOT / ".venv" / "bin" / "signalbox"
GENERATOR: Final = "openapi-generator-cli==7.26.0"
ACCOUNT: Final = {
    "SIGNALBOX_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "SIGNALBOX_AUTH_TOKEN": "a-token-that-the-tests-chose-000",
}
# The output of each program: no operations before; two items; an error, as Go's code and Java's status.
WANTED: Final = {"go": "before 0 COMPLETED 2 refused 20001", "java": "before 0 COMPLETED 2 refused 400"}
# Without the generated tests and pages: they need more packages than the code itself.
ONLY_CODE: Final = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
GO: Final = (
    *("-g", "go", "--additional-properties", "packageName=signalbox,enumClassPrefix=true"),
    *("--git-host", "example.com", "--git-user-id", "clients", "--git-repo-id", "signalbox"),
)
JAVA: Final = (
    *("-g", "java", "--group-id", "org.example", "--artifact-id", "signalbox"),
    *("--invoker-package", "org.example.signalbox", "--api-package", "org.example.signalbox.api"),
    *("--model-package", "org.example.signalbox.model"),
)


def main() -> None:
    """Runs the named recipes, or all; exits with 1 when one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", choices=[*WANTED, []], help="go, java; both by default")
    languages = parser.parse_args().languages or list(WANTED)
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    generator = install()
    for language in languages:
        with served() as url:
            document = BUILD / "openapi.json"
            document.write_bytes(urlopen(f"{url}/openapi.json", timeout=30).read())  # noqa: S310 (our own server)
            said = {"go": go, "java": java}[language](generator, document, {**ACCOUNT, "SIGNALBOX_URL": url})
        report(f"{language}: {said}")
        if said != WANTED[language]:
            sys.exit(f"{language} should have printed: {WANTED[language]}")


def install() -> Path:
    """The generator in its own environment; its package contains the program, but Java must be installed."""
    venv.create(BUILD / "venv", with_pip=True)
    run(BUILD / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", GENERATOR)
    return BUILD / "venv/bin/openapi-generator-cli"


def go(generator: Path, document: Path, environment: Mapping[str, str]) -> str:
    """Two modules in one workspace: the generated one and the program."""
    report(run("go", "version"))
    generate(generator, document, BUILD / "go/signalbox", *GO)
    shutil.copytree(HERE / "go", BUILD / "go/program")
    (BUILD / "go/program/go.mod").write_text("module example.com/program\n\ngo 1.23\n")
    run("go", "work", "init", "./signalbox", "./program", cwd=BUILD / "go")
    run("go", "vet", "./signalbox", "./program", cwd=BUILD / "go")
    run("go", "build", "-o", "example", "./program", cwd=BUILD / "go")
    return run(BUILD / "go/example", environment=environment)


def java(generator: Path, document: Path, environment: Mapping[str, str]) -> str:
    """A Maven project of the generated code, and a program that is compiled with it."""
    report(run("java", "--version").splitlines()[0])
    project = BUILD / "java/signalbox"
    generate(generator, document, project, *JAVA)
    run("mvn", "-q", "-B", "package", "-Dmaven.test.skip=true", "-Dmaven.javadoc.skip=true", cwd=project)
    classes = os.pathsep.join(f"{project}/target/{part}" for part in ("*", "lib/*"))
    run("javac", "-cp", classes, "-d", BUILD / "java/program", HERE / "java/Main.java")
    return run("java", "-cp", f"{BUILD / 'java/program'}{os.pathsep}{classes}", "Main", environment=environment)


def report(text: str) -> None:
    """Prints without buffering, to show the progress of a long run."""
    print(text, flush=True)  # noqa: T201 (a program for people)


def generate(generator: Path, document: Path, folder: Path, *options: str) -> None:
    """Generates the code for a document into a folder."""
    run(generator, "generate", "-i", document, "-o", folder, "--global-property", ONLY_CODE, *options)


def run(
    *command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None, seconds: int = 600
) -> str:
    """The output of a command; SystemExit with the output when it fails."""
    done = subprocess.run(  # noqa: S603 (our own commands)
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


@contextmanager
def served() -> Iterator[str]:
    """A new server with a database in memory, until the block ends."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [SIGNALBOX, "serve", "--database", "sqlite://", "--port", "0", "--log-format", "json"],
        cwd=BUILD,
        env={**own, **ACCOUNT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101
        for line in process.stdout:
            if found := re.search(r'"event":"ready","url":"([^"]+)"', line):
                yield found[1]
                return
        sys.exit("the server did not start")
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    main()

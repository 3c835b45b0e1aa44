"""Builds the site: the generator turns pages into HTML, and this module turns that into the files that are served.

Every link is relative, so that the site works under any host and path prefix. Pages have no inline scripts, so that the
Content-Security-Policy can forbid them. Nothing is loaded from another host.
"""

import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from docs_build import changes, pages, pictures

# Pinned: the code below depends on the form of its output.
GENERATOR: Final = "zensical==0.0.73"

SITE: Final = pages.ROOT / "src" / "signalbox" / "site"
_STAMP: Final = "sources"
_LOGO: Final = Path(__file__).with_name("logo.svg")
_STYLE: Final = Path(__file__).with_name("site.css")
_PICTURES: Final = ("*.svg", "images/*")
# Placeholder in llms.txt; the server replaces it by the base URL of the request.
BASE_URL: Final = "{base_url}"
_LINK: Final = re.compile(r'(?<=[ \n])(href|src)="([^"]*)"')
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def is_current() -> bool:
    """Whether the site was built from the current sources."""
    stamp = SITE / _STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == _digest()


def build() -> None:
    """Builds the site, and prints the generator's warnings of broken links.

    Raises CalledProcessError when the generator fails, ValueError for a page that could not be served.
    """
    with tempfile.TemporaryDirectory() as folder:
        made, parts = Path(folder, "made"), Path(folder, "site")
        _generate(Path(folder), made)
        assets = _assets(made, parts / "docs" / "assets")
        for page in sorted(made.rglob("*.html")):
            if page.stem != "404":
                _page(page.relative_to(made).as_posix(), made, parts, assets)
        for source in _sources():
            if pages.FOLDER in source.parents:
                target = parts / "docs" / source.relative_to(pages.FOLDER)
                target.parent.mkdir(exist_ok=True)
                _copy(source, target)
        _draw(parts / "docs" / "images")
        shutil.copyfile(_LOGO, parts / "docs" / "images" / "signalbox.svg")
        index = (made / "search.json").read_text("utf-8")
        (parts / "docs" / "search.json").write_text(_moved_index(index), "utf-8")
        (parts / "llms.txt").write_text(_llms(), "utf-8")
        names = [name for group in pages.groups() for name in group.pages]
        (parts / "llms-full.txt").write_text("\n\n".join(map(pages.text, names)), "utf-8")
        (parts / "LICENSES.txt").write_text(_licenses(made), "utf-8")
        (parts / _STAMP).write_text(_digest(), "utf-8")
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.copytree(parts, SITE)


def _sources() -> list[Path]:
    """The source files of the site."""
    written = [pages.FOLDER / f"{name}.md" for name in pages.every()]
    shown = [path for pattern in _PICTURES for path in pages.FOLDER.glob(pattern)]
    code = [path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".svg", ".css", ".txt")]
    return sorted([*written, *shown, *code, *changes.sources(), pages.CONFIG])


def _text(page: Path) -> str:
    return pages.text(page.relative_to(pages.FOLDER).with_suffix("").as_posix())


def _copy(source: Path, target: Path) -> None:
    """Copies a source; a page as it is served."""
    if source.suffix == ".md":
        target.write_text(_text(source), "utf-8")
    else:
        shutil.copyfile(source, target)


def _digest() -> str:
    digest = blake2b(digest_size=16)
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(pages.ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _generate(folder: Path, made: Path) -> None:
    """Runs the generator on the pages."""
    staged = folder / "docs"
    _draw(staged / "images")
    for source in _sources():
        if pages.FOLDER in source.parents:
            target = staged / source.relative_to(pages.FOLDER)
            target.parent.mkdir(exist_ok=True)
            if source.suffix == ".md":
                target.write_text(pages.for_generator(_text(source)), "utf-8")
            else:
                shutil.copyfile(source, target)
    shutil.copyfile(_LOGO, staged / "logo.svg")
    shutil.copyfile(_STYLE, staged / "site.css")
    shutil.copyfile(pages.CONFIG, folder / pages.CONFIG.name)
    run = "import sys; sys.path.insert(0, sys.argv.pop(1)); from zensical.main import cli; cli()"
    done = subprocess.run(
        [sys.executable, "-c", run, str(pages.ROOT), "build"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or "Warning:" in done.stdout:
        sys.stderr.write(re.sub("\x1b\\[[0-9;]*m", "", done.stdout))
    if done.returncode or not (made / "index.html").is_file():
        raise subprocess.CalledProcessError(done.returncode or 1, "zensical build")


def _draw(folder: Path) -> None:
    """Draws the pictures that have text sources."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in pictures.names():
        (folder / f"{name}.svg").write_text(pictures.draw(name), "utf-8")


# --- assets


def _assets(made: Path, folder: Path) -> dict[str, str]:
    """Moves the assets into one folder, under names that change with their content; returns the new names."""
    folder.mkdir(parents=True)
    moved = {}
    for path in sorted((made / "assets").rglob("*")):
        if path.suffix in (".js", ".css") and path.parent.name != "classic":  # the theme's other look
            moved[path.relative_to(made).as_posix()] = _asset(folder, path.name, path.read_bytes())
    for name in ("logo.svg", "site.css"):
        moved[name] = _asset(folder, name, (made / name).read_bytes())
    return moved


def _asset(folder: Path, name: str, content: bytes) -> str:
    parts = name.split(".")
    named = f"{parts[0]}.{blake2b(content, digest_size=6).hexdigest()}.{parts[-1]}"
    (folder / named).write_bytes(content)
    return f"assets/{named}"


# --- pages


def _page(name: str, made: Path, parts: Path, assets: dict[str, str]) -> None:
    """Writes a page; the first one twice: the links of `/docs` resolve against another folder than `/docs/index`."""
    html = (made / name).read_text("utf-8").strip() + "\n"
    folder, _, file = name.rpartition("/")
    root = "../" * bool(folder)
    for served, base in [(f"docs/{name}", root), *([("docs.html", "docs/")] if name == "index.html" else [])]:
        place = _Place(folder, base)
        moved = _LINK.sub(lambda match, place=place: f'{match[1]}="{_moved(match[2], place, assets)}"', html)  # type: ignore[misc]
        moved = _with_configuration(moved, base, assets)
        moved = _SCRIPT.sub(lambda match, base=base: _script(match[1], base, parts), moved)  # type: ignore[misc]
        own = ("" if folder else base) + file.removesuffix(".html")
        alternate = f'<link rel="alternate" type="text/markdown" href="{own}.md">'
        moved = moved.replace("</head>", f"{alternate}\n  </head>", 1)
        _check(name, moved)
        (parts / served).parent.mkdir(exist_ok=True)
        (parts / served).write_text(moved, "utf-8")


class _Place(NamedTuple):
    """The place of a page: its folder below `docs`, and the relative URL of `docs` from the served page."""

    folder: str
    base: str


def _moved(target: str, place: _Place, assets: dict[str, str]) -> str:
    """The target of a generator's link in the finished site."""
    if re.match(r"[a-z]+:|#", target):
        return target
    path, hash_, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(place.folder, path))
    if path in assets:
        return place.base + assets[path]
    if path in (".", "index.html"):
        return ("docs" if place.base == "docs/" else f"{place.base}../docs") + hash_ + anchor
    return place.base + path.removesuffix(".html") + hash_ + anchor


def _with_configuration(html: str, base: str, assets: dict[str, str]) -> str:
    """The page with the two URLs for the theme's script: the site's folder, and the search worker."""
    html = re.sub(r'"base":"\.\.?"', f'"base":"./{base}"', html, count=1)
    return re.sub(r'"search":"\.\.?/([^"]+)"', lambda match: f'"search":"./{base}{assets[match[1]]}"', html, count=1)


def _script(code: str, base: str, parts: Path) -> str:
    """Moves an inline script of a page into a file."""
    # The reader's settings are stored by folder, so the folder must be the same on every page.
    code = re.sub(r'new URL\("\.\.?",location\)', f'new URL("{base or "."}",location)', code)
    return f'<script src="{base}{_asset(parts / "docs" / "assets", "page.js", code.encode())}"></script>'


def _check(name: str, html: str) -> None:
    """Raises ValueError for content that the Content-Security-Policy forbids, or a link that was not changed."""
    for pattern in (r"<style", r"\sstyle=", r"<script>", r"\son[a-z]+=", r'src="[a-z]+:', r'href="[^":]*\.html'):
        if found := re.search(pattern, html):
            raise ValueError(f"{name}: {html[max(0, found.start() - 60) : found.end() + 60]!r}")


def _moved_index(index: str) -> str:
    """The search index with the URLs of the finished site."""
    moved = re.sub(r'"location":"index\.html', '"location":"../docs', index)
    return re.sub(r'("location":"[a-z0-9/-]+)\.html', r"\1", moved)


# --- for programs


def _llms() -> str:
    """The list of the pages, with one line about each."""
    lines = [
        "# Signalbox",
        "",
        "> The Communications API (Senders, Sender Pools, Sender Pool Operations) as a program you run yourself.",
        "",
        f"All pages in one text: {BASE_URL}/llms-full.txt. Every path, parameter, body and response in OpenAPI 3.1:",
        f"{BASE_URL}/openapi.json.",
    ]
    for group in pages.groups():
        lines += ["", f"## {group.title}", ""]
        lines += [
            f"- [{pages.title(name)}]({BASE_URL}/docs/{name}.md): {pages.description(name)}" for name in group.pages
        ]
    return "\n".join(lines) + "\n"


def _licenses(made: Path) -> str:
    """The licences of the generator's scripts and styles, which the site contains."""
    files = metadata.files("zensical") or []
    own = next(Path(str(one.locate())) for one in files if one.name.startswith("LICENSE") and "licenses" in str(one))
    theirs = next((made / "assets" / "javascripts").glob("LICENSE*"))
    return f"{own.read_text('utf-8').strip()}\n\n{theirs.read_text('utf-8')}"

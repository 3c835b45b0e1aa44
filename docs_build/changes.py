"""What is new: the entries of `changelog.d` and the releases of `CHANGELOG.md`, as the body of a page."""

import re
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_FOLDER: Final = _ROOT / "changelog.d"
_RELEASED: Final = _ROOT / "CHANGELOG.md"
_KINDS: Final = ("added", "changed", "fixed", "removed", "security")


def sources() -> list[Path]:
    """The files that the page is made of."""
    return [_RELEASED, *sorted(path for path in _FOLDER.glob("*.md") if path.name != "README.md")]


def entries() -> dict[str, list[str]]:
    """The texts of the next release by kind. Raises ValueError for a file whose name has no kind."""
    found: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for path in sources()[1:]:
        kind = path.stem.rpartition(".")[2]
        if kind not in found:
            raise ValueError(f"{path.name}: the kinds are {', '.join(_KINDS)}")
        found[kind].append(path.read_text("utf-8").strip())
    return found


def markdown() -> str:
    """One section for each kind of change of the next release, then the releases, newest first."""
    parts = []
    for kind, texts in entries().items():
        if texts:
            items = ["- " + text.replace("\n", "\n  ").replace("\n  \n", "\n\n") for text in texts]
            parts.append(f"## Next release: {kind}\n\n" + "\n".join(items))
    _, heading, releases = _RELEASED.read_text("utf-8").partition("\n## ")
    if heading:
        parts.append(f"## {releases.strip()}")
    # Entries have the paths of files in the repository; the page is in the folder `docs`.
    return re.sub(r"\]\(docs/", "](", "\n\n".join(parts))

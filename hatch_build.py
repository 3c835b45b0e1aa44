"""Builds the documentation into the package, unless it was already built from the same sources, as in an sdist."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from docs_build import site


class DocsHook(BuildHookInterface[Any]):
    """Runs the generator of the documentation when the package needs it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """The packages that the build needs beyond the build system."""
        return [] if site.is_current() else [site.GENERATOR]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs before the sdist or wheel is built. In a checkout (an editable install) `make` builds the pages."""
        if version != "editable" and not site.is_current():
            site.build()

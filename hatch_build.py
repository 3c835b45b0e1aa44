"""Builds the documentation into the package, unless it is there already, built from these sources, as in an sdist."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from docs_build import site


class DocsHook(BuildHookInterface[Any]):
    """Asks for the generator only when it is needed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the environment of the build needs beyond the build system."""
        return [] if site.is_current() else [site.GENERATOR]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the sdist or the wheel is put together; an editable install is a checkout, where `make` builds."""
        if version != "editable" and not site.is_current():
            site.build()

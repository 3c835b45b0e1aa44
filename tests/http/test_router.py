"""The router: mistakes in the route table."""

from __future__ import annotations

import pytest

from signalbox.api.routes import ROUTES
from signalbox.ground.errors import Bug
from signalbox.http.router import Router


def test_route_whose_path_has_other_parameters_than_its_endpoint_is_a_bug() -> None:
    route = next(one for one in ROUTES if one.endpoint.path)
    Router([route])
    with pytest.raises(Bug, match="not those of its path"):
        Router([route._replace(path="/v1/Things/{other}")])

"""Contents with variables, that messages can be made of: `client.templates`."""

from collections.abc import Mapping
from datetime import datetime

from signalbox_client.calls import Call, Steps, encoded, perform, segment
from signalbox_client.pages import Listing
from signalbox_client.resource import C, Resource, call, listing
from signalbox_client.results import ResourceReference, Template
from signalbox_client.sender_pools import condition, removal

_PATH = "/signalbox/v1/Templates"


class Templates(Resource[C]):
    """The templates of the account."""

    @listing
    def list(
        self,
        *,
        start_date: datetime | str | None = None,
        end_date: datetime | str | None = None,
        page_token: str | None = None,
        page_size: int | None = None,
    ) -> Listing[Template]:
        """The templates, newest first: created strictly between the dates."""
        params = {"startDate": start_date, "endDate": end_date, "pageToken": page_token, "pageSize": page_size}
        return Listing(self._settings, _PATH, "templates", Template, params)

    @call
    def create(
        self, *, name: str, content: Mapping[str, object], defaults: Mapping[str, str] | None = None
    ) -> Steps[Template]:
        """Enters a template, whose id the server makes. Use `put` to be able to repeat it after a lost response.

        `content` has the API's members: `text` and `media`, or `modules`, in Liquid.
        """
        body = _body(name, content, defaults)
        return perform(self._settings, Call("POST", _PATH, Template, content=body))

    @call
    def put(
        self,
        content_id: str,
        *,
        name: str,
        content: Mapping[str, object],
        defaults: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> Steps[Template]:
        """Enters a template under an id (`HX` and 32 hex digits), or replaces the one that has it.

        With `if_match` only if the template still has this ETag, else PreconditionFailed.
        """
        body = _body(name, content, defaults)
        return perform(
            self._settings, Call("PUT", _template(content_id), Template, headers=condition(if_match), content=body)
        )

    @call
    def fetch(self, content_id: str) -> Steps[Template]:
        """The template."""
        return perform(self._settings, Call("GET", _template(content_id), Template))

    @call
    def delete(self, content_id: str, *, if_match: str | None = None) -> Steps[ResourceReference]:
        """Deletes the template; what was sent of it keeps its text."""
        call = Call("DELETE", _template(content_id), ResourceReference, headers=condition(if_match))
        return removal(self, call, content_id, _template(content_id))


def _template(content_id: str) -> str:
    return f"{_PATH}/{segment(content_id)}"


def _body(name: str, content: Mapping[str, object], defaults: Mapping[str, str] | None) -> bytes:
    return encoded({"name": name, "content": content, "defaults": defaults or {}})

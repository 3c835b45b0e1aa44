"""Recipients over HTTP: erasing what is kept about a person. Contract section 11, `Forget`."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from signalbox.api.routing.opt_outs import CHANNELS, PhoneAddress
from signalbox.http.bodies import Body
from signalbox.http.constraints import named
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.request import Request, Response, json_response
from signalbox.http.shapes import Count
from signalbox.routing import opt_outs
from signalbox.sending import recipients

GROUP: Final = Group("recipients", "Recipients", "What is kept about people beyond their messages.", "opt-outs")


class RecipientForget(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whom to forget: on one channel, or on all; with the opt-outs, or without."""

    address: PhoneAddress
    channel: Annotated[opt_outs.Channel, named("OptOutChannel")] | UnsetType = UNSET
    opt_outs: bool = False


class Forgotten(msgspec.Struct, frozen=True, rename="camel"):
    """How much was erased."""

    kept_senders: Count
    opt_outs: Count


async def forget_recipient(request: Request) -> Response:
    """Erase what is kept about a person: kept senders, and opt-outs if asked."""
    body = request.body(RECIPIENT_FORGET)
    channels = CHANNELS if body.channel is UNSET else (body.channel,)
    found = await request.services.db.write(
        lambda tx: recipients.forget(tx, request.account_id, body.address, channels, also_opt_outs=body.opt_outs)
    )
    return json_response(Forgotten(found.kept_senders, found.opt_outs))


RECIPIENT_FORGET: Final = Body(RecipientForget, RecipientForget("+14155550199", "PHONE", opt_outs=True))
FORGET: Final = Endpoint(forget_recipient, GROUP, body=RECIPIENT_FORGET, example=Forgotten(1, 0))

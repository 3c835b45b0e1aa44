"""Signs people up by their phone number: texts a code of six digits, and checks what the person types.

The server's URL and the credentials come from the environment: SIGNALBOX_URL, SIGNALBOX_ACCOUNT_SID and
SIGNALBOX_AUTH_TOKEN.
"""

from __future__ import annotations

import hmac
import secrets

from signalbox_client import Signalbox

TEXT = 'Your code for {{ app | default: "us" }} is {{ code | default: "" }}. Do not share it.'


class SignUp:
    """The sign-ups that wait for their code, in memory: a new code replaces the one before."""

    def __init__(self, client: Signalbox, app: str) -> None:
        self._client = client
        self._app = app
        self._codes: dict[str, str] = {}

    def begin(self, phone: str) -> None:
        """Texts a new code to the phone. Raises signalbox_client.Invalid for a number that is not E.164."""
        code = f"{secrets.randbelow(10**6):06}"
        recipient = {"address": phone, "channel": "PHONE", "variables": {"app": self._app, "code": code}}
        self._client.messages.send(to=[recipient], content={"text": TEXT}, tags={"purpose": "sign-up"})
        self._codes[phone] = code

    def finish(self, phone: str, code: str) -> bool:
        """Whether the code is the one that was texted. A code works once."""
        expected = self._codes.get(phone, "")
        right = bool(expected) and hmac.compare_digest(expected.encode(), code.encode())
        if right:
            del self._codes[phone]
        return right

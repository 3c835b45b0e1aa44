"""Compares making and opening a page token with itsdangerous: `make parts ARGS=page_tokens`."""

from __future__ import annotations

from itsdangerous import Signer, URLSafeSerializer

from bench.parts.timing import best, show
from signalbox.ground.page_tokens import Anchor, mint, open_token


def main() -> None:
    key, scope, item = b"k" * 32, b'[1,"operations",[null,null,null]]', "comms_operation_01k0000000000000000000000a"
    anchor = Anchor("after", item)
    signer, serializer = Signer(key), URLSafeSerializer(key)
    text, listed = scope.decode(), [scope.decode(), "after", item]
    ours, signed, serialized = mint(key, scope, anchor), signer.sign(f"{text} after {item}"), serializer.dumps(listed)
    show(
        "make",
        best(
            {
                "ours": lambda: mint(key, scope, anchor),
                "itsdangerous.Signer": lambda: signer.sign(f"{text} after {item}"),
                "itsdangerous.URLSafeSerializer": lambda: serializer.dumps(listed),
            }
        ),
    )
    show(
        "open",
        best(
            {
                "ours": lambda: open_token(key, scope, ours),
                "itsdangerous.Signer": lambda: signer.unsign(signed),
                "itsdangerous.URLSafeSerializer": lambda: serializer.loads(serialized),
            }
        ),
    )
    print("length:", {"ours": len(ours), "Signer": len(signed), "URLSafeSerializer": len(serialized)})


if __name__ == "__main__":
    main()

"""Compares new ids of Signalbox with those of typeid-python: `make parts ARGS=identifiers`."""

from __future__ import annotations

import secrets

from typeid import TypeID
from uuid_utils import UUID, uuid7

from bench.parts.timing import best, show
from signalbox.ground import clock, ids


def main() -> None:
    number = secrets.randbits(73)
    found = best(
        {
            "ours, whole": lambda: ids.new(ids.OPERATION, clock.now_ms()),
            "typeid-python, whole": lambda: str(TypeID.from_uuid(uuid7(), prefix=ids.OPERATION)),
            "ours, the text only": lambda: ids._encode(ids.OPERATION, number),
            "typeid-python, the text only": lambda: str(TypeID.from_uuid(UUID(int=number), prefix=ids.OPERATION)),
        }
    )
    show("one id", found)
    print(f"ours: {1e6 / found['ours, whole']:,.0f} a second")


if __name__ == "__main__":
    main()

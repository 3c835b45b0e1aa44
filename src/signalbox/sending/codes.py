"""The codes of what can go wrong with a message, and what each means. Contract section 10."""

from typing import Final

NOT_A_NUMBER: Final = 21211
NOT_A_SENDER: Final = 21606
OPTED_OUT: Final = 21610
UNADDRESSABLE: Final = 21612
TOO_LONG: Final = 21617
NOT_RENDERED: Final = 20617
NO_RCS: Final = 61337

# Errors of an attempt that another sender or channel may mend.
MENDABLE: Final = frozenset({NO_RCS})

MEANINGS: Final = {
    20617: "The text could not be rendered with the variables of this recipient.",
    21211: "The recipient's address is not a valid number.",
    21408: "The account may not send to this country.",
    21606: "The address is not an activated sender of the account for this channel.",
    21610: "The recipient has opted out.",
    21612: "No sender can reach the recipient.",
    21614: "The number cannot receive messages.",
    21617: "The text is longer than 1,600 characters.",
    30003: "The phone is switched off or out of coverage.",
    30004: "The recipient blocks messages.",
    30005: "The number is unknown or no longer in service.",
    30006: "The number is a landline, or its carrier cannot be reached.",
    30007: "The carrier has filtered the message.",
    30008: "The carrier gave no reason.",
    61337: "The device has no RCS.",
}

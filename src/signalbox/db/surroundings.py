"""The surroundings of a database: the error for those that cannot keep a promise, and network file systems."""

from __future__ import annotations

import os
import re
from typing import Final

from signalbox.ground.errors import SignalboxError

MOUNTS: Final = "/proc/mounts"
# On these, programs of two machines do not see each other's locks and shared memory, which SQLite's WAL needs.
_NETWORK: Final = re.compile(
    r"nfs4?|cifs|smb[23]?|smbfs|afs|9p|ceph|glusterfs|lustre|gfs2?|ocfs2|fuse\.(sshfs|glusterfs|s3fs|rclone|gcsfuse|juicefs)"
)


class Unfit(SignalboxError):
    """The database or its server cannot keep what this program promises; the message has the cure.

    Raised at the start of a process only.
    """


def network_file_system(path: str, mounts: str) -> str | None:
    """The type of the network file system that has this file; None for local ones. `mounts` is /proc/mounts."""
    file = os.path.realpath(path)
    best, found = "", ""
    for line in mounts.splitlines():
        _, _, rest = line.partition(" ")
        escaped, _, rest = rest.partition(" ")
        folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), escaped)
        # Of two mounts on one folder the later one counts.
        if len(folder) >= len(best) and (file + "/").startswith(folder.rstrip("/") + "/"):
            best, found = folder, rest.partition(" ")[0]
    return found if _NETWORK.fullmatch(found) else None

"""What errors of PostgreSQL and its driver mean: repeat the transaction, connection lost, database away."""

from __future__ import annotations

import asyncio

import asyncpg
from asyncpg import exceptions

from signalbox.ground.errors import Bug, SignalboxError, Unavailable

REPEAT = (
    exceptions.SerializationError,
    exceptions.DeadlockDetectedError,
    # Another process upgraded the schema under a prepared statement.
    exceptions.InvalidCachedStatementError,
)
# What a migration may raise while requests go on.
IN_THE_WAY = (exceptions.DeadlockDetectedError, exceptions.LockNotAvailableError)
_AWAY = (
    exceptions.PostgresConnectionError,  # class 08, and asyncpg's "connection was closed in the middle"
    exceptions.InsufficientResourcesError,  # class 53: disk full, too many connections
    exceptions.OperatorInterventionError,  # class 57: shut down, starting up, statement timeout
    exceptions.PostgresSystemError,  # class 58: input and output
    exceptions.ReadOnlySQLTransactionError,  # a standby, or a disk protected from writing
    exceptions.LockNotAvailableError,
)
# At COMMIT: a server of a database that is spread over several may have failed after others committed.
OUTCOME_UNKNOWN = (exceptions.InternalServerError, exceptions.PostgresConnectionError)
# Everything that the driver raises.
DRIVER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, exceptions.InternalClientError)
# The server ends the connection after these errors. It need not after others of class 08: a database that is spread
# over several servers reports the loss of one of them with 08006, and the connection stays usable.
_LOST = (
    exceptions.ConnectionDoesNotExistError,  # asyncpg's own: the connection was closed in the middle of a statement
    exceptions.AdminShutdownError,
    exceptions.CrashShutdownError,
    exceptions.CannotConnectNowError,
    exceptions.IdleInTransactionSessionTimeoutError,
)


def is_lost(connection: asyncpg.Connection[asyncpg.Record], error: BaseException) -> bool:
    """Whether the connection is closed or will be, so that the work may succeed on another one."""
    if isinstance(error, TimeoutError):  # an OSError too, but the connection is fine
        return False
    # asyncpg raises InternalClientError when the server disconnects during a statement.
    return connection.is_closed() or isinstance(error, (*_LOST, OSError, exceptions.InternalClientError))


def translated(error: BaseException, lost: bool = False) -> BaseException:
    """The error of ours for an error of the driver; another error is returned as it is."""
    if isinstance(error, (SignalboxError, asyncio.CancelledError)):
        return error
    new: SignalboxError
    if isinstance(error, TimeoutError):
        new = Unavailable("The database did not answer in time.")
    elif isinstance(error, (*_AWAY, OSError, exceptions.InternalClientError)) or (
        lost and isinstance(error, asyncpg.InterfaceError)
    ):
        new = Unavailable("The database is away.", detail=error)
    elif isinstance(error, exceptions.InsufficientPrivilegeError):
        new = Unavailable("The database refuses us a right that we need.", detail=error)
    elif isinstance(error, REPEAT):
        new = Unavailable("Too many transactions were in each other's way.")
    elif isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError)):
        new = Bug(f"PostgreSQL refused: {error}")
    else:
        return error
    new.__cause__ = error
    return new

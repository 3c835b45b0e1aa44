"""Classes of errors of PostgreSQL and asyncpg: retry the transaction, connection lost, database unavailable."""

from __future__ import annotations

import asyncio

import asyncpg
from asyncpg import exceptions

from signalbox.ground.errors import Bug, SignalboxError, Unavailable

REPEAT = (
    exceptions.SerializationError,
    exceptions.DeadlockDetectedError,
    # Another process upgraded the schema, so a prepared statement is no longer valid.
    exceptions.InvalidCachedStatementError,
)
# Errors of a migration that meets locks of running requests. The migration is retried.
IN_THE_WAY = (exceptions.DeadlockDetectedError, exceptions.LockNotAvailableError)
_AWAY = (
    exceptions.PostgresConnectionError,  # class 08, and asyncpg's "connection was closed in the middle"
    exceptions.InsufficientResourcesError,  # class 53: disk full, too many connections
    exceptions.OperatorInterventionError,  # class 57: shut down, starting up, statement timeout
    exceptions.PostgresSystemError,  # class 58: input or output failed
    exceptions.ReadOnlySQLTransactionError,  # a standby, or a read-only disk
    exceptions.LockNotAvailableError,
)
# At COMMIT. In a database on several servers, one server may have failed after another one committed.
OUTCOME_UNKNOWN = (exceptions.InternalServerError, exceptions.PostgresConnectionError)
# All exceptions of the driver.
DRIVER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, exceptions.InternalClientError)
# The server ends the connection after these errors. Other errors of class 08 may leave the connection usable: a
# database on several servers uses 08006 for the loss of one of them.
_LOST = (
    exceptions.ConnectionDoesNotExistError,  # raised by asyncpg: the connection was closed during a statement
    exceptions.AdminShutdownError,
    exceptions.CrashShutdownError,
    exceptions.CannotConnectNowError,
    exceptions.IdleInTransactionSessionTimeoutError,
)


def is_lost(connection: asyncpg.Connection[asyncpg.Record], error: BaseException) -> bool:
    """Whether the connection is closed or will be closed. A retry on another connection may then succeed."""
    if isinstance(error, TimeoutError):  # a subclass of OSError, but the connection is not lost
        return False
    # asyncpg raises InternalClientError when the server disconnects during a statement.
    return connection.is_closed() or isinstance(error, (*_LOST, OSError, exceptions.InternalClientError))


def translated(error: BaseException, lost: bool = False) -> BaseException:
    """The SignalboxError for an error of the driver. Returns any other exception unchanged."""
    if isinstance(error, (SignalboxError, asyncio.CancelledError)):
        return error
    new: SignalboxError
    if isinstance(error, TimeoutError):
        new = Unavailable("The database did not respond in time.")
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

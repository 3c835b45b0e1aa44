"""One definition of a method for both clients: it returns steps, which one client carries out and the other awaits."""

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, get_args, overload

from signalbox_client.calls import Show, Step, StepResult, Steps
from signalbox_client.pages import AsyncPages, Listing, Pages
from signalbox_client.settings import Settings

if TYPE_CHECKING:
    from signalbox_client.client import AsyncSignalbox, Signalbox

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", covariant=True)


class Resource(Generic[C]):
    """The methods of one noun, bound to a client."""

    def __init__(self, client: C, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class _Method(Generic[P, T]):
    """A method of a resource; the client turns its return value into the result of the call."""

    def __init__(self, written: Callable[Concatenate[Any, P], T]) -> None:
        self._written = written
        self.__doc__ = written.__doc__

    def _bound(self, resource: Resource[Any], run: Callable[[T], Any]) -> Callable[P, Any]:
        """The method of a resource; stored in the resource, so that it is made once."""

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return run(self._written(resource, *args, **kwargs))

        update_wrapper(method, self._written)
        method.__dict__["__signature__"] = _signature(self._written.__get__(resource), run)
        resource.__dict__[method.__name__] = method
        return method


def _signature(written: Callable[..., Any], run: Callable[..., Any]) -> inspect.Signature:
    """The signature that `help` shows: the method's own parameters, and the return type after `run`."""
    signature, returns = inspect.signature(written), run.__annotations__["return"]
    item = get_args(signature.return_annotation)[-1]
    if isinstance(returns, TypeVar):
        returns = item
    elif item is not None:
        returns = returns[item]
    return signature.replace(return_annotation=returns)


class call(_Method[P, Steps[T]], Generic[P, T]):  # noqa: N801 (a decorator)
    """A method that returns a result; on `AsyncSignalbox` it must be awaited."""

    def __init__(self, written: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Resource["Signalbox"], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: Resource["AsyncSignalbox"], owner: type) -> Callable[P, Coroutine[None, None, T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        """The method of a resource, or the definition itself on the class."""
        return self if resource is None else self._bound(resource, resource._client._run)


class listing(_Method[P, Listing[T]], Generic[P, T]):  # noqa: N801 (a decorator)
    """A method that returns a list (`Pages` or `AsyncPages`); it sends no request itself."""

    def __init__(self, written: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Resource["Signalbox"], owner: type) -> Callable[P, Pages[T]]: ...
    @overload
    def __get__(self, resource: Resource["AsyncSignalbox"], owner: type) -> Callable[P, AsyncPages[T]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        """The method of a resource, or the definition itself on the class."""
        return self if resource is None else self._bound(resource, resource._client._paged)


class watching(_Method[P, Generator[Step | Show[T], StepResult, None]], Generic[P, T]):  # noqa: N801 (a decorator)
    """A method that yields values as they arrive: a generator on `Signalbox`, an async one on `AsyncSignalbox`."""

    def __init__(self, written: Callable[Concatenate[Any, P], Generator[Step | Show[T], StepResult, None]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Resource["Signalbox"], owner: type) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(self, resource: Resource["AsyncSignalbox"], owner: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, resource: Any, owner: type) -> Any:
        """The method of a resource, or the definition itself on the class."""
        return self if resource is None else self._bound(resource, resource._client._show)

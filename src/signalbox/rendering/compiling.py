"""Functions made of a parsed text: one for each tag and expression. They render, and charge the budget of work.

The library parses. It does not render, because its limits do not bound what a filter makes:
docs/decisions/0025-liquid.md.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Nil, Path, StringLiteral
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    RangeLiteral,
    TrueLiteral,
)
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from signalbox.rendering.budget import STEP_CHARACTERS, RenderError
from signalbox.rendering.filters import FILTERS
from signalbox.rendering.running import Break, Continue, Output, Run
from signalbox.rendering.values import Loop, Word, bounded, contains, equal, items, length, less, member, truthy, whole

Evaluate = Callable[[Run], object]
Write = Callable[[Run, Output], None]

_LITERALS: Final = (StringLiteral, IntegerLiteral, FloatLiteral, TrueLiteral, FalseLiteral)


def compiled(nodes: Sequence[Node]) -> Write:
    """A function that renders the nodes of a text, or of a block, one after another."""
    writes = [write for node in nodes if (write := _node(node)) is not None]
    cost = STEP_CHARACTERS * len(writes)

    def write_all(run: Run, out: Output) -> None:
        run.budget.touch(cost)
        for write in writes:
            write(run, out)

    return write_all


def _block(block: BlockNode) -> Write:
    """Blocks of white space alone write nothing; what they assign counts."""
    if block.blank:
        return compiled([node for node in block.nodes if not isinstance(node, ContentNode)])
    return compiled(block.nodes)


def _node(node: Node) -> Write | None:
    if isinstance(node, CommentNode):
        return None
    if isinstance(node, ContentNode):
        text = node.text
        return lambda run, out: out.write(text)
    if isinstance(node, OutputNode):
        shown = _expression(node.expression)
        return lambda run, out: out.write(run.take(shown(run), 0))
    if isinstance(node, AssignNode):
        return _assign(str(node.name), _expression(node.expression))
    if isinstance(node, CaptureNode):
        return _capture(str(node.name), _block(node.block))
    if isinstance(node, IfNode | UnlessNode):
        return _if(node)
    if isinstance(node, CaseNode):
        return _case(node)
    if isinstance(node, ForNode):
        return _for(node)
    return _jump(node)


def _jump(node: Node) -> Write:
    jump: type[Break | Continue] = Break if isinstance(node, BreakNode) else Continue
    if not isinstance(node, BreakNode | ContinueNode):
        raise AssertionError

    def write(run: Run, out: Output) -> None:
        raise jump

    return write


def _assign(name: str, value: Evaluate) -> Write:
    return lambda run, out: run.assign(name, value(run))


def _capture(name: str, block: Write) -> Write:
    def write(run: Run, out: Output) -> None:
        captured = Output(run.budget.hold_text)
        block(run, captured)
        run.capture(name, captured)

    return write


def _if(node: IfNode | UnlessNode) -> Write:
    condition = _expression(node.condition)
    negated = isinstance(node, UnlessNode)
    branches: list[tuple[Evaluate, Write]] = [
        ((lambda run: not condition(run)) if negated else condition, _block(node.consequence)),
        *((_expression(branch.expression), _block(branch.block)) for branch in node.alternatives),
    ]
    default = _block(node.default) if node.default else None
    conditions = [node.condition, *(branch.expression for branch in node.alternatives)]
    cost = STEP_CHARACTERS * sum(map(_operators, conditions))

    def write(run: Run, out: Output) -> None:
        run.budget.touch(cost)
        for holds, block in branches:
            if holds(run):
                block(run, out)
                return
        if default:
            default(run, out)

    return write


def _operators(expression: Expression) -> int:
    """The number of comparisons and other operations in an expression."""
    children = list(expression.children())
    return 1 + sum(map(_operators, children)) if children else 0


def _case(node: CaseNode) -> Write:
    """Every `when` that matches is written, once; an `else` after them only if none before it matched."""
    subject = _expression(node.expression)
    branches: list[tuple[list[Evaluate] | None, Write]] = []
    for branch in node.blocks:
        if isinstance(branch, MultiExpressionBlockNode):
            branches.append(([_expression(wanted) for wanted in branch.expression.expressions], _block(branch.block)))
        else:
            branches.append((None, _block(branch)))
    cost = STEP_CHARACTERS * sum(len(wanted or ()) for wanted, _ in branches)

    def write(run: Run, out: Output) -> None:
        run.budget.touch(cost)
        value = subject(run)
        found = False
        for wanted, block in branches:
            matches = not found if wanted is None else any(equal(run.budget, value, one(run)) for one in wanted)
            if matches:
                block(run, out)
                found = found or wanted is not None

    return write


def _for(node: ForNode) -> Write:
    loop: LoopExpression = node.expression
    name, label = str(loop.identifier), f"{loop.identifier}-{loop.iterable}"
    chosen = _slice(loop, label)
    block = _block(node.block)
    default = _block(node.default) if node.default else None

    def write(run: Run, out: Output) -> None:
        values, indexes = chosen(run)
        if not indexes:
            if default:
                default(run, out)
            return
        state = Loop(label, abs(indexes.stop - indexes.start), run.innermost())
        scope: dict[str, object] = {"forloop": state}
        run.scopes.append(scope)
        try:
            for index in indexes:
                run.budget.step()
                state.index += 1
                scope[name] = values[index]
                try:
                    block(run, out)
                except Continue:
                    continue
                except Break:
                    break
        finally:
            run.scopes.pop()

    return write


def _slice(loop: LoopExpression, label: str) -> Callable[[Run], tuple[list[object] | range, range]]:
    """A function that gives the values of a loop and the indexes of those in its turns; it copies no value."""
    iterable = _expression(loop.iterable)
    limit = _expression(loop.limit) if loop.limit else None
    offset = _expression(loop.offset) if loop.offset else None
    goes_on = isinstance(loop.offset, StringLiteral) and loop.offset.value == "continue"

    def chosen(run: Run) -> tuple[list[object] | range, range]:
        value = iterable(run)
        values = value if isinstance(value, list | range) else items(value or None) if isinstance(value, str) else []
        count = length(values)
        start = run.stopped.get(label, 0) if goes_on else _bound(offset, run, "offset") or 0
        start = min(max(start, 0), count)
        most = _bound(limit, run, "limit")
        stop = count if most is None else min(start + max(most, 0), count)
        run.stopped[label] = stop
        indexes = range(start, stop)
        return values, indexes[::-1] if loop.reversed else indexes

    return chosen


def _bound(value: Evaluate | None, run: Run, name: str) -> int | None:
    bound = value(run) if value else None
    try:
        return None if bound is None else whole(bound)
    except (TypeError, ValueError):
        raise RenderError(f"the {name} of a loop must be a whole number") from None


def _expression(expression: Expression) -> Evaluate:
    if isinstance(expression, BooleanExpression):
        held = _expression(expression.expression)
        return lambda run: truthy(held(run))
    if isinstance(expression, FilteredExpression):
        return _filtered(expression)
    if isinstance(expression, Path):
        return _path(expression)
    if isinstance(expression, _LITERALS):
        literal = bounded(expression.value) if isinstance(expression, IntegerLiteral) else expression.value
        return lambda run: literal
    if isinstance(expression, RangeLiteral):
        return _range(_expression(expression.start), _expression(expression.stop))
    if isinstance(expression, Empty | Blank):
        word = Word.EMPTY if isinstance(expression, Empty) else Word.BLANK
        return lambda run: word
    if isinstance(expression, Nil):
        return lambda run: None
    return _comparison(expression)


def _comparison(expression: Any) -> Evaluate:
    left, right = _expression(expression.left), _expression(expression.right)
    match expression:
        case LogicalAndExpression():
            return lambda run: truthy(left(run)) and truthy(right(run))
        case LogicalOrExpression():
            return lambda run: truthy(left(run)) or truthy(right(run))
        case EqExpression():
            return lambda run: equal(run.budget, left(run), right(run))
        case NeExpression():
            return lambda run: not equal(run.budget, left(run), right(run))
        case LtExpression():
            return lambda run: less(run.budget, left(run), right(run), "<")
        case GtExpression():
            return lambda run: less(run.budget, right(run), left(run), ">")
        case LeExpression():
            return lambda run: less(run.budget, left(run), right(run), "<=", or_equal=True)
        case GeExpression():
            return lambda run: less(run.budget, right(run), left(run), ">=", or_equal=True)
        case ContainsExpression():
            return lambda run: contains(run.budget, left(run), right(run))
    raise AssertionError


def _range(start: Evaluate, stop: Evaluate) -> Evaluate:
    def end(value: object) -> int:
        try:
            return whole(value)
        except (TypeError, ValueError):
            return 0

    def evaluate(run: Run) -> range:
        first, last = end(start(run)), end(stop(run))
        return range(first, last + 1) if first <= last else range(0)

    return evaluate


def _path(path: Path) -> Evaluate:
    steps = [_path(step) if isinstance(step, Path) else step for step in path.path]
    root = steps[0]
    if len(steps) == 1 and isinstance(root, str):
        return lambda run: run.variable(root)

    def evaluate(run: Run) -> object:
        value: object = None
        for at, step in enumerate(steps):
            key = step(run) if callable(step) else step
            value = member(value, key) if at else run.variable(key) if isinstance(key, str) else None
            if value is None:
                return None
        return value

    return evaluate


def _filtered(expression: FilteredExpression) -> Evaluate:
    left = _expression(expression.left)
    if not expression.filters:
        return left
    steps = [(each.name, FILTERS[each.name], *_arguments(each.args)) for each in expression.filters]

    def evaluate(run: Run) -> object:
        value = left(run)
        for name, function, positional, named in steps:
            run.budget.touch(STEP_CHARACTERS)
            arguments = [argument(run) for argument in positional]
            try:
                if named:
                    value = function(run, value, *arguments, **{key: one(run) for key, one in named.items()})
                else:
                    value = function(run, value, *arguments)
            except (ArithmeticError, TypeError, ValueError):
                raise RenderError(f"the filter {name} does not take these values") from None
        return value

    return evaluate


def _arguments(arguments: Sequence[Any]) -> tuple[list[Evaluate], Mapping[str, Evaluate]]:
    positional = [_expression(one.value) for one in arguments if not getattr(one, "name", "")]
    named = {one.name: _expression(one.value) for one in arguments if getattr(one, "name", "")}
    return positional, named

"""Every small change that can be made to a source: what it says must matter to some check."""

import ast
import copy
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status

ENUMS = {each.__name__: each for each in (Evidence, Mode, Origin, ProjectStatus, Reason, Status)}
OTHER_WAY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
MAY_LOSE_KEYWORDS = {"_replace", "effective", "noted", "TaskState", "Outcome"}


class Mutant(NamedTuple):
    where: str
    """The line as it was, and what became of the part of it that was changed."""
    original: str
    node: int
    choice: int

    @property
    def source(self) -> str:
        tree = ast.parse(self.original)
        target = next(islice(_walk(tree), self.node, None))
        _put(tree, target, _changes(target)[self.choice])
        return ast.unparse(ast.fix_missing_locations(tree))


def mutants_of(source: str) -> Iterator[Mutant]:
    """One change each. Texts, type annotations and what mypy checks for itself are left alone."""
    lines = source.splitlines()
    for number, node in enumerate(_walk(ast.parse(source))):
        for choice, what in enumerate(_changes(node)):
            line = lines[getattr(node, "lineno", 1) - 1].strip()
            yield Mutant(f"{line}  |  {_shown(node)}  =>  {_shown(what)}", source, number, choice)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """What runs: no annotations, decorators, base classes, nor what can't be reached."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list", "bases"):
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST) and "assert_never" not in _shown_call(each):
                    yield from _walk(each)


def _shown_call(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Expr) else ""


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:100]


def _changes(node: ast.AST) -> list[ast.AST]:
    """What this node may be changed to."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            return [_with(node, test=ast.Constant(value)) for value in (True, False)] + [
                _with(node, test=ast.UnaryOp(ast.Not(), test))
            ]
        case ast.While():
            return [_with(node, test=ast.Constant(False))]
        case ast.comprehension(ifs=[_]):
            return [_with(node, ifs=[])]
        case ast.Compare(ops=[op]):
            return [_with(node, ops=[OTHER_WAY[type(op)]()])]
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            without = [values[:at] + values[at + 1 :] for at in range(len(values))]
            return [_with(node, op=other), *(_with(node, values=fewer) for fewer in without)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return [operand]
        case ast.BinOp(op=ast.Add()):
            return [_with(node, op=ast.Sub())]
        case ast.BinOp(op=ast.Sub()):
            return [_with(node, op=ast.Add())]
        case ast.BinOp(op=ast.Mult()):
            return [_with(node, op=ast.Add())]
        case ast.Constant(value=bool(value)):
            return [ast.Constant(not value)]
        case ast.Constant(value=int(value)) | ast.Constant(value=float(value)):
            return [ast.Constant(value + 1)]
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in ENUMS:
            members = list(ENUMS[name])
            if attr in ENUMS[name].__members__:
                following = members[(members.index(ENUMS[name][attr]) + 1) % len(members)]
                return [_with(node, attr=following.name)]
            return []
        case ast.Set(elts=elts) | ast.Tuple(elts=elts, ctx=ast.Load()) if len(elts) > 1:
            return [_with(node, elts=elts[:at] + elts[at + 1 :]) for at in range(len(elts))]
        case ast.MatchOr(patterns=patterns):
            return [
                _with(node, patterns=patterns[:at] + patterns[at + 1 :])
                for at in range(len(patterns))
            ]
        case ast.Call(func=func, keywords=keywords):
            called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            changes: list[ast.AST] = []
            if called in MAY_LOSE_KEYWORDS:
                changes += [
                    _with(node, keywords=keywords[:at] + keywords[at + 1 :])
                    for at in range(len(keywords))
                ]
            if called == "effective" and not keywords:
                changes.append(_with(node, func=ast.Name("noted", ast.Load())))
            if called in ("min", "max"):
                other_name = "max" if called == "min" else "min"
                changes.append(_with(node, func=ast.Name(other_name, ast.Load())))
            return changes
        case ast.Expr(value=ast.Call()) | ast.Expr(value=ast.Yield()) | ast.AugAssign():
            return [ast.Pass()]
        case ast.Assign(targets=[ast.Subscript()]) | ast.Assign(targets=[ast.Attribute()]):
            return [ast.Pass()]
        case ast.Delete():
            return [ast.Pass()]
        case _:
            return []


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _put(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    """Put the new node where the old one is."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(each is old for each in value):
                setattr(parent, name, [new if each is old else each for each in value])

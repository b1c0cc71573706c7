"""What type checkers know of `SyncClient`: `Client`, without asyncio. `python -m tests.sync_stub`
writes it again."""

import ast
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "countermand" / "client"
SOURCE = CLIENT / "client.py"
STUB = CLIENT / "sync.pyi"
DOCSTRING = '"""Written from client.py by `python -m tests.sync_stub`."""'
CLASS = '''class SyncClient:
    """The same methods for code without asyncio: each waits for its answer."""
'''
ENTERED = "def __enter__(self) -> SyncClient: ..."
NOTHING = ast.Expr(ast.Constant(...))


def written() -> str:
    module = ast.parse(SOURCE.read_text())
    (client,) = [node for node in module.body if isinstance(node, ast.ClassDef)]
    methods = [_declared(each) for each in client.body if _is_public(each)]
    names = {each.id for each in ast.walk(ast.Module(methods, [])) if isinstance(each, ast.Name)}
    imports = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    values = [node for node in module.body if isinstance(node, ast.Assign)]
    lines = [
        DOCSTRING,
        *filter(None, (_needed(node, names) for node in imports)),
        *(ast.unparse(node) for node in values if _is_needed(node, names)),
        CLASS,
        *(_indented(ast.unparse(ast.fix_missing_locations(each))) for each in methods),
    ]
    return _formatted("\n".join(lines))


def _is_public(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
        not node.name.startswith("_") or node.name.startswith("__")
    )


class _Sync(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("Iterator") if node.id == "AsyncIterator" else node


def _declared(node: ast.stmt) -> ast.stmt:
    """The signature and the first sentences; `async` is what the other one is."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if node.name == "__aenter__":
        return ast.parse(ENTERED).body[0]
    name = node.name.replace("__aexit__", "__exit__")
    said: list[ast.stmt] = node.body[:1] if ast.get_docstring(node) else []
    arguments = _Sync().visit(node.args)
    returns = node.returns and _Sync().visit(node.returns)
    return ast.FunctionDef(name, arguments, said or [NOTHING], [], returns)


def _needed(node: ast.Import | ast.ImportFrom, names: set[str]) -> str | None:
    wanted = [
        ast.alias("Iterator") if each.name == "AsyncIterator" else each
        for each in node.names
        if ("Iterator" if each.name == "AsyncIterator" else each.name) in names
    ]
    if not wanted:
        return None
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(wanted))
    return ast.unparse(ast.ImportFrom(node.module, wanted, node.level))


def _is_needed(node: ast.Assign, names: set[str]) -> bool:
    return isinstance(node.targets[0], ast.Name) and node.targets[0].id in names


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" if line.strip() else "\n" for line in text.splitlines())


def _formatted(text: str) -> str:
    for verb in (["check", "--select", "I", "--fix-only", "--quiet"], ["format"]):
        command = [sys.executable, "-m", "ruff", *verb, "--stdin-filename", str(STUB), "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        text = done.stdout
    return text


if __name__ == "__main__":
    STUB.write_text(written())

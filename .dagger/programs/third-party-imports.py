"""Collects what a Python source imports from elsewhere, as a file of its own: third-party-imports.py SOURCE OUT.

Type checkers take most of their time for packages that no change of the source touches. This file changes only when an
import does, so what a checker learns from it can be kept.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

source, out = map(Path, sys.argv[1:3])
files = sorted(path for folder in ("src", "tests") for path in (source / folder).rglob("*.py"))
own = {path.stem for folder in ("src", "tests") for path in (source / folder).glob("*")} | {"src", "tests"}


def statements(tree: ast.AST) -> Iterator[str]:
    """Each import of another project's module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module.split(".")[0] not in own and node.module != "__future__":
                yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (f"import {name.name}" for name in node.names if name.name.split(".")[0] not in own)


def parsed(path: Path) -> ast.AST:
    """A file that is no Python is told by whoever checks it."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


found = {statement for path in files for statement in statements(parsed(path))}
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text("".join(f"{statement}\n" for statement in sorted(found)), encoding="utf-8")

"""How the inspected modules are loaded, and the names by which others use them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ....base.errors import EvidenceError
from ....reading.workspace import View
from ...shared import python_source as python
from .model import Module, Program, mentioned

MOST_MODULES = 100
"""Modules inspected together, the client's own first; what is imported beyond is not followed."""

_IDENTIFIER = re.compile(rb"[A-Za-z_]\w*")


def load_program(view: View, paths: Sequence[str], sources: Iterable[str]) -> Program:
    """The files of ``paths`` and the modules among ``sources`` that they import, directly or not.

    What does not parse or cannot be read is left out.
    """
    known = frozenset(sources) | frozenset(paths)
    modules: dict[str, Module] = {}
    links: dict[str, dict[str, str]] = {}
    pending = list(paths)
    seen = set(pending)
    while pending and len(modules) < MOST_MODULES:
        path = pending.pop(0)
        tree = python.parse_file(view, path).tree
        if tree is None:
            continue
        module = modules[path] = Module(path, tree)
        links[path] = {}
        for written, inner in sorted(set(module.imports.values())):
            joined = f"{written}{inner}" if written.endswith(".") else f"{written}.{inner}"
            for name in {written, joined} if inner else {written}:
                target = next((file for file in python.module_files(name, path) if file in known), None)
                if target is not None:
                    links[path][name] = target
                    if target not in seen:
                        seen.add(target)
                        pending.append(target)
        pending.sort(key=lambda name: (name not in paths, name))
    return Program(modules, links)


def external_names(view: View, program: Program, sources: Iterable[str]) -> frozenset[str]:
    """Functions of the program that nothing in it uses, and that another source file mentions in code."""
    wanted = {
        routine.node.name
        for routine in program.routines
        if not routine.node.name.startswith("__") and not program.is_live(routine)
    }
    found: set[str] = set()
    for path in sources:
        if path in program.modules or not wanted:
            continue
        try:
            data = view.read(path, view.limits.text_bytes)
        except EvidenceError:
            continue
        words = {word.decode() for word in _IDENTIFIER.findall(data) if word.isascii()}
        if words & wanted:
            tree = python.parse_file(view, path).tree
            if tree is not None:
                found |= mentioned(python.nodes(tree)) & wanted
    return frozenset(found)

"""The house: imports run one way, names say what they hold, modules stay small."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "symdiff"
MODULES = sorted(PACKAGE.rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def imports_of(path: Path) -> set[str]:
    """Modules of the package that a module imports when it is imported."""
    package = list(path.relative_to(PACKAGE).parts[:-1])
    known = {name_of(one) for one in MODULES}
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            home = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            inner = {f"{home}.{one.name}".strip(".") for one in node.names} & known
            found |= inner or ({home} & known)
    return found


GRAPH = {name_of(path): imports_of(path) for path in MODULES}


def test_no_module_imports_itself_through_others():
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert (
            state.get(name) != 1
        ), f"a circle of imports: {' -> '.join((*trail, name))}"
        if name not in state:
            state[name] = 1
            for one in sorted(GRAPH[name]):
                visit(one, (*trail, name))
            state[name] = 2

    for name in GRAPH:
        visit(name, ())


# Each stage may import those before it in this list, and its own.
STAGES = [
    ("source", "errors"),
    ("settings", "timings"),
    ("nested", "shapes", "leaves", "specs"),
    ("memory",),
    ("graph",),
    ("code",),
    ("ops",),
    ("passes",),
    ("trace", "bounds", "equations", "formula", "report"),
    ("program",),
    ("emit",),
    ("numerical",),
    ("verify",),
    ("files", "notebook"),
    ("drawing",),
    ("pipeline",),
    ("tape",),
    ("several",),
    ("inputs",),
    ("checkup", "testing"),
    ("comparison",),
    ("proof",),
    ("loading", "terminal"),
    ("job",),
    ("project", "build"),
    ("watch",),
    ("commands",),
    ("cli",),
    ("__main__", "__init__"),
]


def stage_of(name: str) -> int:
    for place, names in enumerate(STAGES):
        if name.split(".")[0] in names:
            return place
    raise AssertionError(f"{name} has no stage: give it one in STAGES")


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_imports_never_run_upward(name):
    upward = [one for one in GRAPH[name] if stage_of(one) > stage_of(name)]
    assert not upward, f"{name} imports {upward}, later stages"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_say_what_they_are(path):
    assert path.stem not in VAGUE
    assert ast.get_docstring(
        ast.parse(path.read_text())
    ), "a module begins with a docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_have_one_job(path):
    long = [
        f"{node.name}: {node.end_lineno - node.body[0].end_lineno} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.body[0].end_lineno > 50
    ]
    assert not long

"""Every word that people read goes through Django's translation: in templates, in Python, in scripts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentops.env import PROJECT

TEMPLATES = sorted(path for path in (PROJECT / "templates").rglob("*.html") if path.name != "_post.html")
"""All but the one that holds a form's attributes, and nothing else."""
SCRIPTS = sorted((PROJECT / "static" / "js").glob("*.js"))
APPS = ("runs", "approvals", "agentops/accounts", "agentops/rest", "agentops/live")
MODULES = sorted(
    path
    for path in [
        *(PROJECT / "agentops").glob("*.py"),
        *(path for app in APPS for path in (PROJECT / app).rglob("*.py")),
    ]
    if "migrations" not in path.parts
)
NAMES = {"AgentOps", "REST", "CEL", "JSON", "USD", "CSV", "Enter", "Esc", "Shift", "Ctrl"}
"""Names, formats and keys: the same in every language."""


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


# Templates

TRANSLATED = re.compile(
    r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}|{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}"
    r"|{%\s*block (?:page|\w+_class)\s*%}.*?{%\s*endblock\s*%}|<(script|style|code|kbd|samp)\b.*?</\1>|<!--.*?-->",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"""\b(title|placeholder|aria-label|alt|aria-description|data-[\w-]*said)="([^"]*)\"""")
SUBMIT = re.compile(r"""<input\b[^>]*type="(?:submit|button)"[^>]*\bvalue="([^"]*)\"""")
VARIABLE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
TAG = re.compile(r"<[^>]*>", re.DOTALL)
ENTITY = re.compile(r"&\w+;")
WORD = re.compile(r"[A-Za-z]{2,}")


def bare_words(template: str) -> list[str]:
    text = TRANSLATED.sub(" ", template)
    text = VARIABLE.sub("\x01", text)
    found = [match[2] for match in ATTRIBUTE.finditer(text)] + SUBMIT.findall(text)
    found += TAG.sub("\x02", text).split("\x02")
    return [part.strip("\x01 \n") for part in found if set(WORD.findall(ENTITY.sub("", part))) - NAMES]


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_has_no_words_outside_a_translation(path: Path) -> None:
    assert bare_words(path.read_text()) == []


def test_bare_words_are_found() -> None:
    bare = """<p title="A title">Some <b>{{ x }}</b> words</p>
    <input type="submit" value="Send"><img alt="{{ name }} shown">"""
    assert bare_words(bare) == ["A title", "shown", "Send", "Some", "words"]
    assert (
        bare_words("""<p title="{% translate "A title" %}">{% blocktranslate %}Some{% endblocktranslate %}</p>""") == []
    )


# Python

ERRORS = {
    "AlreadyDecided",
    "Conflict",
    "DraftChanged",
    "Http404",
    "InvalidInput",
    "MalformedBody",
    "NotAllowed",
    "PermissionDenied",
    "Throttled",
    "TokenRefused",
    "ValidationError",
}
MESSAGES = {"success", "info", "warning", "error"}
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
PHRASE = re.compile(r"[A-Za-z]{2,} +[a-z]|^[A-Z][a-z]+\.?$")


def called(node: ast.Call) -> str:
    function = node.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def said_by(node: ast.AST) -> ast.AST | None:
    """The expression whose words a person reads, if this is such a place."""
    if isinstance(node, ast.keyword) and node.arg in {"help_text", "verbose_name", "verbose_name_plural"}:
        return node.value
    if not isinstance(node, ast.Call) or not node.args:
        return None
    if called(node) in ERRORS:
        return node.args[0]
    of_messages = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "messages"
    if (of_messages and called(node) in MESSAGES) or called(node) == "problem":
        return node.args[1] if len(node.args) > 1 else None
    return None


def untranslated(node: ast.AST) -> Iterator[str]:
    """Phrases in this expression that no translation sees."""
    if isinstance(node, ast.Call) and called(node) in MARKS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and PHRASE.search(node.value):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from untranslated(child)


def problems(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if (said := said_by(node)) is not None:
            found += [f"{said.lineno}: {words}" for words in untranslated(said)]
        if isinstance(node, ast.Call) and called(node) in MARKS and not isinstance(node.args[0], ast.Constant):
            found.append(f"{node.lineno}: only a plain text can be looked up")
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store) and "as _\n" in source:
            found.append(f"{node.lineno}: _ means translation in this module")
        if isinstance(node, ast.ClassDef) and any(getattr(base, "attr", "") == "TextChoices" for base in node.bases):
            found += [f"{line.lineno}: a choice has no words" for line in node.body if not has_words(line)]
    return found


def has_words(line: ast.stmt) -> bool:
    if not isinstance(line, ast.Assign):
        return True
    value = line.value
    label = value.elts[-1] if isinstance(value, ast.Tuple) else value
    return isinstance(label, ast.Call) and called(label) in MARKS


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_what_python_says_to_people_is_translated(path: Path) -> None:
    assert problems(path.read_text()) == []


def test_untranslated_words_are_found() -> None:
    assert problems('raise Conflict(f"It is {x} already.", a)')
    assert problems('messages.success(request, "It is saved.")')
    assert problems('_(f"It is {x}")')
    assert problems("from django.utils.translation import gettext as _\na, _ = 1, 2")
    assert problems('class A(models.TextChoices):\n    B = "b", "Bee"')
    assert problems('raise Conflict(_("It is %(x)s already.") % {"x": x})') == []

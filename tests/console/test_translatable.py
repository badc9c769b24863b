"""Every word that people read goes through Django's translation: in templates, in Python, in scripts."""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from agentops.core.errors import Conflict
from agentops.env import PROJECT
from runs.actions import cancel_run, send_message
from tests.runs import factories

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
    "_invalid",
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


# Scripts

COMMENT = re.compile(r"^\s*//.*$|\s// .*$", re.MULTILINE)
LITERAL = re.compile(r"""(["'])(.*?)\1|`([^`]*)`""")
WORDS = re.compile(r"^[A-Z][a-z]+|[a-z]{2,} [a-z]{2,} [a-z]")
SELECTOR = re.compile(r"[.#\[:]")
KEYS = {"Enter", "Escape", "Home", "End", "Selection"}


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_takes_its_words_from_the_page(path: Path) -> None:
    literals = [match[2] or match[3] or "" for match in LITERAL.finditer(COMMENT.sub("", path.read_text()))]
    found = [text for text in literals if WORDS.search(text) and not SELECTOR.match(text)]
    assert [text for text in found if text not in KEYS] == []


def test_every_word_that_a_script_asks_for_is_on_the_page() -> None:
    page = (PROJECT / "templates" / "_words.html").read_text()
    there = {re.sub(r"-(\w)", lambda match: match[1].upper(), name) for name in re.findall(r"data-([\w-]+)=", page)}
    asked = {
        name
        for path in SCRIPTS
        if 'from "./words.js"' in path.read_text()
        for call in re.findall(r"\bwords\(([^()]*)", path.read_text())
        for name in re.findall(r"\"(\w+)\"", call)
    }
    assert asked == there


# Another language


def write_catalogue(folder: Path, words: dict[str, str]) -> None:
    """A compiled catalogue: header, table of originals, table of translations, texts (GNU gettext's `.mo`)."""
    rows = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **words}.items())
    originals, translations = ([text.encode() for text in column] for column in zip(*rows, strict=True))
    place = 28 + 16 * len(rows)
    tables, texts = b"", b""
    for text in [*originals, *translations]:
        tables += struct.pack("<II", len(text), place + len(texts))
        texts += text + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, place)
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(head + tables + texts)


@pytest.mark.django_db
def test_a_catalogue_gives_the_pages_another_language(
    client: Client, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Der Lauf ist zu Ende (%(status)s): niemand w\u00fcrde es lesen."
    write_catalogue(
        tmp_path / "de" / "LC_MESSAGES",
        {
            "Runs": "L\u00e4ufe",
            "Reconnecting": "Verbinde",
            "The run has ended (%(status)s): nobody would read it.": said,
        },
    )
    settings.LOCALE_PATHS = [tmp_path]
    monkeypatch.setattr(trans_real, "_translations", {})
    ada = factories.person(superuser=True)
    run = cancel_run(ada, factories.run().pk)
    client.force_login(ada.user)
    with translation.override("de"):
        page = client.get("/runs/").content.decode()
        with pytest.raises(Conflict, match="niemand"):
            send_message(ada, run.pk, "Hallo")
    assert '<html lang="de"' in page
    assert "<h1>L\u00e4ufe</h1>" in page
    assert 'data-reconnecting="Verbinde"' in page

"""Prompts, one file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template


@cache
def rules() -> str:
    """The rules that every agent works by, appended to its own prompt."""
    return _read("rules.txt")


@cache
def summarise() -> str:
    """What a model is told that writes the summary of the turns that are left out."""
    return _read("summarise.txt")


@cache
def judge() -> str:
    """What a model is told that judges an answer."""
    return _read("judge.txt")


def _read(name: str) -> str:
    return (files(__name__) / name).read_text("utf-8").strip()


def filled(name: str, **values: object) -> str:
    """The prompt of this name, with its `$values` in place."""
    return _template(name).substitute(values)


@cache
def _template(name: str) -> Template:
    return Template((files(__name__) / f"{name}.txt").read_text("utf-8").strip())

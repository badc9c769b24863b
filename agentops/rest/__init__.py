"""What all REST endpoints share: who asks, how lists are paged, how bodies are read, how errors are told."""

from .auth import Request, access
from .body import Body, IdempotencyKey, Usd, listed, moment
from .once import once
from .pages import Cursor, Limit, Page, page, page_of
from .problems import problem

__all__ = [
    "Body",
    "Cursor",
    "IdempotencyKey",
    "Limit",
    "Page",
    "Request",
    "Usd",
    "access",
    "listed",
    "moment",
    "once",
    "page",
    "page_of",
    "problem",
]

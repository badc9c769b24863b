"""What all REST endpoints share: who asks, how lists are paged, how bodies are read, how errors are told."""

from .auth import access
from .body import Body, IdempotencyKey, Usd
from .pages import Cursor, Limit, Page, page
from .problems import problem

__all__ = ["Body", "Cursor", "IdempotencyKey", "Limit", "Page", "Usd", "access", "page", "problem"]

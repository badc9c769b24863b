"""Many commands to Redis as one: a pipeline costs its client for each, and text streams in thousands of pieces."""

from __future__ import annotations

from typing import Any

SCRIPT = """
local at = 1
while at <= #ARGV do
    local last = at + tonumber(ARGV[at])
    if ARGV[at + 1] == 'NUMBER' then
        local version = redis.call('INCR', ARGV[at + 2])
        redis.call('PUBLISH', ARGV[at + 3], version .. ' ' .. ARGV[at + 4])
    else
        redis.pcall(unpack(ARGV, at + 1, last))
    end
    at = last + 1
end
"""
"""What one of them cannot do (a full memory takes no text) stops none of the others."""


class Batch:
    """Takes what is said to who watches, in its order; answers are not asked for."""

    def __init__(self) -> None:
        self._arguments: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._arguments)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of a client's `eval`."""
        return SCRIPT, 0, *self._arguments

    def publish(self, channel: str, text: str) -> None:
        self._arguments += (3, "PUBLISH", channel, text)

    def publish_numbered(self, key: str, channel: str, text: str) -> None:
        """With the next number of `key` before the text: no other process's message comes between."""
        self._arguments += (4, "NUMBER", key, channel, text)

    def rpush(self, key: str, line: str) -> None:
        self._arguments += (3, "RPUSH", key, line)

    def ltrim(self, key: str, first: int, last: int) -> None:
        self._arguments += (4, "LTRIM", key, first, last)

    def expire(self, key: str, seconds: int) -> None:
        self._arguments += (3, "EXPIRE", key, seconds)

    def delete(self, key: str) -> None:
        self._arguments += (2, "DEL", key)

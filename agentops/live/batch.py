"""Many commands to Redis as one: a pipeline costs its client for each, and text streams in thousands of pieces."""

from __future__ import annotations

from typing import Any

import msgpack

SCRIPT = """
for _, command in ipairs(cmsgpack.unpack(ARGV[1])) do
    if command[1] == 'NUMBER' then
        local version = redis.call('INCR', command[2])
        redis.call('PUBLISH', command[3], version .. ' ' .. command[4])
    else
        redis.pcall(unpack(command))
    end
end
"""
"""What one of them cannot do (a full memory takes no text) stops none of the others."""


class Batch:
    """Takes what is said to who watches, in its order; answers are not asked for."""

    def __init__(self) -> None:
        self._commands: list[tuple[Any, ...]] = []

    def __bool__(self) -> bool:
        return bool(self._commands)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of a client's `eval`."""
        return SCRIPT, 0, msgpack.packb(self._commands)

    def publish(self, channel: str, text: str) -> None:
        self._commands.append(("PUBLISH", channel, text))

    def publish_numbered(self, key: str, channel: str, text: str) -> None:
        """With the next number of `key` before the text: no other process's message comes between."""
        self._commands.append(("NUMBER", key, channel, text))

    def rpush(self, key: str, line: str) -> None:
        self._commands.append(("RPUSH", key, line))

    def ltrim(self, key: str, first: int, last: int) -> None:
        self._commands.append(("LTRIM", key, first, last))

    def expire(self, key: str, seconds: int) -> None:
        self._commands.append(("EXPIRE", key, seconds))

    def delete(self, key: str) -> None:
        self._commands.append(("DEL", key))

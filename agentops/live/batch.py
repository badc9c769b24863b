"""Many commands to Redis as one: a pipeline costs its client for each, and text streams in thousands of pieces."""

from __future__ import annotations

from typing import Any

import msgpack

SCRIPT = """
local failed = false
local function try(...)
    local answer = redis.pcall(...)
    if type(answer) ~= 'table' or not answer.err then
        return answer
    end
    failed = failed or answer
end
for _, command in ipairs(cmsgpack.unpack(ARGV[1])) do
    if command[1] == 'NUMBER' then
        local version = try('INCR', command[2])
        if version then
            try('PUBLISH', command[3], version .. ' ' .. command[4])
        end
    else
        try(unpack(command))
    end
end
return failed
"""
"""What one of them cannot do (a full memory takes no text) stops none of the others; the first such is told at last."""


class Batch:
    """Takes what is said to who watches, in its order; answers are not asked for."""

    def __init__(self) -> None:
        self._commands: list[tuple[Any, ...]] = []

    def __bool__(self) -> bool:
        return bool(self._commands)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Of a client's `eval`."""
        keys = {command[1] for command in self._commands if command[0] != "PUBLISH"}
        return SCRIPT, len(keys), *keys, msgpack.packb(self._commands)

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

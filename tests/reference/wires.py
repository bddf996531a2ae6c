"""The model APIs that agents speak, as far as these tests need them: each says the same three things in its own words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.reference.endpoint import Answer, ToolCall, event_stream

__all__ = ["Chat", "Gemini", "Messages", "Responses"]

USAGE = {"input_tokens": 1, "output_tokens": 1}


def plain(content: object) -> str:
    """The text of a result, however it is wrapped."""
    if isinstance(content, list):
        return "\n".join(plain(part) for part in content)
    if isinstance(content, dict):
        return plain(content.get("text", content.get("content", content.get("output", ""))))
    return content if isinstance(content, str) else json.dumps(content)


class Messages:
    """https://platform.claude.com/docs/en/api/messages, streaming."""

    def wants(self, path: str) -> bool:
        return "/v1/messages" in path and "count_tokens" not in path

    def tools(self, asked: Any) -> list[str]:
        return [tool["name"] for tool in asked.get("tools", [])]

    def results(self, asked: Any) -> list[str]:
        return [plain(block.get("content", "")) for block in self._blocks(asked) if block.get("type") == "tool_result"]

    def _blocks(self, asked: Any) -> Iterator[Mapping[str, Any]]:
        for message in asked.get("messages", []):
            content = message.get("content")
            yield from content if isinstance(content, list) else []

    def call(self, asked: Any, call: ToolCall, path: str) -> Answer:
        start = {"type": "tool_use", "id": call.id, "name": call.tool, "input": {}}
        return self._stream(asked, start, {"type": "input_json_delta", "partial_json": json.dumps(call.given)}, "tool_use")

    def say(self, asked: Any, text: str, path: str) -> Answer:
        if not asked.get("stream"):
            return Answer(json.dumps(self._message(asked) | {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}).encode())
        return self._stream(asked, {"type": "text", "text": ""}, {"type": "text_delta", "text": text}, "end_turn")

    def _message(self, asked: Any) -> dict[str, object]:
        about = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.get("model", "none"), "content": []}
        return about | {"stop_reason": None, "stop_sequence": None, "usage": USAGE}

    def _stream(self, asked: Any, start: Mapping[str, object], delta: Mapping[str, object], reason: str) -> Answer:
        events: list[tuple[str, Mapping[str, object]]] = [
            ("message_start", {"message": self._message(asked)}),
            ("content_block_start", {"index": 0, "content_block": start}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            ("message_delta", {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": USAGE}),
            ("message_stop", {}),
        ]
        return event_stream([(name, {"type": name, **data}) for name, data in events])


class Responses:
    """https://platform.openai.com/docs/api-reference/responses, streaming."""

    def wants(self, path: str) -> bool:
        return path.rstrip("/").endswith("/responses")

    def tools(self, asked: Any) -> list[str]:
        return [tool.get("name", tool.get("type", "")) for tool in asked.get("tools", [])]

    def results(self, asked: Any) -> list[str]:
        kinds = ("function_call_output", "local_shell_call_output", "custom_tool_call_output")
        return [plain(item.get("output", "")) for item in asked.get("input", []) if isinstance(item, dict) and item.get("type") in kinds]

    def call(self, asked: Any, call: ToolCall, path: str) -> Answer:
        return self._stream({"type": "function_call", "id": "fc_1", "call_id": call.id, "name": call.tool, "arguments": json.dumps(call.given)})

    def say(self, asked: Any, text: str, path: str) -> Answer:
        return self._stream({"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": text}]})

    def _stream(self, item: Mapping[str, object]) -> Answer:
        usage = USAGE | {"total_tokens": 2, "input_tokens_details": None, "output_tokens_details": None}
        events: list[tuple[str, Mapping[str, object]]] = [
            ("response.created", {"response": {"id": "resp_1"}}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": {"id": "resp_1", "usage": usage, "output": [item]}}),
        ]
        return event_stream([(name, {"type": name, **data}) for name, data in events])


class Gemini:
    """https://ai.google.dev/api/generate-content, streaming and not."""

    def wants(self, path: str) -> bool:
        return "generateContent" in path or "streamGenerateContent" in path

    def tools(self, asked: Any) -> list[str]:
        return [one["name"] for tool in asked.get("tools", []) for one in tool.get("functionDeclarations", [])]

    def results(self, asked: Any) -> list[str]:
        parts = [part for content in asked.get("contents", []) for part in content.get("parts", [])]
        return [plain(part["functionResponse"].get("response", {})) for part in parts if "functionResponse" in part]

    def call(self, asked: Any, call: ToolCall, path: str) -> Answer:
        return self._give({"functionCall": {"id": call.id, "name": call.tool, "args": dict(call.given)}}, path)

    def say(self, asked: Any, text: str, path: str) -> Answer:
        return self._give({"text": text}, path)

    def _give(self, part: Mapping[str, object], path: str) -> Answer:
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        whole = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}
        return event_stream([("", whole)]) if "stream" in path else Answer(json.dumps(whole).encode())


class Chat:
    """https://platform.openai.com/docs/api-reference/chat, which many endpoints speak, streaming and not."""

    def wants(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def tools(self, asked: Any) -> list[str]:
        return [tool["function"]["name"] for tool in asked.get("tools") or []]

    def results(self, asked: Any) -> list[str]:
        return [plain(message.get("content", "")) for message in asked.get("messages", []) if message.get("role") == "tool"]

    def call(self, asked: Any, call: ToolCall, path: str) -> Answer:
        function = {"name": call.tool, "arguments": json.dumps(call.given)}
        return self._give(asked, {"tool_calls": [{"index": 0, "id": call.id, "type": "function", "function": function}]}, "tool_calls")

    def say(self, asked: Any, text: str, path: str) -> Answer:
        return self._give(asked, {"content": text}, "stop")

    def _give(self, asked: Any, message: Mapping[str, object], reason: str) -> Answer:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        base = {"id": "chat_1", "created": 0, "model": asked.get("model", "none")}
        full = {"role": "assistant", **message}
        if not asked.get("stream"):
            whole = {**base, "object": "chat.completion", "choices": [{"index": 0, "message": full, "finish_reason": reason}], "usage": usage}
            return Answer(json.dumps(whole).encode())
        chunk = {**base, "object": "chat.completion.chunk"}
        first = {**chunk, "choices": [{"index": 0, "delta": full, "finish_reason": None}]}
        last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage}
        answer = event_stream([("", first), ("", last)])
        return Answer(answer.body + b"data: [DONE]\n\n", answer.kind)

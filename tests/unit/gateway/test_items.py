"""Where texts stand in the items of responses, whatever tools they are of."""

from typing import Any

import pytest

from integration.gateway.endpoints.responses import Responses
from integration.gateway.endpoints.texts import StreamedTexts
from tests.unit.gateway.streaming import events

ITEMS: list[tuple[Any, list[str]]] = [
    ({"type": "apply_patch_call", "operation": {"type": "update_file", "path": "p", "diff": "a"}}, ["a"]),
    ({"type": "apply_patch_call_output", "status": "completed", "output": "a"}, ["a"]),
    (
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["a", "b"], "env": {"X.Y": "c"}}},
        ["a", "b", "c"],
    ),
    ({"type": "local_shell_call_output", "output": "a"}, ["a"]),
    ({"type": "shell_call", "action": {"commands": ["a", "b"], "timeout_ms": 1}}, ["a", "b"]),
    (
        {"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b", "outcome": {"type": "exit"}}]},
        ["a", "b"],
    ),
    (
        {
            "type": "code_interpreter_call",
            "code": "a",
            "outputs": [{"type": "logs", "logs": "b"}, {"type": "image", "url": "u"}],
        },
        ["a", "b"],
    ),
    (
        {
            "type": "file_search_call",
            "queries": ["a", "b"],
            "results": [{"file_id": "f", "filename": "n", "text": "c", "attributes": {"author": "d", "year": 1}}],
        },
        ["a", "b", "c", "d"],
    ),
    ({"type": "file_search_call", "queries": ["a"], "results": None}, ["a"]),
    ({"type": "mcp_call", "name": "n", "arguments": "a", "output": "b", "error": "c"}, ["a", "b", "c"]),
    ({"type": "mcp_call", "arguments": "a", "error": {"type": "http_error", "code": 1, "message": "b"}}, ["a", "b"]),
    (
        {"type": "mcp_call", "error": {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "a"}]}},
        ["a"],
    ),
    ({"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "n"}], "error": "a"}, ["a"]),
    ({"type": "mcp_approval_request", "name": "n", "arguments": "a"}, ["a"]),
    ({"type": "mcp_approval_response", "approve": False, "reason": "a"}, ["a"]),
    (
        {"type": "web_search_call", "action": {"type": "search", "query": "a", "queries": ["b"], "sources": [{}]}},
        ["a", "b"],
    ),
    ({"type": "web_search_call", "action": {"type": "find_in_page", "url": "u", "pattern": "a"}}, ["a"]),
    ({"type": "computer_call", "action": {"type": "type", "text": "a"}}, ["a"]),
    ({"type": "computer_call", "actions": [{"type": "type", "text": "a"}, {"type": "wait"}]}, ["a"]),
    ({"type": "tool_search_call", "arguments": {"query": "a", "paths": ["b"], "limit": 3}}, ["a", "b"]),
    ({"type": "program", "code": "a", "fingerprint": "f"}, ["a"]),
    ({"type": "program_output", "result": "a"}, ["a"]),
    ({"type": "image_generation_call", "action": "edit", "result": "aW1hZ2U="}, []),
    (
        {"type": "reasoning", "summary": [{"text": "a"}], "content": [{"text": "b"}], "encrypted_content": "c"},
        ["a", "b"],
    ),
    (
        {"type": "message", "content": [{"type": "refusal", "refusal": "a"}, {"type": "output_text", "text": "b"}]},
        ["a", "b"],
    ),
    ({"type": "shell_call", "action": [1, None, {"commands": [2, None]}]}, []),
    ({"type": ["odd"], "result": "a", "action": "b", "operation": None, "error": 3}, []),
]


@pytest.mark.parametrize(("item", "texts"), ITEMS)
def test_the_texts_of_items_are_found_where_they_are_sent_answered_and_streamed(item: Any, texts: list[str]) -> None:
    form = Responses()
    assert sorted(slot.text for slot in form.sent_texts({"input": [item]})) == texts
    assert sorted(slot.text for slot in form.answered_texts({"output": [item]})) == texts
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    completed = {"type": "response.completed", "response": {"output": [item]}}
    streamed = StreamedTexts(events(done, completed), form.streamed_texts, form.repeated)
    assert sorted(streamed.texts) == sorted([*texts, *texts])
    masked = streamed.replaced(["#"] * len(streamed.texts))
    assert StreamedTexts(masked, form.streamed_texts).texts == ["#"] * len(streamed.texts)


def of(kind: str, **fields: Any) -> Any:
    return {"type": f"response.{kind}", "output_index": 0, "sequence_number": 1, **fields}


@pytest.mark.parametrize(
    ("stream", "texts"),
    [
        (
            [
                of("shell_call_command.added", command_index=0, command="a"),
                of("shell_call_command.delta", command_index=0, delta="b"),
                of("shell_call_command.delta", command_index=1, delta="c"),
                of("shell_call_command.done", command_index=0, command="ab"),
            ],
            ["ab", "c", "ab"],
        ),
        (
            [
                of("shell_call_output_content.delta", command_index=0, delta={"stdout": "a", "stderr": "x"}),
                of("shell_call_output_content.delta", command_index=0, delta={"stdout": "b", "stderr": "y"}),
                of("shell_call_output_content.done", command_index=0, output=[{"stdout": "ab", "stderr": "xy"}]),
            ],
            ["ab", "xy", "ab", "xy"],
        ),
        (
            [
                of("code_interpreter_call_code.delta", item_id="i", delta="a"),
                of("code_interpreter_call_code.delta", item_id="i", delta="b"),
                of("code_interpreter_call_code.done", item_id="i", code="ab"),
            ],
            ["ab", "ab"],
        ),
        (
            [
                of("mcp_call_arguments.delta", item_id="i", delta="a"),
                of("mcp_call_arguments.delta", item_id="i", delta="b"),
                of("mcp_call_arguments.done", item_id="i", arguments="ab"),
            ],
            ["ab", "ab"],
        ),
        (
            [
                of("custom_tool_call_input.delta", item_id="i", delta="a"),
                of("custom_tool_call_input.done", item_id="i", input="a"),
            ],
            ["a", "a"],
        ),
        (
            [
                of("reasoning_summary_text.delta", item_id="i", summary_index=0, delta="a"),
                of("reasoning_summary_text.delta", item_id="i", summary_index=1, delta="b"),
                of("reasoning_text.delta", item_id="i", content_index=0, delta="c"),
            ],
            ["a", "b", "c"],
        ),
        ([of("audio.transcript.delta", delta="a"), of("audio.transcript.delta", delta="b")], ["ab"]),
    ],
)
def test_the_texts_of_tools_are_found_in_the_events_that_bring_them(stream: list[Any], texts: list[str]) -> None:
    assert StreamedTexts(events(*stream), Responses().streamed_texts).texts == texts

"""What follows from a run's row: its words, steps, model calls and tool calls, as columns of INSERT … SELECT.

They are executed with parameters, hence the doubled percent signs.
"""

TOOLS = [
    f"{verb}_{noun}" for verb in ("read", "find", "refund", "update") for noun in ("order", "mail", "stock", "file")
]

WORDS = {"run_id": "r.id", "vector": "runs_words(r.goal, r.answer)"}
WITHOUT_WORDS = "runs_run r WHERE NOT EXISTS (SELECT FROM runs_runwords w WHERE w.run_id = r.id)"
STEPS = "runs_run r CROSS JOIN LATERAL generate_series(1, r.steps) AS n"
MODEL_CALLS = "runs_step s"
TOOL_CALLS = "runs_step s JOIN runs_run r ON r.id = s.run_id"
STEP = {
    "run_id": "r.id",
    "number": "n",
    "status": "'answered'",
    "fence": "1",
    "input": """jsonb_build_object('role', 'user', 'content', jsonb_build_array(jsonb_build_object(
        'type', 'text', 'text', left(r.goal, 60))))""",
    "output": """jsonb_build_array(jsonb_build_object('type', 'text', 'text', left(r.answer || r.goal, 80)))""",
    "model": "(ARRAY['claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-opus-4-5'])[1 + (n + r.steps) %% 3]",
    "stop_reason": "'tool_use'",
    "input_tokens": "1000",
    "output_tokens": "90",
    "cost_usd": "round(r.cost_usd / r.steps, 8)",
    "first_token_ms": "400",
    "opened_at": "r.created_at + n * interval '6 seconds'",
    "answered_at": "r.created_at + n * interval '6 seconds' + interval '4 seconds'",
}
MODEL_CALL = {
    "step_id": "s.id",
    "run_id": "s.run_id",
    "number": "1",
    "provider": "'anthropic'",
    "model": "s.model",
    "started_at": "s.opened_at",
    "duration_ms": "4000",
    "first_token_ms": "400",
    "input_tokens": "s.input_tokens",
    "output_tokens": "s.output_tokens",
    "cost_usd": "s.cost_usd",
    "price_source": "'genai-prices'",
}
TOOL_CALL = {
    "step_id": "s.id",
    "run_id": "s.run_id",
    "position": "0",
    "tool_use_id": "'toolu_' || s.id",
    "tool": f"('{{{','.join(TOOLS)}}}'::text[])[1 + s.id %% {len(TOOLS)}]",
    "raw_arguments": "jsonb_build_object('order', 'A-' || s.id %% 9999)",
    "arguments": "jsonb_build_object('order', 'A-' || s.id %% 9999)",
    "status": """CASE WHEN r.status = 'waiting' AND s.number = r.steps THEN 'held'
        WHEN s.id %% 25 = 0 THEN 'failed' WHEN s.id %% 99 = 0 THEN 'invalid' ELSE 'succeeded' END""",
    "tier": "'low'",
    "effect": "'Look at order A-' || s.id %% 9999",
    "proposed_at": "s.answered_at",
    "started_at": "s.answered_at",
    "ended_at": "CASE WHEN r.status <> 'waiting' OR s.number < r.steps THEN s.answered_at + interval '1 second' END",
    "duration_ms": "900",
    "result": """CASE WHEN r.status <> 'waiting' OR s.number < r.steps THEN jsonb_build_object(
        'status', 'ok', 'summary', 'Found it.', 'data', jsonb_build_object('order', s.id, 'state', 'sent')) END""",
}

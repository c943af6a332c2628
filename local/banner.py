"""What `make dev` says when everything runs."""

from local.laptop import Laptop

_CURL = """\
curl {openai_base_url}/chat/completions \\
  -H "Authorization: Bearer {api_key}" -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""

_PYTHON = """\
from openai import OpenAI
client = OpenAI(base_url="{openai_base_url}", api_key="{api_key}")
for chunk in client.chat.completions.create(
    model="{model}", messages=[{{"role": "user", "content": "Hello"}}], stream=True
):
    print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")"""


def banner(laptop: Laptop, seconds: float) -> str:
    """The banner of a started stack that took so many seconds."""
    demo = laptop.demo
    values = {"openai_base_url": demo.openai_base_url, "api_key": demo.api_key, "model": laptop.upstream.model}
    facts = {
        "Platform": demo.base_url,
        "OpenAI base URL": demo.openai_base_url,
        "API docs": f"{demo.base_url}/",
        "Demo key": f"{demo.api_key}  (and .local/demo.json)",
        **laptop.facts,
    }
    lines = "\n".join(f"  {name:<16} {value}" for name, value in facts.items())
    usage = f'curl "{demo.base_url}/api/v1/analytics/usage?group_by=model" -H "Authorization: Bearer {demo.api_key}"'
    blocks = [_CURL.format(**values), _PYTHON.format(**values), usage]
    snippets = "\n\n".join(_indented(block) for block in blocks)
    return f"\nLLMOptimizer runs, after {seconds:.1f} s.\n\n{lines}\n\n{snippets}\n\nCtrl-C stops it."


def _indented(block: str) -> str:
    return "\n".join(f"  {line}" for line in block.splitlines())

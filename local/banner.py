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
    print(chunk.choices[0].delta.content or "", end="", flush=True)

print()"""

_USAGE = 'curl "{base_url}/api/v1/analytics/usage?group_by=model" -H "Authorization: Bearer {api_key}"'


def banner(laptop: Laptop, seconds: float) -> str:
    """The banner of a started stack that took so many seconds.

    Its snippets stand at the left margin: Python does not take indented ones.
    """
    demo = laptop.demo
    facts = {
        "Platform": demo.base_url,
        "OpenAI base URL": demo.openai_base_url,
        "API docs": f"{demo.base_url}/",
        "Demo key": f"{demo.api_key}  (and {laptop.demo_file})",
        **laptop.facts,
    }
    lines = "\n".join(f"  {name:<16} {value}" for name, value in facts.items())
    values = {
        "base_url": demo.base_url,
        "openai_base_url": demo.openai_base_url,
        "api_key": demo.api_key,
        "model": laptop.upstream.model,
    }
    snippets = {
        "A call with curl; a second time it comes from the cache and costs nothing": _CURL,
        "A stream with OpenAI's own client (it is in .venv/bin/python)": _PYTHON,
        "What it cost": _USAGE,
    }
    blocks = "\n\n".join(f"# {title}\n{snippet.format(**values)}" for title, snippet in snippets.items())
    return f"\nLLMOptimizer runs, after {seconds:.1f} s.\n\n{lines}\n\n{blocks}\n\nCtrl-C stops it."

"""`python -m local.template_diff main`: what the working tree changes in the stacks, as CloudFormation gets them."""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from local.transform.comparing import Change, Resources, compare
from local.transform.documents import ROOT, create_only, stack_documents

_COMPARED = ("template.yaml", "infrastructure", "statemachines")


def main(revision: str) -> int:
    """Print a line for each resource that differs from a revision's, by template, and how many of each kind."""
    with TemporaryDirectory() as folder:
        archive = ["git", "archive", "--format=tar", revision, *_COMPARED]
        made = subprocess.run(archive, cwd=ROOT, capture_output=True, check=True)
        with tarfile.open(fileobj=BytesIO(made.stdout)) as packed:
            packed.extractall(folder, filter="data")
        before = stack_documents(Path(folder))
    after = stack_documents(ROOT)
    for name in sorted(before.keys() | after.keys()):
        changes = _changes(before.get(name, {}), after.get(name, {}))
        print("\n".join(report(name, changes)))
    return 0


def report(name: str, changes: list[Change]) -> Iterator[str]:
    """Lines for one template."""
    counts = {what: sum(change.what == what for change in changes) for what in "+-!~"}
    yield f"{name}: {counts['+']} made, {counts['-']} removed, {counts['!']} made anew, {counts['~']} changed"
    yield from (f"  {change}" for change in changes)


def _changes(before: Resources, after: Resources) -> list[Change]:
    types = {resource["Type"] for resource in (*before.values(), *after.values())}
    return compare(before, after, create_only(types))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""`python -m local.scan .tools/checkov/bin/checkov`: what checkov finds in the stacks, as CloudFormation gets them.

Findings that are not mended are explained in infrastructure/checkov/explained.yaml. Nothing is sent or downloaded.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from local.transform.documents import ROOT, stack_documents

EXPLAINED: Final = ROOT / "infrastructure" / "checkov" / "explained.yaml"


@dataclass(frozen=True, slots=True)
class Finding:
    """What checkov says of a resource.

    Attributes:
        check: Such as CKV_AWS_18.
        resource: `<type>.<logical id>`.
        says: What is asked.
    """

    check: str
    resource: str
    says: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a check's findings about resources, which patterns name, are not mended."""

    check: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is explained."""
        return finding.check == self.check and any(fnmatchcase(finding.resource, each) for each in self.resources)


def main(checkov: Path) -> int:
    """Scan every stack and print what is not in order; 1 when something is not."""
    problems = list(unexplained(findings(checkov), explanations()))
    print("\n".join(problems) or "checkov: every finding is explained")
    return 1 if problems else 0


def explanations(path: Path = EXPLAINED) -> list[Explanation]:
    """What the file explains. Raises KeyError when something lacks a part."""
    return [
        Explanation(each["check"], tuple(each["resources"]), each["reason"])
        for each in yaml.safe_load(path.read_text())
    ]


def findings(checkov: Path) -> list[Finding]:
    """What checkov finds. Raises ValueError when it cannot read a template, CalledProcessError when it breaks."""
    with TemporaryDirectory() as folder:
        for name, resources in stack_documents(ROOT).items():
            document = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
            (Path(folder) / f"{name}.json").write_text(json.dumps(document))
        asked = ("--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "--output", "json")
        done = subprocess.run(
            [checkov, "--directory", folder, *asked], capture_output=True, text=True, check=False, timeout=600
        )
    if done.returncode not in {0, 1}:  # 1: it found something
        raise subprocess.CalledProcessError(done.returncode, "checkov", done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    if answer["summary"]["parsing_errors"] or not answer["summary"]["resource_count"]:
        raise ValueError(f"checkov could not read the templates: {answer['results'].get('parsing_errors')}")
    failed = answer["results"]["failed_checks"]
    return [Finding(each["check_id"], each["resource"], each["check_name"]) for each in failed]


def unexplained(found: Sequence[Finding], explained: Sequence[Explanation]) -> Iterator[str]:
    """A line for each finding that nothing explains, and for each explanation that explains nothing."""
    for finding in found:
        if not any(each.covers(finding) for each in explained):
            yield f"{finding.check} {finding.resource}: {finding.says}"
    for each in explained:
        for pattern in each.resources:
            narrow = Explanation(each.check, (pattern,), each.reason)
            if not any(narrow.covers(finding) for finding in found):
                yield f"{each.check} {pattern}: explained, and not found (any longer)"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

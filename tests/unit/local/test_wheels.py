"""What is handed to pip beside `sam build`'s own requirements."""

from pathlib import Path

import pytest

from local.wheels import FROM_SOURCE, OVERLOOKED, constraints, pinned

REQUIREMENTS = """\
# made by a tool
fastapi[all]==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
http-ece==1.2.1 \\
    --hash=sha256:cc
http-ece-more==2.0 \\
    --hash=sha256:dd
"""


def test_a_packages_lines_are_its_own_with_all_hashes() -> None:
    assert pinned(REQUIREMENTS, "http-ece") == "http-ece==1.2.1 \\\n    --hash=sha256:cc\n"
    assert pinned(REQUIREMENTS.replace("[all]", ""), "fastapi").count("--hash") == 2
    with pytest.raises(LookupError, match="http is not among"):
        pinned(REQUIREMENTS, "http")


def test_constraints_take_no_extras_and_know_the_wheel_beside_the_archive() -> None:
    text = constraints(REQUIREMENTS, {"http-ece": "ee"})
    assert text.startswith("# made by a tool\nfastapi==1.0 \\\n")
    assert pinned(text, "http-ece") == "http-ece==1.2.1 \\\n    --hash=sha256:ee \\\n    --hash=sha256:cc\n"
    assert pinned(text, "http-ece-more") == pinned(REQUIREMENTS, "http-ece-more")


def test_what_is_fetched_apart_is_still_required() -> None:
    requirements = (Path(__file__).parents[3] / "requirements" / "dev.txt").read_text()
    for package in (*OVERLOOKED, *FROM_SOURCE):
        assert pinned(requirements, package)

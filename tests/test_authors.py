"""Nobody approves what they wrote: not only the last commit, but all since the last approved state."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Office = Any
Commit = Callable[..., str]


@pytest.fixture
def commit(office: Office) -> Commit:
    """Commit everything as somebody; the first call makes the repository."""
    git = ["git", "-C", str(office.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    with (office.root / ".gitignore").open("a") as ignored:
        ignored.write("signoffs\n")

    def make(author: str, line: str | None = None) -> str:
        if line is not None:
            with (office.root / "algo_trade" / "__init__.py").open("a") as source:
                source.write(f"# {line}\n")
        environment = {**os.environ, "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "ci@example.com"}
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run(
            [*git, "commit", "-qm", "change", f"--author=x <{author}>"], check=True, env=environment
        )
        done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return make


def why(office: Office, stage: str = "stage2") -> str:
    """What the rule about approvals says."""
    found = office.judge(stage)["violations"]
    return " ".join(one["msg"] for one in found if one["code"] == "stage2.architecture_approved")


@pytest.mark.soak
def test_an_earlier_commit_of_the_signer_is_not_forgotten(office: Office, commit: Commit) -> None:
    """A last commit by somebody else does not let the author of the one before approve."""
    commit(office.people["cto"], "mine")
    commit("dev@example.com", "and a trifle")
    office.sign_off("stage2", "cto")
    assert "its signer is the author of the change" in why(office)


@pytest.mark.soak
def test_a_deputys_approval_clears_what_came_before(office: Office, commit: Commit) -> None:
    """What somebody else approved in the same role needs no second look; what came after does."""
    deputy = office.people["qa_lead"]
    config = office.root / "gate.yaml"
    cto = f'"cto": ["{office.people["cto"]}"'
    config.write_text(config.read_text().replace(cto, f'{cto}, "{deputy}"'))
    first = commit(office.people["cto"], "mine")
    path = office.sign_off("stage2", "cto", key="qa_lead", name="deputy")
    assert f'"commit": "{first}"' in path.read_text()
    assert why(office) == ""
    commit("dev@example.com", "more")
    assert "was given for other sources" in why(office)
    office.sign_off("stage2", "cto")
    assert why(office) == ""
    commit(office.people["cto"], "mine again")
    commit("dev@example.com", "more again")
    office.sign_off("stage2", "cto")
    assert "its signer is the author of the change" in why(office)


@pytest.mark.soak
def test_an_unnamed_author_and_a_shallow_clone_cannot_be_told(
    office: Office, commit: Commit, tmp_path: Path
) -> None:
    """An empty e-mail is no name: it could be anybody's."""
    commit("dev@example.com", "one")
    commit("", "two")
    office.sign_off("stage2", "cto")
    assert "who wrote the change cannot be told" in why(office)
    shallow = tmp_path / "shallow"
    clone = ["git", "clone", "-q", "--depth=1", f"file://{office.root}", str(shallow)]
    commit("dev@example.com", "three")
    subprocess.run(clone, check=True, capture_output=True)
    office.sign_off("stage2", "cto")
    (office.root / "signoffs").rename(shallow / "signoffs")
    office.root = shallow
    assert "who wrote the change cannot be told (shallow clone" in why(office)


@pytest.mark.soak
def test_commits_that_are_not_part_of_the_history_clear_nobody(office: Office, commit: Commit) -> None:
    """A sign-off of a later state, or of a commit that nobody has, is no base."""
    git = ["git", "-C", str(office.root)]
    deputy = office.people["qa_lead"]
    config = office.root / "gate.yaml"
    cto = f'"cto": ["{office.people["cto"]}"'
    config.write_text(config.read_text().replace(cto, f'{cto}, "{deputy}"'))
    first = commit(office.people["cto"], "mine")
    commit("dev@example.com", "taken back later")
    office.sign_off("stage2", "cto", key="qa_lead", name="deputy")
    subprocess.run([*git, "reset", "-q", "--hard", first], check=True)
    office.sign_off("stage2", "cto")
    assert "its signer is the author of the change" in why(office)

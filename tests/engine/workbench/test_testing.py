"""``gate policy test`` and ``coverage`` run the tests beside the rules."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gate.engine.terminal import watch

from .small import edit

Gate = Callable[..., Any]
DEMO, DATA, TEST = "gate/demo/demo.rego", "gate/params/demo/data.yaml", "gate/demo/demo_test.rego"


def test_tests_pass_on_both_engines(gate: Gate, bundle: Path, opa: str) -> None:
    """What opa skips is skipped, cases of one test count as one, and both say the same."""
    done = gate("policy", "test", bundle, "--engine", "embedded", "--engine", "opa")
    assert done.code == 0, done.out + done.err
    assert done.out == "3 passed, 0 failed, 1 skipped (embedded)\n3 passed, 0 failed, 1 skipped (opa)\n"


def test_a_changed_threshold_fails_the_test_that_names_it(gate: Gate, bundle: Path, opa: str) -> None:
    """Exit 1; the embedded engine says which line is not true and what its sides are."""
    edit(bundle, DATA, "800000", "800001")
    done = gate("policy", "test", bundle)
    assert done.code == 1
    assert done.out.splitlines()[:6] == [
        "FAIL gate.demo.test_covered_holds (embedded)",
        "  gate/demo/demo_test.rego:3",
        "  gate/demo/demo_test.rego:5 is not true",
        "    checked.holds == true",
        "    left:  false",
        "    right: true",
    ]
    done = gate("policy", "test", bundle, "--engine", "opa")
    assert (done.code, done.out.splitlines()[0]) == (1, "FAIL gate.demo.test_covered_holds (opa)")


def test_json_is_that_of_opa(gate: Gate, bundle: Path, opa: str) -> None:
    """Names, places and outcomes as in `opa test --format=json`, on either engine."""
    edit(bundle, TEST, "warned == {kind}", 'warned == {"a"}')
    found, wrong = [], "the case b is not true"
    for engine in ("embedded", "opa"):
        done = gate("policy", "test", bundle, "--engine", engine, "-o", "json")
        assert done.code == 1
        items = json.loads(done.out)
        keys = ("package", "name", "fail", "skip")
        found.append([(*(item.get(key) for key in keys), item["location"]["row"]) for item in items])
        assert {item["name"]: item.get("details") for item in items}["test_kinds"] == [wrong]
    assert found[0] == found[1]
    assert ("data.gate.demo", "todo_test_later", None, True) in {one[:4] for one in found[0]}


def test_junit_reports_failures_errors_and_output(gate: Gate, bundle: Path) -> None:
    """A test that cannot be evaluated is an error, what a test prints its output, and the XML well-formed."""
    edit(bundle, TEST, "todo_test_later := false", 'test_zero if 1 / 0 == 1\n\ntest_odd := "\\u001b"')
    done = gate("policy", "test", bundle, "-o", "junit")
    assert done.code == 1
    [suite] = ElementTree.fromstring(done.out)  # noqa: S314 - what gate wrote
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
    }
    cases = {case.get("name"): case for case in suite}
    assert "denied 1" in (cases["test_tested_fails"].findtext("system-out") or "")
    assert "divide by zero" in (cases["test_zero"].findtext("error") or "")


def test_cases_that_cannot_be_told_are_no_success(gate: Gate, bundle: Path, opa: str) -> None:
    """A case that fails is missing in the embedded engine's answer; where nobody knows of it, say so."""
    edit(bundle, TEST, "todo_test_later := false", 'test_two["a"] if true\n\ntest_two["b"] if false')
    done = gate("policy", "test", bundle, "--run", "two")
    assert done.code == 1
    assert "cannot tell which cases there are; run it with --engine opa" in " ".join(done.out.split())
    done = gate("policy", "test", bundle, "--run", "two", "--engine", "opa")
    assert (done.code, done.out.splitlines()[-1]) == (1, "0 passed, 1 failed (opa)")


def test_tests_do_not_reach_the_network(gate: Gate, bundle: Path, opa: str) -> None:
    """opa refuses to send a request for a test, and the embedded engine has none to send."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        request = f'http.send({{"method": "get", "url": "{url}", "timeout": "1s", "raise_error": false}})'
        edit(bundle, TEST, "todo_test_later := false", f"test_net if {request}.status_code > 0")
        for engine in ("embedded", "opa"):
            done = gate("policy", "test", bundle, "--run", "net", "--engine", engine)
            assert (done.code, done.out.splitlines()[-1]) == (1, f"0 passed, 1 failed ({engine})")
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_filters_and_wrong_usage(gate: Gate, bundle: Path) -> None:
    """--run looks at the whole name; a filter that nothing matches is no success."""
    done = gate("policy", "test", bundle, "--run", r"demo\.test_tested")
    assert done.out == "1 passed, 0 failed (embedded)\n"
    for arguments in (("--run", "nothing"), ("--run", "("), ("--engine", "opaa"), ("-o", "xml")):
        done = gate("policy", "test", bundle, *arguments)
        assert (done.code, done.out) == (2, ""), arguments
    (bundle / TEST).unlink()
    done = gate("policy", "test", bundle)
    assert done.code == 2 and "there is no test to run" in done.err


def test_a_test_that_does_not_end_is_an_error(bundle: Path) -> None:
    """It is ended after the limit, and the next one runs."""
    from gate.engine.workbench.bundles import open_bundle
    from gate.engine.workbench.testing import run_tests
    from gate.evidence.base.limits import Limits

    numbers = "numbers.range(1, 3000)"
    body = f"if count([1 | some a in {numbers}; some b in {numbers}; some c in {numbers}]) > 0"
    edit(bundle, TEST, "todo_test_later := false", f"test_last {body}")
    edit(bundle, TEST, "package gate.demo\n", f"package gate.demo\n\ntest_first {body}\n")
    results = run_tests(open_bundle(bundle), "embedded", lambda _: True, Limits(policy_seconds=0.5))
    assert [one.status for one in results] == ["error", "pass", "pass", "pass", "error"]
    assert "ran longer than 0.5 s" in results[0].details[0]


def test_coverage_names_the_lines_without_a_test(gate: Gate, bundle: Path) -> None:
    """The share, the lines, and an exit code for CI; in JSON the ranges as opa gives them."""
    edit(bundle, DEMO, "\nwarn_kinds", "\nnever(x) := y if {\n\ty := x + 1\n}\n\nwarn_kinds")
    done = gate("policy", "coverage", bundle, "--fail-under", "100", "-o", "json")
    assert done.code == 1
    files = json.loads(done.out)["files"]
    row = (bundle / DEMO).read_text().split("\n").index("\ty := x + 1") + 1
    assert [one["end"]["row"] for one in files[DEMO]["not_covered"]] == [row]
    assert gate("policy", "coverage", bundle).code == 0
    shown = gate("policy", "coverage", bundle).out
    assert "gate/demo/demo.rego" in shown and f"–{row}\n" in shown
    edit(bundle, TEST, "count(denied) == 1", "count(denied) == 2")
    assert gate("policy", "coverage", bundle).code == 1


def test_watch_runs_again_after_a_change(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Also after one that makes the bundle unreadable, until it is interrupted."""
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    seen: list[str] = []

    def run() -> Callable[[], None]:
        text = (bundle / TEST).read_text()
        seen.append(text[-5:])
        if len(seen) == 3:
            raise KeyboardInterrupt
        if len(seen) == 2:
            raise OSError("gone")
        return lambda: None

    def change() -> None:
        for count in (1, 2):
            while len(seen) < count:
                time.sleep(0.01)
            time.sleep(0.05)
            with (bundle / TEST).open("a") as file:
                file.write(f"# {count}\n")

    thread = threading.Thread(target=change)
    thread.start()
    watch.repeat(run, lambda: watch.stamps(bundle))
    thread.join()
    assert seen[1:] == ["\n# 1\n", "\n# 2\n"]

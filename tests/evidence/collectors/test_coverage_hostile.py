"""Cobertura and LCOV reports that are hostile, damaged, of another kind,"""

from __future__ import annotations

from typing import Any

import pytest

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import MIB, Limits

SOURCE = {"pkg/a.py": "x = 1\ny = 2\nif x:\n    y = 3\n"}
LINES = '<line number="1" hits="1"/><line number="2" hits="0"/>'
DOCTYPE = '<?xml version="1.0"?>\n<!DOCTYPE coverage SYSTEM "http://x/coverage-04.dtd">'
NESTED = "<line hits='1' number='1'><conditions><condition number='0'/></conditions></line>"
SOURCES = "<coverage><sources><source>/ci/pkg</source></sources>"
THREE = {"pkg/a.py": "x = 1\n" * 3}
BRANCH = '<line number="3" hits="1" branch="true" condition-coverage="50% (1/2)"/>'


def cobertura(
    lines: str = LINES, *, root: str = "", package: str = "", one: str = 'filename="pkg/a.py"', head: str = ""
) -> str:
    return (
        f"{head}<coverage {root}><packages><package name='pkg' {package}><classes><class {one}><methods>"
        '<method name="f"><lines><line number="99" hits="x"/></lines></method></methods>'
        f"<lines>{lines}</lines></class></classes></package></packages></coverage>"
    )


def read(watch: Any, report: str | bytes, name: str = "coverage.xml", **more: Any) -> Any:
    return watch("coverage", {**SOURCE, name: report}, sources=["pkg"], **more)


def refused(watch: Any, report: str | bytes, name: str = "coverage.xml", **more: Any) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        read(watch, report, name, **more)
    assert caught.value.path == name
    assert caught.value.remedy
    assert (caught.value.place or "").startswith("line ")
    return caught.value


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (b"", "malformed XML: no element found"),
        (cobertura()[:-30], "malformed XML"),
        (cobertura().replace("pkg/a.py", "pkg/\xff.py").encode("latin-1"), "malformed XML: not well-formed"),
        (cobertura(head='<?xml version="1.0" encoding="klingon"?>'), "not text in the encoding"),
        (
            cobertura(head='<!DOCTYPE coverage [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', root='x="&b;"'),
            "document type or entities",
        ),
        (
            cobertura(head='<!DOCTYPE coverage [<!ENTITY a SYSTEM "/etc/passwd">]>'),
            "document type or entities",
        ),
        (cobertura(head='<!DOCTYPE coverage SYSTEM "x" [<!ENTITY % a SYSTEM "y">%a;]>'), "document type"),
        (cobertura(head='<!DOCTYPE other SYSTEM "x">'), "document type or entities"),
        (cobertura(head='<!DOCTYPE coverage PUBLIC "x" "y">'), "document type or entities"),
        (cobertura(head='<!DOCTYPE coverage SYSTEM "x">', one='filename="pkg/&b;a.py"'), "an entity"),
        (cobertura(one='filename="pkg/&b;a.py"'), "malformed XML: undefined entity"),
        ("<html/>", "root is 'html'"),
        ('<coverage generated="1"><project/></coverage>', "no packages"),
        ("<coverage><packages/><sources><source/></sources></coverage>", "behind the packages"),
        (cobertura(one=""), "class without a filename"),
        (cobertura('<line number="1"/>'), "hits ''"),
        (cobertura('<line hits="1"/>'), "number ''"),
        (cobertura('<line number="1234567890" hits="1"/>'), "number '1234567890'"),
        (cobertura('<line number="\u0663" hits="1"/>'), "number '\u0663'"),
        (cobertura('<line number="1" hits="-1"/>'), "hits '-1'"),
        (cobertura('<line number="1" hits="1.0"/>'), "hits '1.0'"),
        (cobertura('<line number="1" hits="1_0"/>'), "hits '1_0'"),
        (cobertura(f'<line number="1" hits="1{"0" * 19}"/>'), "up to 19 digits"),
        (cobertura('<line number="1" hits="1" branch="true"/>'), "condition-coverage ''"),
        (cobertura(BRANCH.replace("(1/2)", "(3/2)")), "condition-coverage"),
        ("<coverage>" + "<a>" * 100_000, "deeper than 64"),
        (cobertura('<line number="1" hits="1">' + "<a>" * 100_000), "deeper than 64"),
    ],
)
def test_cobertura_reports_that_are_refused(watch: Any, report: str | bytes, said: str) -> None:
    assert said in refused(watch, report).what


def test_the_place_of_what_is_wrong_is_named(watch: Any) -> None:
    assert refused(watch, cobertura(LINES + '\n\n<line number="3" hits="?"/>')).place == "line 3"
    assert refused(watch, "<coverage>\n</oops>").place == "line 2, column 3"
    report = cobertura(head='<!DOCTYPE coverage SYSTEM "x">\n', one='\nfilename="pkg/&b;a.py"')
    assert refused(watch, report).place == "line 3"


def test_a_report_larger_than_the_limit_is_refused(watch: Any) -> None:
    with pytest.raises(EvidenceError, match="larger than 100 bytes"):
        read(watch, cobertura(), limits=Limits(file_bytes=100))


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        (cobertura(), (1, None, None)),
        (cobertura(LINES + BRANCH), (2, 1, 2)),
        (cobertura(head=DOCTYPE), (1, None, None)),
        ("\ufeff" + cobertura(), (1, None, None)),
        (cobertura(NESTED), (1, None, None)),
        (cobertura('<line number="1" hits="9223372036854775807"/>'), (1, None, None)),
        (cobertura(LINES + '<line number="0" hits="1"/><x/>'), (1, None, None)),
        (cobertura(LINES + '<line number="2" hits="7"/>'), (2, None, None)),
        (cobertura(root='line-rate="0.5001"', package='line-rate="5e-1"'), (1, None, None)),
        (cobertura(BRANCH.replace("50% (1/2)", "33.3% (1/3)")), (1, 1, 3)),
        (cobertura(BRANCH.replace("50% (1/2)", "67% (2/3)") + BRANCH), (1, 2, 3)),
        (cobertura('<line number="1" branch="false" hits="0"/>'), (0, None, None)),
        (cobertura(one='filename="pkg/../pkg/./a.py"'), (1, None, None)),
        (cobertura(one='filename="C:\\ci\\pkg\\a.py"'), (1, None, None)),
        (SOURCES + cobertura(one='filename="a.py"')[10:], (1, None, None)),
    ],
)  # fmt: skip
def test_cobertura_reports_that_are_read(watch: Any, report: str, figures: tuple[int, ...]) -> None:
    facts = watch("coverage", {**THREE, "coverage.xml": report}, sources=["pkg"]).facts
    assert (facts["covered"], facts["taken"], facts["branches"]) == figures
    assert facts["statements"] == 3


def test_two_entries_of_one_file_are_one(watch: Any) -> None:
    again = '<class filename="pkg/a.py"><lines><line number="2" hits="3"/></lines></class></classes>'
    files = {**THREE, "coverage.xml": cobertura().replace("</classes>", again)}
    facts = watch("coverage", files, sources=["pkg"]).facts
    assert (facts["covered"], facts["statements"]) == (2, 3)
    other = again.replace("pkg/a.py", "/elsewhere/pkg/a.py")
    assert read(watch, cobertura().replace("</classes>", other)).facts["covered"] == 1
    with pytest.raises(EvidenceError, match=r"records pkg/a.py twice, as /ci/pkg/a.py and as /elsewhere"):
        read(watch, cobertura(one='filename="/ci/pkg/a.py"').replace("</classes>", other))


def test_paths_out_of_the_workspace_are_names_and_nothing_else(watch: Any) -> None:
    evidence = read(watch, cobertura(one='filename="../../etc/passwd"'))
    assert "no record of any file under pkg" in evidence.problems[0].reason
    assert [file.path for file in evidence.files] == ["coverage.xml"]
    huge = cobertura(one=f'filename="{"x/" * 400_000}a.py"')
    assert "no record" in read(watch, huge).problems[0].reason


@pytest.mark.parametrize(
    ("root", "tool", "observed"),
    [
        ('version="7.4" timestamp="1762509600123"', None, "2025-11-07T10:00:00Z"),
        ('version="gcovr 7.2" timestamp="1762509600"', "gcovr 7.2", "2025-11-07T10:00:00Z"),
        ('version="" timestamp="yesterday"', None, None),
    ],
)
def test_what_a_report_says_of_its_making(watch: Any, root: str, tool: Any, observed: Any) -> None:
    evidence = read(watch, cobertura(root=root))
    assert (evidence.facts["tool"], evidence.observed_at) == (tool, observed)
    report = cobertura(root=root).replace("<packages>", "<!-- Generated by coverage.py: x --><packages>", 1)
    assert read(watch, report).facts["tool"] == ("coverage.py 7.4" if "7.4" in root else tool)


RECORD = "TN:\nSF:pkg/a.py\nDA:1,1\nDA:2,0,Q2hl\n"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("", "no record"),
        ("hello\n", "no LCOV report"),
        ("DA:1,1\n", "outside of a record the entry 'DA:1,1'"),
        ("end_of_record\n", "outside of a record the entry 'end_of_record'"),
        (RECORD, "ends inside the record of 'pkg/a.py'"),
        (RECORD + "SF:b.py\n", "begins a record inside"),
        (RECORD + "end_of_record\nhello\n", "unknown entry 'hello'"),
        (RECORD + "end_of_record:\n", "no LCOV report"),
        ("SF:\n", "without a usable file name"),
        ("SF:" + "a" * 5000, "without a usable file name"),
        (RECORD + "DA:3\n", "malformed entry 'DA:3'"),
        (RECORD + "DA:3,1,x,y\n", "malformed entry"),
        (RECORD + "DA:x,1\n", "malformed entry"),
        (RECORD + "DA:3,-1\n", "malformed entry"),
        (RECORD + "DA:3,1.5\n", "malformed entry"),
        (RECORD + f"DA:3,1{'0' * 19}\n", "malformed entry"),
        (RECORD + "BRDA:1,0,0\n", "malformed entry 'BRDA:1,0,0'"),
        (RECORD + "BRDA:1\n", "malformed entry"),
        (RECORD + "BRDA:1,0,0,x\n", "malformed entry"),
        (RECORD + "BRF:-2\n", "malformed entry"),
        (RECORD + "DA:3," + "1" * 2 * MIB, "line is longer than"),
    ],
)
def test_lcov_reports_that_are_refused(watch: Any, report: str | bytes, said: str) -> None:
    assert said in refused(watch, report, "coverage.lcov").what


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        (RECORD + "LF:2\nLH:1\nend_of_record\n", (1, None, None)),
        (RECORD.replace("\n", "\r\n") + "end_of_record", (1, None, None)),
        (RECORD + "BRDA:1,0,0,-\nBRDA:1,0,jump, to line 3,2\nBRF:2\nBRH:1\nend_of_record\n", (1, 1, 2)),
        (RECORD + "BRDA:1,e0,0,1\nBRF:2\nBRH:2\nend_of_record\n", (1, 2, 2)),
        (RECORD + "FN:1,2,f\nFNDA:1,f\nFNF:1\nFNH:1\nVER:1\n#x\n\nend_of_record\n", (1, None, None)),
        (RECORD + "end_of_record\n" + RECORD.replace("2,0", "2,4") + "end_of_record\n", (2, None, None)),
        (RECORD.replace("pkg", "/ci/../ci/pkg") + "end_of_record\n", (1, None, None)),
        ("\ufeff" + RECORD + "XY:1\nend_of_record\n", (1, None, None)),
        # coverage.py 6 lists a line 0, and excluded lines that its sums leave out
        (RECORD + "DA:0,1\nLF:2\nLH:1\nend_of_record\n", (1, None, None)),
        (RECORD + "DA:9,1\nLF:2\nLH:2\nend_of_record\n", (1, None, None)),
        (RECORD + "BRDA:0,0,0,1\nBRDA:0,0,1,-\nBRF:2\nBRH:1\nend_of_record\n", (1, 1, 2)),
        (RECORD + "DA:3,9223372036854775807\nend_of_record\n", (2, None, None)),
        (
            b"SF:\xff.py\nDA:1,1\nLF:7\nend_of_record\n" + RECORD.encode() + b"end_of_record\n",
            (1, None, None),
        ),
    ],
)
def test_lcov_reports_that_are_read(watch: Any, report: str | bytes, figures: tuple[int, ...]) -> None:
    facts = watch("coverage", {**THREE, "coverage.lcov": report}, sources=["pkg"]).facts
    assert (facts["covered"], facts["taken"], facts["branches"]) == figures
    assert facts["statements"] == 3


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("coverage.lcov", "SF:pkg/a.py\nDA:99999,1\nend_of_record\n"),
        ("coverage.lcov", "SF:pkg/a.py\nDA:1,1\nend_of_record\n"),
        ("coverage.xml", cobertura('<line number="99999" hits="1"/>')),
        ("coverage.xml", cobertura('<line number="1" hits="1"/>')),
    ],
)
def test_a_report_cannot_leave_out_what_did_not_run(watch: Any, name: str, report: str) -> None:
    """Neither by listing nothing but what ran, nor by listing lines that the source does not have."""
    facts = watch("coverage", {**THREE, name: report}, sources=["pkg"]).facts
    ran = 0 if "99999" in report else 1
    assert (facts["statements"], facts["covered"], facts["line_ppm"]) == (3, ran, ran * 333_333)
    assert (facts["unlisted_lines"], facts["foreign_lines"]) == (3 - ran, 1 - ran)


@pytest.mark.parametrize("report", ['{"meta": {"format": 1, "branch_coverage": true}, "files": {}}', "{"])
def test_a_json_report_that_cannot_be_used_says_how_to_write_it_again(watch: Any, report: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(watch, report, "coverage.json")
    assert "coverage json" in (caught.value.remedy or "")

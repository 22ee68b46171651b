"""What the world's other readers find in our workbooks: openpyxl, LibreOffice; and what we find in theirs.

Needs openpyxl and pytest; LibreOffice (`soffice`) if it is there. GLEANER_BIN_DIR names the folder of the built
`record-converter` binary.
"""

import csv
import datetime
import json
import shutil
import subprocess
import zipfile

import openpyxl
import pytest

from converter import convert, lines

HOSTILE = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]
ODD = ["", "null", "[]", "json:1", "007", "2024-05-01", "true", " x ", "a\nb", "_x0041_", "\x01", "é 漢字 😀", "'q"]
VALUES = [*HOSTILE, *ODD, None, True, False, 0, -3, 2.5, 2**53, 2**70, [1, {"a": None}], {}]
ROWS = [{"id": number, "value": value, "=1+1": "x", "float": 1.0} for number, value in enumerate(VALUES)]
ROWS.append({"id": len(VALUES)})


@pytest.fixture(scope="module")
def workbook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("excel")
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    convert(source, folder / "rows.xlsx")
    return folder / "rows.xlsx"


def test_openpyxl_reads_every_row_and_no_formula(workbook):
    book = openpyxl.load_workbook(workbook)
    assert book.sheetnames == ["records", "_gleaner"]
    assert book["_gleaner"].sheet_state == "hidden"
    sheet = book["records"]
    rows = list(sheet.iter_rows())
    assert len(rows) == len(ROWS) + 1
    assert [cell.value for cell in rows[0]] == ["id", "value", "=1+1", "float"]
    assert all(cell.data_type != "f" for row in rows for cell in row)
    for number, text in enumerate(HOSTILE):
        cell = rows[number + 1][1]
        # openpyxl leaves the escape of the carriage return as it is.
        assert cell.value.replace("_x000D_", "\r") == text
        assert cell.data_type == "s" and cell.quotePrefix


def test_the_raw_xml_holds_no_formula_and_no_link(workbook):
    with zipfile.ZipFile(workbook) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert "<f>" not in text and "<f " not in text and "hyperlink" not in text, name


def test_header_panes_filter_and_widths(workbook):
    sheet = openpyxl.load_workbook(workbook)["records"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:D{len(ROWS) + 1}"
    assert all(cell.font.bold for cell in sheet[1])
    assert all(8 <= column.width <= 61 for column in sheet.column_dimensions.values())


def test_numbers_and_truth_values_are_cells_of_their_kind(workbook):
    sheet = openpyxl.load_workbook(workbook)["records"]
    found = {number: sheet.cell(number + 2, 2).value for number in range(len(VALUES))}
    for number, value in enumerate(VALUES):
        if isinstance(value, (bool, float)) or (isinstance(value, int) and value <= 2**53):
            assert found[number] == value and type(found[number]) is type(value)
    assert found[VALUES.index(2**70)] == f"json:{2**70}"


def test_links_are_clickable_only_when_asked_for(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a":"https://x.org/a?b=1&c#d","b":"javascript:alert(1)"}\n')
    convert(tmp_path / "a.jsonl", tmp_path / "a.xlsx", "--links")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["records"]
    link = sheet["A2"].hyperlink
    assert "#".join(filter(None, [link.target, link.location])) == "https://x.org/a?b=1&c#d"
    assert sheet["B2"].hyperlink is None


def test_a_workbook_that_openpyxl_saved_again_still_says_the_same(workbook, tmp_path):
    openpyxl.load_workbook(workbook).save(tmp_path / "again.xlsx")
    convert(tmp_path / "again.xlsx", tmp_path / "again.jsonl")
    assert lines(tmp_path / "again.jsonl") == ROWS


def test_a_workbook_of_openpyxl_is_read_as_it_is(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["name", "when", "n"])
    book.active.append(["[1]", datetime.datetime(2024, 2, 29, 13, 45), 7])
    book.active.append(["=1+1", datetime.date(2024, 2, 29), 0.5])
    book.save(tmp_path / "a.xlsx")
    said = convert(tmp_path / "a.xlsx", tmp_path / "a.jsonl", code=3)
    first, second = lines(tmp_path / "a.jsonl")
    assert first == {"name": "[1]", "when": "2024-02-29T13:45:00", "n": 7}
    # openpyxl made it a formula and did not compute it: there is no value, and that is said.
    assert second == {"name": None, "when": "2024-02-29", "n": 0.5}
    assert "Sheet!A3" in said and "`=1+1`" in said


def soffice(folder, target, source):
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice (soffice) is not installed")
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [program, profile, "--headless", "--convert-to", target, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)


def test_libreoffice_reads_every_row(workbook, tmp_path):
    soffice(tmp_path, "csv:Text - txt - csv (StarCalc):44,34,76,1", workbook)
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(ROWS) + 1
    assert rows[0] == ["id", "value", "=1+1", "float"]
    assert [row[1] for row in rows[1 : len(HOSTILE) - 2]][:4] == HOSTILE[:4]


def test_a_workbook_that_libreoffice_saved_again_still_says_the_same(workbook, tmp_path):
    soffice(tmp_path, "xlsx:Calc MS Excel 2007 XML", workbook)
    convert(tmp_path / "rows.xlsx", tmp_path / "rows.jsonl")
    # LibreOffice saves numbers with 15 digits.
    fifteen = [dict(row, value=9007199254740990) if row.get("value") == 2**53 else row for row in ROWS]
    assert lines(tmp_path / "rows.jsonl") == fifteen

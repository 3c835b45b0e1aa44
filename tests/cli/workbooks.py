"""Writes small .xlsx workbooks, as spreadsheets do: text in a table of shared strings, numbers as numbers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

Cell = str | int | float | bool | None


def workbook(*sheets: Sequence[Sequence[Cell]]) -> bytes:
    """A workbook with these sheets, named Sheet1 and so on. None is a cell that is not in the file."""
    texts: dict[str, int] = {}
    names = [f"Sheet{number}" for number in range(1, len(sheets) + 1)]
    parts = {f"xl/worksheets/{name.lower()}.xml": _sheet(rows, texts) for name, rows in zip(names, sheets, strict=True)}
    listed = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"/>' for at, name in enumerate(names, 1))
    related = "".join(
        _relation(f"rId{at}", "worksheet", f"worksheets/{name.lower()}.xml") for at, name in enumerate(names, 1)
    )
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    over = "".join(f'<Override PartName="/{part}" ContentType="{_TYPES}.worksheet+xml"/>' for part in parts)
    over += f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    over += f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/>'
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    parts |= {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{rels}"/>{over}</Types>',
        "_rels/.rels": _relations(_relation("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(related + _relation("rId999", "sharedStrings", "sharedStrings.xml")),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">{items}</sst>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return file.getvalue()


def _sheet(rows: Sequence[Sequence[Cell]], texts: dict[str, int]) -> str:
    found = []
    for number, cells in enumerate(rows, 1):
        written = []
        for column, cell in zip("ABCDEFGHIJ", cells, strict=False):
            if isinstance(cell, str):
                written.append(f'<c r="{column}{number}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>')
            elif isinstance(cell, bool):
                written.append(f'<c r="{column}{number}" t="b"><v>{int(cell)}</v></c>')
            elif cell is not None:
                written.append(f'<c r="{column}{number}"><v>{cell}</v></c>')
        if written:
            found.append(f'<row r="{number}">{"".join(written)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(found)}</sheetData></worksheet>'


def _relation(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'


def _relations(inside: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'

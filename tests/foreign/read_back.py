"""Reads releases back with other software, and holds them against the release document.

Usage: read_back.py FOLDER, with files such as bars.nl.xlsx beside bars.nl.json.
"""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas
import pyarrow.parquet
from pysdmx.io import read_sdmx

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
WITHOUT_NUMBER = {"hidden-too-few", "hidden-too-few-suppliers", "hidden-dominance", "hidden-protects-others", "hidden-unchecked",
                  "not-collected", "supplier-absent", "not-applicable"}


def plain(cell: str) -> str:
    """A text cell of a CSV file as it was."""
    rest = cell[1:]
    return rest if cell.startswith("'") and rest.lstrip("'").startswith(STARTS_A_FORMULA) else cell


def expected(release: dict, language: str) -> list[dict]:
    """The rows of a release: codes, labels, and per figure value, bounds and status."""
    table = release["table"]
    rows = []
    for row in table["rows"]:
        labels = []
        for axis, code in zip(table["axes"], row["codes"]):
            names = {place["code"]: place["label"][language] for place in axis["places"]}
            labels.append({"nl": "totaal", "en": "total"}[language] if code is None else names[code])
        rows.append({"codes": row["codes"], "labels": labels, "cells": row["figures"]})
    return rows


def names(figure: dict) -> list[str]:
    name = figure["name"]
    values = [f"{name} lower", f"{name} upper"] if figure["kind"] == "quantile" else [name]
    return [*values, f"{name} status"]


def values(figure: dict, cell: dict) -> list[str | None]:
    return [cell.get("lower"), cell.get("upper")] if figure["kind"] == "quantile" else [cell.get("value")]


def check_csv(path: Path, release: dict, language: str, dutch: bool) -> None:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == dutch
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file, delimiter=";" if dutch else ","))
    rows = expected(release, language)
    assert len(records) == len(rows)
    for record, row in zip(records, rows):
        assert not any(field.startswith(STARTS_A_FORMULA) for name, field in record.items()
                       if name not in number_columns(release)), record
        for axis, code, label in zip(release["table"]["axes"], row["codes"], row["labels"]):
            assert plain(record[axis["name"]]) == (code or ""), record
            assert plain(record[f"{axis['name']} label"]) == label, record
        for figure, cell in zip(release["table"]["figures"], row["cells"]):
            *numbers, status = [record[name] for name in names(figure)]
            assert status == cell["status"]
            for number, value in zip(numbers, values(figure, cell)):
                if value is not None:
                    assert (number.replace(",", ".") if dutch else number) == value
                elif dutch:
                    assert number and not number[0].isdigit(), number
                else:
                    assert number == ""
        assert record["query"] == release["query"] and release["query"] in record["citation"]


def number_columns(release: dict) -> set[str]:
    return {name for figure in release["table"]["figures"] for name in names(figure)[:-1]}


def check_pandas(path: Path, release: dict) -> None:
    frame = pandas.read_csv(path)
    for figure in release["table"]["figures"]:
        *numbers, status = names(figure)
        hidden = frame[status].isin(WITHOUT_NUMBER)
        for name in numbers:
            assert frame.loc[hidden, name].isna().all(), name
            assert pandas.api.types.is_numeric_dtype(frame[name]), name


def check_parquet(path: Path, release: dict, language: str) -> None:
    table = pyarrow.parquet.read_table(path)
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert metadata["optelsom.query"] == release["query"]
    assert metadata["optelsom.codebook_version"] == release["codebook"]["version"]
    assert metadata["optelsom.language"] == language
    for key in ["title", "unit", "suppliers", "rules", "released_at", "citation", "question"]:
        assert metadata[f"optelsom.{key}"], key
    records, rows = table.to_pylist(), expected(release, language)
    assert len(records) == len(rows)
    for record, row in zip(records, rows):
        for axis, code, label in zip(release["table"]["axes"], row["codes"], row["labels"]):
            assert (record[axis["name"]], record[f"{axis['name']} label"]) == (code, label)
        for figure, cell in zip(release["table"]["figures"], row["cells"]):
            *numbers, status = [record[name] for name in names(figure)]
            assert status == cell["status"]
            for number, value in zip(numbers, values(figure, cell)):
                assert (number is None) == (value is None)
                assert value is None or Decimal(number) == Decimal(value)


def check_xlsx(path: Path, release: dict, language: str) -> None:
    # Formulas would be read as formulas here, so that none may be found.
    book = openpyxl.load_workbook(path, data_only=False)
    assert book.sheetnames == {"nl": ["Tabel", "Toelichting"], "en": ["Table", "Notes"]}[language]
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type in ("s", "n"), f"{path.name} {cell.coordinate} is {cell.data_type}"
    sheet, rows = book.worksheets[0], expected(release, language)
    axes, figures = release["table"]["axes"], release["table"]["figures"]
    for place, row in enumerate(rows):
        cells = [cell for cell in next(sheet.iter_rows(min_row=5 + place, max_row=5 + place))]
        # Spreadsheets end lines in one way.
        labels = [label.replace("\r\n", "\n").replace("\r", "\n") for label in row["labels"]]
        assert [cell.value for cell in cells[:len(axes)]] == labels, path.name
        cells = iter(cells[len(axes):])
        for figure, figure_cell in zip(figures, row["cells"]):
            for value in values(figure, figure_cell):
                shown = next(cells)
                if value is None:
                    assert shown.data_type == "s" and not shown.value[0].isdigit(), shown.value
                else:
                    assert shown.data_type == "n" and Decimal(str(shown.value)) == Decimal(value), shown.value
            assert next(cells).value, "a status"
    notes = {row[0].value: row[1].value for row in book.worksheets[1].iter_rows()}
    assert release["query"] in notes.values()
    assert book.properties.title


def check_sdmx(path: Path, release: dict) -> None:
    # The reader of the SDMX world takes names away and keeps identifiers.
    dataset = read_sdmx(path.read_text(encoding="utf-8"), validate=False).data[0]
    frame = dataset.data
    cells = [(figure, cell) for row in release["table"]["rows"]
             for figure, cell in zip(release["table"]["figures"], row["figures"])]
    numbers = [(figure, cell, value) for figure, cell in cells for value in values(figure, cell)]
    assert len(frame) == len(numbers)
    for (_, record), (figure, cell, value) in zip(frame.iterrows(), numbers):
        assert record["STATUS"] == cell["status"]
        if value is None:
            assert record["OBS_VALUE"] in ("NaN", "", None), record["OBS_VALUE"]
            assert record["OBS_STATUS"] in ("Q", "L", "O", "M")
        else:
            assert Decimal(record["OBS_VALUE"]) == Decimal(value)
            assert (record["OBS_STATUS"], record["CONF_STATUS"]) == ("A", "F")


def main() -> None:
    folder = Path(sys.argv[1])
    documents = sorted(folder.glob("*.json"))
    assert len(documents) == 16, documents
    for document in documents:
        release = json.loads(document.read_text(encoding="utf-8"))
        name, language, _ = document.name.split(".")
        beside = lambda ending: folder / f"{name}.{language}.{ending}"
        check_csv(beside("csv"), release, language, dutch=False)
        check_csv(beside("nl.csv"), release, language, dutch=True)
        check_pandas(beside("csv"), release)
        check_parquet(beside("parquet"), release, language)
        check_xlsx(beside("xlsx"), release, language)
        check_sdmx(beside("sdmx.csv"), release)
    print(f"{len(documents)} releases read back from CSV, XLSX, Parquet and SDMX-CSV")


main()

#!/usr/bin/env python3
"""DuckDB on the same rows, one thread: what `cargo bench -p optelsom-benches --bench records` measures itself against.

    pip install duckdb
    python3 tests/benches/duckdb_peer.py RECORDS.csv FOLDER

Writes the CSV file to a Parquet file in FOLDER, groups that by four variables with count and sum, and prints one JSON object:
the best of three runs each, in seconds.
"""

import json
import pathlib
import sys
import time

import duckdb

RUNS = 3


def best(work):
    """The shortest of the runs, in seconds."""
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def main():
    records, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    parquet = folder / "duckdb.parquet"
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    copy = (
        f"COPY (SELECT * FROM read_csv('{records}', delim = ';', header = true)) "
        f"TO '{parquet}' (FORMAT parquet)"
    )
    group = (
        "SELECT year, form, sex, region, COUNT(*), SUM(amount) "
        f"FROM read_parquet('{parquet}') GROUP BY year, form, sex, region"
    )
    copied = best(lambda: connection.execute(copy))
    grouped = best(lambda: connection.execute(group).fetchall())
    groups = len(connection.execute(group).fetchall())
    print(json.dumps({"version": duckdb.__version__, "copy": copied, "group": grouped, "groups": groups}))


main()

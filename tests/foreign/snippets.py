"""Runs the snippets of docs/reading-releases.md as they stand there, each in a folder with bars.csv and bars.parquet.

Usage: snippets.py python|r FOLDER
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reading-releases.md"
INTERPRETERS = {"python": [sys.executable], "r": ["Rscript", "--vanilla"]}


def main() -> None:
    language, samples = sys.argv[1], Path(sys.argv[2]).resolve()
    snippets = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert len(snippets) == 2, f"{len(snippets)} snippets of {language}"
    with tempfile.TemporaryDirectory() as folder:
        for ending in ["csv", "parquet"]:
            shutil.copy(samples / f"bars.en.{ending}", Path(folder) / f"bars.{ending}")
        for snippet in snippets:
            script = Path(folder) / f"snippet.{language}"
            script.write_text(snippet, encoding="utf-8")
            environment = {**os.environ, "LC_ALL": "C.UTF-8"}
            done = subprocess.run([*INTERPRETERS[language], script], cwd=folder, env=environment, capture_output=True, text=True,
                                  timeout=300)
            assert done.returncode == 0, f"{snippet}\n{done.stderr}"
            # What they are to say, whoever rewrites them.
            if "numbers," in done.stdout:
                assert "10 numbers, 2 hidden" in done.stdout and "at least" in done.stdout, done.stdout
            assert "WARNING" not in done.stderr.upper(), done.stderr
    print(f"{len(snippets)} snippets of {language} run")


main()

"""Renders pages and charts in a headless browser: nothing overlaps, nothing is cut off, nothing is loaded or refused.

Usage: pictures.py FOLDER. Writes a PNG beside each file, to be looked at.
"""

import html
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What of the text of a picture lies on other text or outside, as the browser lays it out.
LOOK = """
<script>
const svg = document.querySelector('svg');
const frame = svg.getBoundingClientRect();
const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
const boxes = texts.map(t => ({ text: t.textContent, box: t.getBoundingClientRect() }));
const wrong = [];
for (const { text, box } of boxes) {
  if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
    wrong.push('outside: ' + text);
}
for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
  const a = boxes[i].box, b = boxes[j].box;
  // Lines of text may touch: the box of a glyph is higher than its ink.
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (across > 1 && down > 3) wrong.push('overlap: ' + boxes[i].text + ' / ' + boxes[j].text);
}
const report = document.createElement('pre');
report.id = 'report';
report.textContent = JSON.stringify({ texts: boxes.length, shapes: svg.querySelectorAll('rect,polyline,circle').length, wrong });
document.body.append(report);
</script>
"""


def chromium(*arguments: str) -> str:
    # A profile of its own, so that nothing of this machine's user comes in and nothing stays.
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--hide-scrollbars", f"--user-data-dir={profile}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout


def look_at(svg: Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        markup = re.sub(r"^<\?xml[^>]*\?>", "", svg.read_text(encoding="utf-8"))
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{markup}{LOOK}", encoding="utf-8")
        shown = chromium("--dump-dom", page.as_uri())
    report = re.search(r'<pre id="report">(.*?)</pre>', shown, re.S)
    assert report, f"{svg.name}: the browser did not show it"
    return json.loads(html.unescape(report.group(1)))


def photograph(file: Path, height: int) -> Path:
    picture = file.with_name(file.name + ".png")
    picture.unlink(missing_ok=True)
    chromium(f"--screenshot={picture}", f"--window-size=1000,{height}", file.as_uri())
    assert picture.stat().st_size > 5000, f"{picture.name} is empty"
    return picture


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    charts = sorted(folder.glob("*.svg"))
    assert len(charts) >= 14, charts
    for svg in charts:
        seen = look_at(svg)
        assert not seen["wrong"], f"{svg.name}: {seen['wrong'][:5]}"
        assert seen["texts"] > 3 and seen["shapes"] > 1, f"{svg.name}: {seen}"
    # Pictures of some of them for people; the numbers above look at all.
    for name in ["years.nl.svg", "panels.nl.svg", "bars.nl.svg", "statuses.en.svg", "figures.en.svg", "hostile.en.svg"]:
        photograph(folder / name, 1300)
    for name in ["bars.nl.html", "statuses.en.html"]:
        page = folder / name
        photograph(page, 2200)
        printed = folder / f"{name}.pdf"
        chromium(f"--print-to-pdf={printed}", "--no-pdf-header-footer", page.as_uri())
        assert printed.read_bytes().startswith(b"%PDF"), name
    print(f"{len(charts)} charts, 2 pages shown and printed")


main()

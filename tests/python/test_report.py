"""The report of `llm-evaluator` in a browser: no table runs over its neighbour, at no width. Needs Chromium.

GLEANER_BIN_DIR names the folder of the built programs (default: target/debug).
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug")) / "llm-evaluator"
CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not here")

# In a frame of each width: tables that stick out of their figure, and whether the page is wider than its frame.
MEASURE = """<body><script>
const widths = [420, 1100, 1500], found = {};
let left = widths.length;
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:900px;border:0`;
  frame.onload = () => {
    const page = frame.contentDocument, right = (element) => element.getBoundingClientRect().right;
    const tables = [...page.querySelectorAll("figure table")];
    const out = tables.filter((table) => right(table) > right(table.closest("figure")) + 1).length;
    const wide = page.documentElement.scrollWidth - page.documentElement.clientWidth;
    found[width] = { tables: tables.length, out, wide };
    if (--left === 0) document.body.textContent = "FOUND" + JSON.stringify(found) + "FOUND";
  };
  frame.src = "report.html";
  document.body.append(frame);
}
</script></body>"""


def test_no_table_of_the_report_runs_over_another(tmp_path):
    topics = ["Math Word Problems", "Medical/Clinical Text", "Legal Text Analysis"]
    rows = [{"repo_id": f"o/{n}", "gold": [topics[n % 3]], "domain_names": [topics[n // 2 % 3]]} for n in range(3000)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["evaluate", ROOT / "configs/tasks/weekly.toml", "rows.jsonl", "--labels", "rows.jsonl"]
    words += ["--html", "report.html", "--resamples", "20"]
    subprocess.run([PROGRAM, *words], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "measure.html").write_text(MEASURE)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=5000"]
    asked = [CHROMIUM, *flags, "--dump-dom", (tmp_path / "measure.html").as_uri()]
    dumped = subprocess.run(asked, capture_output=True, text=True, timeout=120).stdout
    found = json.loads(re.search("FOUND(.*)FOUND", dumped).group(1))
    assert set(found) == {"420", "1100", "1500"}
    for width, seen in found.items():
        assert seen == {"tables": 7, "out": 0, "wide": 0}, f"{width} wide: {seen}"

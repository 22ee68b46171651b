"""Pictures read by Tesseract, and exports read by the libraries that train with them."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

BIN = Path(os.environ["GLEANER_BIN_DIR"]) / "discourse-crawler"
FONTS = Path("/usr/share/fonts/truetype/dejavu")

SCREENS = {
    "code.png": (
        "DejaVuSansMono.ttf",
        "eng",
        "def area(width, height):\n    if width < 0:\n        raise ValueError(width)\n    return width * height",
    ),
    "terminal.png": (
        "DejaVuSansMono.ttf",
        "eng",
        "$ cargo build --release\nCompiling gleaner v0.1.0\nerror: could not find the file main.rs\nbuild failed, see above",
    ),
    "dialog.png": (
        "DejaVuSans.ttf",
        "eng",
        "Unsaved changes\nDo you want to save the document before closing?\nSave     Discard     Cancel",
    ),
    "deutsch.png": (
        "DejaVuSans.ttf",
        "deu",
        "Die Datei konnte nicht geöffnet werden.\nPrüfen Sie, ob der Ordner schreibgeschützt ist.\nAbbrechen     Erneut versuchen",
    ),
}


def draw(folder: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    for name, (font, _, text) in SCREENS.items():
        drawn = ImageFont.truetype(str(FONTS / font), 26)
        lines = text.split("\n")
        image = Image.new("RGB", (40 + int(max(drawn.getlength(line) for line in lines)), 40 + 40 * len(lines)), "white")
        for row, line in enumerate(lines):
            ImageDraw.Draw(image).text((20, 20 + 40 * row), line, font=drawn, fill="black")
        image.save(folder / name)


class Forum:
    """As much of a forum as a crawl of one topic asks for."""

    def __init__(self, folder: Path, pictures: list[str]):
        cooked = "".join(f'<p>Look:</p><p><img src="/uploads/{name}"></p>' for name in pictures)
        post = lambda number, text: {  # noqa: E731
            "id": number, "post_number": number, "post_type": 1, "username": f"u{number}", "user_id": number,
            "created_at": "2026-01-02T03:04:05.000Z", "cooked": text,
        }
        posts = [post(1, cooked), post(2, "<p>That is a long enough answer to every one of these.</p>")]
        topic = {"id": 1, "title": "Screens", "slug": "screens", "posts_count": 2, "post_stream": {"posts": posts, "stream": [1, 2]}}
        rows = {"topic_list": {"topics": [{"id": 1, "title": "Screens", "slug": "screens", "posts_count": 2}]}}
        answers = {
            "/site/basic-info.json": {"title": "Screens", "login_required": False},
            "/site.json": {"categories": []},
            "/latest.json": rows,
            "/t/1.json": topic,
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path in answers:
                    kind, body = "application/json", json.dumps(answers[path]).encode()
                elif path.startswith("/uploads/"):
                    kind, body = "image/png", (folder / path.rsplit("/", 1)[1]).read_bytes()
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def distance(a: str, b: str) -> int:
    """How many characters must change."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def run(*arguments) -> None:
    done = subprocess.run([str(word) for word in (BIN, *arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.skipif(not shutil.which("tesseract") or not FONTS.is_dir(), reason="no Tesseract, or no fonts to draw with")
@pytest.mark.parametrize("language", ["eng", "deu"])
def test_screenshots_are_read_with_few_errors(tmp_path, language):
    draw(tmp_path)
    names = [name for name, (_, of, _) in SCREENS.items() if of == language]
    forum = Forum(tmp_path, names)
    run("crawl", forum.url, "--root", tmp_path / "root", "--rate", "1000", "--quiet", "--ocr-lang", f"{language}")
    page = next((tmp_path / "root").glob("discourse/*/conversations/page_00001.jsonl"))
    images = [image for post in json.loads(page.read_text())["posts"] for image in post["images"]]
    assert len(images) == len(names)
    for name, image in zip(names, images):
        wanted, read = plain(SCREENS[name][2]), plain(image["ocr"]["text"])
        errors = distance(wanted, read) / len(wanted)
        assert errors < 0.05, (name, errors, read)
        assert image["ocr"]["confidence"] > 60 and image["ocr"]["engine"].startswith("tesseract")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    root = tmp_path_factory.mktemp("forum")
    sim = subprocess.Popen([os.environ["GLEANER_SIM"], "discourse", "--topics", "60"], stdout=subprocess.PIPE, text=True)
    url = sim.stdout.readline().split()[-1]
    try:
        run("crawl", url, "--root", root / "root", "--rate", "100000", "--quiet", "--images", "none")
    finally:
        sim.kill()
        sim.wait()
    return root


@pytest.mark.parametrize("form", ["messages", "sharegpt", "alpaca", "dpo", "seed"])
def test_datasets_reads_every_form(crawled, form):
    datasets = pytest.importorskip("datasets")
    out = crawled / f"{form}-out"
    run("export", crawled / "root", "--out", out, "--format", form, "--validation", "20", "--quiet")
    files = {split: str(out / f"{split}.jsonl") for split in ("train", "validation")}
    loaded = datasets.load_dataset("json", data_files=files, cache_dir=str(crawled / f"cache-{form}"))
    for split, path in files.items():
        rows = [json.loads(line) for line in open(path, encoding="utf-8")]
        assert len(loaded[split]) == len(rows) > 0
        first = {"messages": "messages", "sharegpt": "conversations", "alpaca": "output", "dpo": "chosen", "seed": "conversations"}[form]
        assert loaded[split][0][first] == rows[0][first]


def test_a_chat_template_accepts_messages(crawled):
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    # As strict as the templates of models are: roles must take turns and the user begins.
    fast.chat_template = (
        "{% for m in messages %}"
        "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must take turns') }}{% endif %}"
        "<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    )
    out = crawled / "chat"
    run("export", crawled / "root", "--out", out, "--roles", "asker", "--quiet")
    rows = [json.loads(line) for line in open(out / "train.jsonl", encoding="utf-8")]
    assert rows
    for row in rows:
        text = fast.apply_chat_template(row["messages"], tokenize=False)
        assert text.startswith("<|user|>") and row["messages"][-1]["content"] in text


def test_kaggles_discussions_are_exported_as_a_forums_are(tmp_path):
    sim = subprocess.Popen([os.environ["GLEANER_SIM"], "kaggle", "--topics", "80"], stdout=subprocess.PIPE, text=True)
    url = sim.stdout.readline().split()[-1]
    try:
        crawler = BIN.with_name("kaggle-crawler")
        done = subprocess.run(
            [crawler, "discussions", "--root", tmp_path / "kaggle", "--endpoint", url, "--quiet"],
            capture_output=True, text=True, env={**os.environ, "KAGGLE_API_TOKEN": "any", "HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
    finally:
        sim.kill()
        sim.wait()
    run("export", tmp_path / "kaggle", "--out", tmp_path / "chat", "--quiet")
    rows = [json.loads(line) for line in open(tmp_path / "chat" / "train.jsonl", encoding="utf-8")]
    assert rows
    for row in rows:
        assert [m["role"] for m in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        assert row["meta"]["topic_id"] and row["meta"]["posts"]

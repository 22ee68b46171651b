"""pydiscourse, unmodified, run against our double of a forum: it lists, reads topics and posts, and waits when it must.

GLEANER_SIM names the built `sim` binary.
"""

import os
import pathlib
import subprocess
import time

import pytest

pydiscourse = pytest.importorskip("pydiscourse")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIM = os.environ.get("GLEANER_SIM", str(ROOT / "target" / "debug" / "sim"))


@pytest.fixture
def start():
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [SIM, "discourse", "--api-key", "harbourmaster:secret", *arguments], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        url = process.stdout.readline().removeprefix("listening on ").strip()
        return pydiscourse.DiscourseClient(url, "harbourmaster", "secret", timeout=10)

    yield begin
    for process in running:
        process.kill()
        process.wait()


def walk(client, **options):
    topics, page = [], 0
    while True:
        listed = client.latest_topics(page=page, **options)["topic_list"]
        topics += listed["topics"]
        if "more_topics_url" not in listed:
            return topics
        page += 1


def test_every_topic_is_listed_and_read_whole(start):
    client = start("--topics", "70")
    topics = walk(client, order="created", ascending="true")
    assert len({topic["id"] for topic in topics}) == len(topics) == 74, "one of 70 is unlisted, 5 describe categories"
    for row in topics[5:25]:
        topic = client.topic(row["slug"], row["id"])
        stream = topic["post_stream"]["stream"]
        posts = client.posts(row["id"], post_ids=stream, include_raw="true")["post_stream"]["posts"]
        assert [post["id"] for post in posts] == stream
        assert all("raw" in post or post["hidden"] for post in posts)
        assert client.post_by_id(stream[0])["post_number"] == 1
        assert client.post_by_number(row["id"], 1)["id"] == stream[0]


def test_the_forum_tells_of_its_categories_people_and_newest_posts(start):
    client = start("--base", "/forum")
    categories = client.categories()
    assert [category["slug"] for category in categories] == ["support", "show-and-tell", "site-feedback", "9-category"]
    inner = client.category_topics(8)["topic_list"]["topics"]
    assert inner and all(topic["category_id"] == 8 for topic in inner), "led there by a redirect"
    assert client.category(5)["category"]["name"] == "Support"
    assert client.user("harbourmaster")["admin"]
    assert client.about()["about"]["version"]
    assert len(client.get_site_info()["categories"]) == 5
    newest = client.latest_posts()["latest_posts"]
    assert newest == sorted(newest, key=lambda post: -post["id"])
    assert client.private_messages("harbourmaster")["topic_list"]["topics"][0]["archetype"] == "private_message"


def test_it_waits_as_long_as_it_is_told_and_knows_a_refusal(start):
    client = start("--too-many", "json", "--fault", "list@1=429:retry-after=1")
    began = time.monotonic()
    assert client.latest_topics()["topic_list"]["topics"]
    assert time.monotonic() - began >= 1
    with pytest.raises(pydiscourse.exceptions.DiscourseClientError, match="could not be found"):
        client.topic("nothing", 999999)
    stranger = pydiscourse.DiscourseClient(client.host, "harbourmaster", "wrong", timeout=10)
    with pytest.raises(pydiscourse.exceptions.DiscourseClientError, match="API username or key is invalid"):
        stranger.latest_topics()

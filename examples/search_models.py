"""Search models over `record-search serve`, with the signature and the result keys of the old model scraper.

    record-search serve --index data/index &
    python examples/search_models.py "speech recognition german" --top-k 5 --task-type automatic-speech-recognition

Needs nothing but Python. What differs from the old tool: filters hold before anything is ranked, so `top_k` results come if as
many pass; nothing is random; what is not known is None and never a guess, so `efficiency_score`, `compatibility_score` and
`performance_benchmarks` are always None: nobody measured them. `model_size_mb` is the weights in MB of 2**20 bytes.
"""

import argparse
import json
import math
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

FILTERS = {"task_type", "max_size_mb", "min_downloads"}


class ModelSearch:
    """A server of `record-search`; `token` where it asks for one."""

    def __init__(self, url: str = "http://127.0.0.1:8080", token: str | None = None):
        self.url, self.token = url.rstrip("/"), token

    def search_models(
        self, query: str, top_k: int = 10, filters: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The best `top_k` models, the best first. `filters`: `task_type`, `max_size_mb`, `min_downloads`."""
        filters = filters or {}
        if unknown := set(filters) - FILTERS:
            raise ValueError(f"no such filters: {sorted(unknown)}; there are {sorted(FILTERS)}")
        asked: list[tuple[str, str]] = [("q", query), ("source", "hf-models")]
        if filters.get("task_type") is not None:
            asked.append(("task", filters["task_type"]))
        if filters.get("max_size_mb") is not None:
            asked.append(("weight_bytes", f"<={int(filters['max_size_mb'] * 2**20)}"))
        if filters.get("min_downloads") is not None:
            asked.append(("downloads", f">={filters['min_downloads']}"))
        results: list[dict[str, Any]] = []
        page = 1
        while len(results) < top_k:
            limit = min(top_k, 100)
            found = self.get(
                "/api/search",
                [*asked, ("limit", str(limit)), ("page", str(page)), ("explain", "1")],
            )
            results += [result(hit) for hit in found["hits"]]
            page += 1
            if found["next"] is None:
                break
        return results[:top_k]

    def get(self, path: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
        """An answer of the JSON API; its errors as ValueError, with what to do."""
        request = urllib.request.Request(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.load(error)["error"]
            raise ValueError(f"{told['what']}; {told['advice']}") from error


def result(hit: dict[str, Any]) -> dict[str, Any]:
    """A hit under the names of the old tool. What is not known is None."""

    def value(name: str) -> Any:
        return hit["columns"].get(name, {}).get("value")

    def first(name: str) -> str | None:
        texts = value(name)
        return texts[0] if texts else None

    weights, downloads, likes = value("weight_bytes"), value("downloads"), value("likes")
    popularity = None
    if downloads is not None and likes is not None:
        popularity = min(100.0, 5 * math.log(downloads + 1) + 0.01 * likes)
    cosine = (hit.get("explain") or {}).get("cosine")
    return {
        "model_id": hit["id"],
        "model_name": hit["name"],
        "author": hit["author"] or None,
        "architecture": first("architecture"),
        "task_type": first("task"),
        "model_size_mb": None if weights is None else weights / 2**20,
        "downloads": None if downloads is None else int(downloads),
        "likes": None if likes is None else int(likes),
        # The cosine to the query; None where words alone found it.
        "similarity_score": cosine,
        "popularity_score": popularity,
        "efficiency_score": None,
        "compatibility_score": None,
        # An estimate: the least to load it, in GB of 10**9 bytes.
        "hardware_requirements": None if weights is None else {"min_ram_gb": weights / 1e9},
        "performance_benchmarks": None,
        "description": hit["excerpt"] or None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("query")
    parser.add_argument("--top-k", type=int, default=10)
    parser.add_argument("--task-type")
    parser.add_argument("--max-size-mb", type=float)
    parser.add_argument("--min-downloads", type=int)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    given = parser.parse_args()
    filters = {name: getattr(given, name) for name in FILTERS if getattr(given, name) is not None}
    search = ModelSearch(given.url, os.environ.get("RECORD_SEARCH_TOKEN"))
    for found in search.search_models(given.query, given.top_k, filters):
        print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()

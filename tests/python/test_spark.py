"""Spark reads our Parquet and our Hive partitions. Needs pyspark and Java; `just spark` makes what it needs."""

import json

import pytest

pyspark = pytest.importorskip("pyspark")

from test_readers import ROWS, parquet, partitions, rows  # noqa: F401


@pytest.fixture(scope="module")
def spark():
    builder = pyspark.sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    yield session
    session.stop()


def test_spark_reads_parquet(spark, parquet):  # noqa: F811
    found = spark.read.parquet(str(parquet)).orderBy("likes").collect()
    assert [row["tags"] for row in found] == [row["tags"] for row in ROWS]
    assert [json.loads(row["raw"]) for row in found] == ROWS
    assert spark.read.parquet(str(parquet)).filter("id = 'owner/name-7'").count() == 1


def test_spark_reads_partitions(spark, rows, tmp_path):  # noqa: F811
    folder = partitions(rows, tmp_path)
    found = spark.read.parquet(str(folder)).select("id", "language").collect()
    assert sorted(map(tuple, found), key=str) == sorted(((row["id"], row["language"] or None) for row in ROWS), key=str)

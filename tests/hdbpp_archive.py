"""An HDB++ archive of our own for tests: the documented tables, and samples in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

NUMBERS = {
    "DEV_BOOLEAN": (1, "devboolean", "boolean"), "DEV_SHORT": (2, "devshort", "smallint"),
    "DEV_LONG": (3, "devlong", "integer"), "DEV_FLOAT": (4, "devfloat", "real"),
    "DEV_DOUBLE": (5, "devdouble", "double precision"), "DEV_USHORT": (6, "devushort", "ushort"),
    "DEV_ULONG": (7, "devulong", "ulong"), "DEV_STRING": (8, "devstring", "text"),
    "DEV_STATE": (19, "devstate", "integer"), "DEV_UCHAR": (22, "devuchar", "uchar"),
    "DEV_LONG64": (23, "devlong64", "bigint"), "DEV_ULONG64": (24, "devulong64", "ulong64"),
    "DEV_ENCODED": (28, "devencoded", "bytea"), "DEV_ENUM": (30, "devenum", "smallint"),
}  # fmt: skip
SHAPES = {"SCALAR": 0, "SPECTRUM": 1, "IMAGE": 2}
WRITES = {"READ": 0, "READ_WITH_WRITE": 1, "WRITE": 2, "READ_WRITE": 3}


def create(connection: psycopg.Connection[Any]) -> None:
    """The tables of an empty archive."""
    run = connection.execute
    for name, digits in (("uchar", 3), ("ushort", 5), ("ulong", 10), ("ulong64", 20)):
        run(f"create domain {name} as numeric({digits}) check (value >= 0)".encode())
    for what in ("type", "format", "write"):
        run(f"create table att_conf_{what} (att_conf_{what}_id smallint primary key, "
            f"{what} text not null unique)".encode())  # fmt: skip
    tables = {"type": {key: entry[0] for key, entry in NUMBERS.items()}, "format": SHAPES,
              "write": WRITES}  # fmt: skip
    for what, rows in tables.items():
        for name, number in rows.items():
            run(f"insert into att_conf_{what} values (%s, %s)".encode(), (number, name))
    run(b"""
        create table att_conf (
            att_conf_id serial primary key, att_name text not null unique,
            att_conf_type_id smallint references att_conf_type,
            att_conf_format_id smallint references att_conf_format,
            att_conf_write_id smallint references att_conf_write, table_name text not null,
            cs_name text, domain text, family text, member text, name text, ttl int,
            hide boolean default false);
        create table att_error_desc (att_error_desc_id serial primary key, error_desc text unique);
        create table att_parameter (
            att_conf_id integer references att_conf, recv_time timestamptz not null, label text,
            unit text, standard_unit text, display_unit text, format text, archive_rel_change text,
            archive_abs_change text, archive_period text, description text);
    """)
    for shape, many in (("scalar", ""), ("array", "[]")):
        for name, (_, table, kind) in NUMBERS.items():
            labels = ""
            if name == "DEV_ENUM":
                labels = f"value_r_label text{many}, value_w_label text{many},"
            run(f"""create table att_{shape}_{table} (
                att_conf_id integer references att_conf, data_time timestamptz not null,
                value_r {kind}{many}, value_w {kind}{many}, {labels} quality smallint,
                att_error_desc_id integer references att_error_desc, details json,
                primary key (att_conf_id, data_time))""".encode())  # fmt: skip


class Archive:
    """Writes attributes and their samples."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def attribute(self, name: str, kind: str, shape: str = "SCALAR", write: str = "READ") -> int:
        table = f"att_{'scalar' if shape == 'SCALAR' else 'array'}_{NUMBERS[kind][1]}"
        row = self.connection.execute(
            """insert into att_conf (att_name, att_conf_type_id, att_conf_format_id,
                   att_conf_write_id, table_name) values (%s, %s, %s, %s, %s)
               on conflict (att_name) do update set hide = false returning att_conf_id""",
            (name, NUMBERS[kind][0], SHAPES[shape], WRITES[write], table),
        ).fetchone()
        assert row
        return int(row[0])

    def parameter(self, number: int, ns: int, unit: str, label: str = "") -> None:
        self.connection.execute(
            "insert into att_parameter (att_conf_id, recv_time, unit, label) values (%s,%s,%s,%s)",
            (number, at(ns), unit, label),
        )

    def add(self, number: int, ns: int, value: Any, column: str = "value_r", **more: Any) -> None:
        table = self.connection.execute(
            "select table_name from att_conf where att_conf_id = %s", (number,)
        ).fetchone()
        assert table
        error = more.pop("error", None)
        if error is not None:
            row = self.connection.execute(
                "insert into att_error_desc (error_desc) values (%s) on conflict (error_desc) "
                "do update set error_desc = excluded.error_desc returning att_error_desc_id",
                (error,),
            ).fetchone()
            more["att_error_desc_id"] = row[0] if row else None
        columns = {"att_conf_id": number, "data_time": at(ns), column: value, "quality": 0, **more}
        self.connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(table[0]),
                sql.SQL(",").join(sql.Identifier(key) for key in columns),
                sql.SQL(",").join(sql.Placeholder() for _ in columns),
            ),
            list(columns.values()),
        )


def at(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)

"""The questions OAF asks an HDB++ database; names quoted, values bound.

Times go out and come back as whole microseconds since 1970, which loses nothing and no zone.
"""

from __future__ import annotations

import re
from typing import Any

from oaflib.sources.hdbpp.attributes import Attribute

_TIME = "timestamptz 'epoch' + {} * interval '1 microsecond'"
_MICROSECONDS = "round(extract(epoch from data_time) * 1000000)::bigint"
_SPAN = (
    f"data_time >= {_TIME.format('%(start)s::bigint')} "
    f"and data_time < {_TIME.format('%(stop)s::bigint')}"
)


class Queries:
    """Queries to the tables of `schema`; `prefix` is left out of names."""

    def __init__(self, schema: str, prefix: str) -> None:
        self.schema = schema
        self.prefix = prefix

    def probe(self) -> str:
        """Fails where this is no HDB++."""
        return f"select att_conf_id, att_name, table_name from {self._table('att_conf')} limit 0"

    def find(self) -> str:
        """Attributes by a ``LIKE`` pattern, in any case."""
        return self._attributes(f"lower({self._name()}) like lower(%s)")

    def named(self) -> str:
        """Attributes by a list of names."""
        return self._attributes(f"{self._name()} = any(%s)")

    def read(self, attribute: Attribute, *, labelled: bool) -> str:
        """The samples of an attribute in a span, in order of time."""
        return f"{self._samples(attribute, labelled=labelled)} and {_SPAN} order by data_time"

    def last(self, attribute: Attribute, *, labelled: bool) -> str:
        """The last sample before a time."""
        before = _TIME.format("%(stop)s::bigint")
        return (
            f"{self._samples(attribute, labelled=labelled)} and data_time < {before} "
            "order by data_time desc limit 1"
        )

    def count(self, table: str, hourly: str) -> str:
        """Samples a span has, by attribute; with `hourly` aggregates only its ends are counted.

        Aggregates lag behind and reach back only so far: their first and last hour are not used.
        """
        raw = self._table(table)
        where = "where att_conf_id = any(%(numbers)s)"
        if not hourly:
            return f"select att_conf_id, count(*) from {raw} {where} and {_SPAN} group by 1"
        return f"""
            with hours as (
                select att_conf_id, data_time, count_rows,
                       min(data_time) over one as head, max(data_time) over one as tail
                from {hourly} {where} and {_SPAN}
                window one as (partition by att_conf_id)
            ), covered as (
                select att_conf_id, head, tail,
                       sum(count_rows) filter (where data_time > head and data_time < tail) as many
                from hours group by 1, 2, 3
            ), ends as (
                select r.att_conf_id, count(*) as many
                from {raw} r left join covered c using (att_conf_id)
                where r.att_conf_id = any(%(numbers)s) and {_SPAN}
                  and (c.head is null or r.data_time < c.head + interval '1 hour'
                       or r.data_time >= c.tail)
                group by 1
            )
            select att_conf_id, coalesce(e.many, 0) + coalesce(c.many, 0)
            from ends e full join covered c using (att_conf_id)
        """

    def summary(self, attribute: Attribute) -> str:
        """Statistics of a scalar over a span; what is invalid, or an error, counts as NaN."""
        value = f"{_quoted(attribute.column)}::{attribute.cast}::float8"
        return f"""
            with samples as (
                select data_time, {_MICROSECONDS} as us,
                       case when quality = 1 or {value} is null then 'NaN' else {value} end as v
                from {self._table(attribute.table)}
                where att_conf_id = %(number)s and {_SPAN}
            ), good as (
                select us, v from samples where v not in ('NaN', 'Infinity', '-Infinity')
            )
            select (select count(*) from samples),
                   (select count(*) from samples where v = 'NaN'),
                   (select count(*) from samples where v in ('Infinity', '-Infinity')),
                   min(v), max(v), avg(v), stddev_pop(v),
                   (select v from good order by us limit 1), min(us),
                   (select v from good order by us desc limit 1), max(us)
            from good
        """

    def scaled(self, attribute: Attribute, algorithm: str) -> str:
        """A scalar's good samples by buckets of ``%(width)s`` us: start in us, and aggregate."""
        value = f"{_quoted(attribute.column)}::{attribute.cast}::float8"
        bucket = f"floor(({_MICROSECONDS} - %(start)s) / %(width)s::float8)"
        return f"""
            select (%(start)s + bucket * %(width)s)::bigint, {algorithm}(v)::float8
            from (
                select {bucket}::bigint as bucket, {value} as v
                from {self._table(attribute.table)}
                where att_conf_id = %(number)s and {_SPAN}
                  and coalesce(quality, 0) <> 1 and {value} is not null
                  and {value} not in ('NaN', 'Infinity', '-Infinity')
            ) samples
            group by bucket order by bucket
        """

    def units(self) -> str:
        """The history of an attribute's unit."""
        return (
            "select round(extract(epoch from recv_time) * 1000000)::bigint, unit "
            f"from {self._table('att_parameter')} where att_conf_id = %s order by recv_time"
        )

    def error(self) -> str:
        """The words of an error."""
        table = self._table("att_error_desc")
        return f"select error_desc from {table} where att_error_desc_id = %s"

    def column(self) -> str:
        """Whether a table has a column."""
        return (
            "select 1 from information_schema.columns "
            "where table_schema = %s and table_name = %s and column_name = %s"
        )

    def hourly(self, table: str) -> str:
        """The aggregate of a table by the hour, which TimescaleDB may keep; empty: none can be."""
        found = re.fullmatch(r"att_(scalar_dev\w+)", table)
        return self._table(f"cagg_{found[1]}_1hour") if found else ""

    def _samples(self, attribute: Attribute, *, labelled: bool) -> str:
        value = f"{_quoted(attribute.column)}::{attribute.cast}"
        if labelled:
            value = f"coalesce({_quoted(attribute.column + '_label')}::{attribute.cast}, {value})"
        return (
            f"select {_MICROSECONDS}, {value}, quality, att_error_desc_id "
            f"from {self._table(attribute.table)} where att_conf_id = %(number)s"
        )

    def _attributes(self, condition: str) -> str:
        return f"""
            select c.att_conf_id, {self._name()}, t.type, f.format, w.write, c.table_name,
                   p.unit, coalesce(nullif(p.description, ''), p.label)
            from {self._table("att_conf")} c
            join {self._table("att_conf_type")} t using (att_conf_type_id)
            join {self._table("att_conf_format")} f using (att_conf_format_id)
            join {self._table("att_conf_write")} w using (att_conf_write_id)
            left join lateral (
                select unit, label, description from {self._table("att_parameter")} q
                where q.att_conf_id = c.att_conf_id order by recv_time desc limit 1
            ) p on true
            where {condition}
            order by 2
        """

    def _name(self) -> str:
        if not self.prefix:
            return "c.att_name"
        prefix = "'" + self.prefix.replace("'", "''").replace("%", "%%") + "'"
        size = len(self.prefix)
        return (
            f"(case when lower(left(c.att_name, {size})) = lower({prefix}) "
            f"then substr(c.att_name, {size + 1}) else c.att_name end)"
        )

    def _table(self, name: Any) -> str:
        return f"{_quoted(self.schema)}.{_quoted(str(name))}"


def _quoted(name: str) -> str:
    """An identifier of SQL, whatever characters it has; ``%`` doubled for the driver."""
    return '"' + name.replace('"', '""').replace("%", "%%").replace("\0", "") + '"'

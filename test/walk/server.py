"""The books on a server, reached through one psql."""

import subprocess
from fractions import Fraction

MARK = "-- end of the answer"

# What the books say of each entry: its open segments, and all it came to, with the corrections that are due.
VIEWS = """
PREPARE walk_segment AS
SELECT 'segment', h.time_entry_id, row_number() OVER (PARTITION BY h.time_entry_id ORDER BY h.segment), h.contract_id,
       h.service_date, h.period_start, h.coverage, h.worked_s, h.billed_s, h.amount, h.base_amount, h.late
  FROM charge h WHERE h.source = 'time' AND NOT h.committed AND h.reverses_id IS NULL;
PREPARE walk_total AS
SELECT 'total', x.time_entry_id, sum(x.worked_s), sum(x.billed_s), sum(x.amount), sum(x.base_amount), sum(x.cost),
       sum(x.base_cost)
  FROM (SELECT coalesce(h.time_entry_id, o.time_entry_id) AS time_entry_id, h.worked_s, h.billed_s, h.amount, h.base_amount,
               CASE WHEN h.made_by IN ('correction', 'document') THEN nullif(h.cost, 0) ELSE h.cost END AS cost,
               CASE WHEN h.made_by IN ('correction', 'document') THEN nullif(h.base_cost, 0) ELSE h.base_cost END AS base_cost
          FROM live_charge h LEFT JOIN charge o ON o.id = h.adjusts_id
        UNION ALL
        SELECT h.time_entry_id, 0, 0, d.amount, d.base_amount, nullif(d.cost, 0), nullif(d.base_cost, 0)
          FROM correction_due d JOIN charge h ON h.id = d.charge_id) x
 WHERE x.time_entry_id IS NOT NULL GROUP BY x.time_entry_id;
PREPARE walk_fee AS
SELECT 'fee', x.line, x.period, sum(x.amount)
  FROM (SELECT coalesce(h.contract_line_id, o.contract_line_id) AS line, coalesce(h.line_period, o.line_period) AS period, h.amount
          FROM charge h LEFT JOIN charge o ON o.id = h.adjusts_id
        UNION ALL
        SELECT h.contract_line_id, h.line_period, d.amount FROM correction_due d JOIN charge h ON h.id = d.charge_id) x
 WHERE x.line IS NOT NULL GROUP BY 2, 3 HAVING sum(x.amount) <> 0;
PREPARE walk_minimum AS
SELECT 'minimum', x.contract_id, date_trunc('month', x.service_date)::date, sum(x.amount)
  FROM (SELECT h.contract_id, h.service_date, h.amount
          FROM live_charge h LEFT JOIN charge o ON o.id = h.adjusts_id WHERE 'minimum' IN (h.made_by, o.made_by)
        UNION ALL
        SELECT d.contract_id, d.service_date, d.amount FROM correction_due d WHERE d.kind = 'minimum') x
 GROUP BY 2, 3 HAVING sum(x.amount) <> 0;
PREPARE walk_left AS
SELECT 'left', a.contract_id, a.kind, coalesce(a.contract_line_id, CASE WHEN a.source_id IS NULL AND a.kind = 'block' THEN a.id END,
                                                         0), extract(epoch FROM a.effective_at)::bigint,
       extract(epoch FROM a.expires_at)::bigint,
       a.amount - coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0)
  FROM allotment a WHERE a.voided_at IS NULL;
PREPARE walk_problem AS SELECT 'problem', r.time_entry_id, r.kind FROM rating_problem r;
PREPARE walk_broken AS SELECT 'broken', c.rule, c.subject, c.detail FROM check_books() c;
"""
# With the tax in the prices the model speaks of prices; what is ours of them check_books() knows.
PRICED = (("h.base_amount", "NULL::numeric AS base_amount"), ("d.base_amount", "NULL::numeric AS base_amount"), ("h.amount", "coalesce(h.gross, h.amount) AS amount"),
          ("FROM correction_due d", "FROM (SELECT x.charge_id, x.kind, x.priced AS amount, x.cost, x.base_cost, h.contract_id, h.service_date "
           "FROM correction_of(ARRAY(SELECT r.charge_id FROM rechecked r)) x JOIN charge h ON h.id = x.charge_id) d"))
LOOK = "EXECUTE walk_segment; EXECUTE walk_total; EXECUTE walk_problem; EXECUTE walk_fee; EXECUTE walk_minimum; EXECUTE walk_left;"
CHECK = "EXECUTE walk_broken;"


class Refused(Exception):
    """What the books do not take, with its SQLSTATE."""

    def __init__(self, state, words):
        super().__init__(words)
        self.state = state


class Server:
    """One session."""

    def __init__(self, schema, inclusive=False):
        self.psql = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-P", "null=\\N"], text=True, bufsize=1,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.schema = schema
        self.ask("SET client_min_messages = error; SET timezone = 'UTC'; SET datestyle = 'ISO'; "
                 "CREATE EXTENSION IF NOT EXISTS finance; "
                 "SELECT finance.drop_books('%s', '%s') FROM pg_namespace WHERE nspname = '%s'; "
                 "SELECT finance.create_books('%s'); "
                 "SET search_path = %s, %s_internal, finance, public;" % ((schema,) * 6))
        views = VIEWS
        for one, other in PRICED if inclusive else ():
            views = views.replace(one, other)
        self.ask(views)

    def ask(self, sql):
        """Send statements and return the rows of all their answers."""
        self.psql.stdin.write("%s\n;\\echo :SQLSTATE\n\\echo '%s'\n" % (sql.rstrip().rstrip(";"), MARK))
        self.psql.stdin.flush()
        lines = []
        while True:
            line = self.psql.stdout.readline()
            if line == "":
                raise RuntimeError("the session was lost: " + "\n".join(lines))
            if line.rstrip("\n") == MARK:
                break
            lines.append(line.rstrip("\n"))
        errors = [number for number, line in enumerate(lines) if line.startswith("ERROR:") or line.startswith("FATAL:")]
        if errors:
            raise Refused(lines[-1], "\n".join(lines[errors[0]:-1]))
        return [line.split("\t") for line in lines[:-1]]

    def end(self):
        self.ask("SELECT finance.drop_books('%s', '%s');" % (self.schema, self.schema))
        self.psql.stdin.close()
        self.psql.wait()


def number(text):
    return None if text == "\\N" else Fraction(text)

"""What people do, drawn by lot: each step is told to the books as SQL and to the model as a change of facts."""

import datetime
from fractions import Fraction

from model import DAY, instant

WORK_TYPES = {"development": "billable", "design": "billable", "bug": "no_charge", "internal": "non_billable"}


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'%s'" % value if isinstance(value, (str, datetime.date)) else str(value)


def stamp(at):
    return "to_timestamp(%d)" % at


class Walk:
    """A world, and what may happen in it."""

    def __init__(self, rng, server, books):
        self.rng, self.server, self.books = rng, server, books
        self.today = datetime.date(2025, 3, 10)
        self.refusal = None     # the SQLSTATE by which the rules refuse the step that was drawn

    # -- the world ---------------------------------------------------------

    def insert(self, table, **row):
        sql = "INSERT INTO %s (%s) VALUES (%s) RETURNING id;" % (
            table, ", ".join(row), ", ".join(literal(value) for value in row.values()))
        return int(self.server.ask(sql)[0][0])

    def set_up(self):
        books = self.books
        for row in self.server.ask("SELECT id, code, billable FROM work_type;"):
            books.work_types[int(row[0])] = row[2]
            WORK_TYPES[row[1]] = int(row[0])
        own = self.insert("party", kind="own", name="Us")
        clients = [self.insert("party", kind="company", name=name) for name in ("Alpha", "Beta")]
        for name, role in (("Ann", "senior"), ("Ben", "junior"), ("Cy", None)):
            books.employees[self.insert("employee", name=name, role=role)] = role
        self.people = sorted(books.employees)
        for who, role, cost in ((1, None, "20"), (None, "junior", "12.34")):
            self.add_cost_rate(who, role, datetime.date(2024, 1, 1), cost)
        self.add_exchange_rate("USD", "EUR", datetime.date(2024, 12, 1), "0.92")
        lists = [self.insert("price_list", code=code, name=code, currency=currency) for code, currency in (("e", "EUR"), ("u", "USD"))]
        self.lists = lists
        for price_list in lists:
            for who, role, kind, price in ((None, None, None, "66.67"), (None, None, "design", "80"), (None, "senior", None, "91.13"),
                                           (1, None, "development", "120")):
                self.add_price(price_list, who, role, kind, datetime.date(2024, 1, 1), price)
        for client, name in ((0, "Shop"), (0, "Care"), (1, "Desk"), (1, "Year")):
            project = self.insert("project", client_id=clients[client], name=name)
            books.projects[project] = {"id": project, "client_id": clients[client]}
        self.projects = sorted(books.projects)
        for project, title, kind in ((0, "Cart", "development"), (0, "Banner", "design"), (1, "Help", "development"),
                                     (1, "Bug", "bug"), (2, "Desk", "development"), (3, "Year", None)):
            task = self.insert("task", project_id=self.projects[project], title=title,
                               work_type_id=WORK_TYPES[kind] if kind else None)
            books.tasks[task] = {"id": task, "project_id": self.projects[project], "contract_id": None, "billable": None,
                                 "work_type_id": WORK_TYPES[kind] if kind else None, "items": []}
        start = datetime.date(2025, 3, 1)
        self.add_contract(clients[0], None, "T", "EUR", lists[0], start, increment=900, needs_approval=False)
        self.add_contract(clients[0], self.projects[1], "R", "EUR", lists[0], start)
        self.add_contract(clients[1], None, "B", "USD", lists[1], start)
        self.add_contract(clients[1], self.projects[3], "Y", "EUR", lists[0], datetime.date(2025, 3, 15), period="year")

    def add_contract(self, client, project, name, currency, price_list, start, period="month", increment=0, needs_approval=False):
        key = self.insert("contract", client_id=client, project_id=project, number=name, currency=currency,
                          price_list_id=price_list, starts_on=start, period=period,
                          round_mode="up" if increment else "none", round_increment_s=increment or 60,
                          needs_approval=needs_approval)
        self.books.contracts[key] = {
            "id": key, "client_id": client, "project_id": project, "currency": currency, "list": price_list, "starts_on": start,
            "ends_on": None, "period": period, "first": start if period == "year" else start.replace(day=1),
            "anchor": start.day if period == "year" else 1, "increment_s": increment, "needs_approval": needs_approval}
        return key

    def add_price(self, price_list, who, role, kind, since, price):
        self.insert("price", price_list_id=price_list, employee_id=who, role=role,
                    work_type_id=WORK_TYPES[kind] if kind else None, valid_from=since, price=price)
        self.books.prices += ((price_list, who, role, WORK_TYPES[kind] if kind else None, since, Fraction(price)),)

    def add_cost_rate(self, who, role, since, cost):
        self.insert("cost_rate", employee_id=who, role=role, valid_from=since, hourly_cost=cost, currency="EUR")
        self.books.cost_rates.append((who, role, since, Fraction(cost), "EUR"))

    def add_exchange_rate(self, base, quote, since, rate):
        self.server.ask("INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('%s', '%s', '%s', %s);"
                        % (base, quote, since, rate))
        self.books.exchange.append((base, quote, since, Fraction(rate)))

    # -- steps: (SQL, what it changes of the facts), or None where there is nothing to do --------

    def draw_time(self):
        """When somebody worked: a few days around today, by the clock or by the day."""
        day = self.today + self.rng.randint(-12, 6) * DAY
        if self.rng.random() < 0.25:
            return {"started_at": None, "ended_at": None, "work_date": day, "worked_s": self.rng.randint(1, 40) * 600 + 7}
        start = instant(day) + self.rng.randint(0, 47) * 1800 + self.rng.choice((0, 0, 0, 13))
        length = self.rng.randint(1, 20) * 900 + self.rng.choice((0, 0, 1, 59))
        return {"started_at": start, "ended_at": start + length, "work_date": None, "worked_s": length}

    def columns(self, when):
        if when["started_at"] is None:
            return {"started_at": "NULL", "ended_at": "NULL", "work_date": literal(when["work_date"]),
                    "duration_s": str(when["worked_s"])}
        return {"started_at": stamp(when["started_at"]), "ended_at": stamp(when["ended_at"]), "work_date": "NULL",
                "duration_s": "NULL"}

    def step_log(self):
        when = self.draw_time()
        entry = dict(when, employee_id=self.rng.choice(self.people), task_id=self.rng.choice(sorted(self.books.tasks)), approved=False)
        values = dict(self.columns(when), employee_id=str(entry["employee_id"]), task_id=str(entry["task_id"]))

        def follow(rows):
            entry["id"] = int(rows[0][0])
            self.books.entries[entry["id"]] = entry
            self.books.stamp(entry)
        return "INSERT INTO time_entry (%s) VALUES (%s) RETURNING id;" % (", ".join(values), ", ".join(values.values())), follow

    def some_entry(self):
        keys = sorted(self.books.entries)
        return self.books.entries[self.rng.choice(keys[-25:])] if keys else None

    def step_edit(self):
        entry = self.some_entry()
        if not entry:
            return None
        changes, values = {}, {}
        what = self.rng.choice(("time", "task", "person"))
        if what == "time":
            changes = self.draw_time()
            values = self.columns(changes)
        elif what == "task":
            changes = {"task_id": self.rng.choice(sorted(self.books.tasks))}
            values = {"task_id": str(changes["task_id"])}
        else:
            changes = {"employee_id": self.rng.choice(self.people)}
            values = {"employee_id": str(changes["employee_id"])}

        def follow(_):
            if any(entry[key] != value for key, value in changes.items()):
                entry.update(changes, approved=False)
                self.books.stamp(entry)
        return "UPDATE time_entry SET %s WHERE id = %d;" % (
            ", ".join("%s = %s" % pair for pair in values.items()), entry["id"]), follow

    def step_delete(self):
        entry = self.some_entry()
        if not entry:
            return None
        return "DELETE FROM time_entry WHERE id = %d;" % entry["id"], lambda _: self.books.entries.pop(entry["id"])

    def step_day(self):
        self.today += self.rng.randint(1, 4) * DAY
        return "SELECT 1 WHERE false;", lambda _: None

    STEPS = (("log", 40), ("edit", 20), ("delete", 6), ("day", 10))

    def draw(self):
        """Draw a step: its name, its SQL, what it does to the facts."""
        while True:
            self.refusal = None
            name = self.rng.choices([name for name, _ in self.STEPS], [weight for _, weight in self.STEPS])[0]
            step = getattr(self, "step_" + name)()
            if step:
                return (name,) + step

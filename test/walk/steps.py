"""What people do, drawn by lot: each step is told to the books as SQL and to the model as a change of facts."""

import datetime
from fractions import Fraction

from model import DAY, NEVER, days_of, instant, overlap

WORK_TYPES = {"development": "billable", "design": "billable", "bug": "no_charge", "internal": "non_billable"}


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        return "%.6f" % value
    return "'%s'" % value if isinstance(value, (str, datetime.date)) else str(value)


def stamp(at):
    return "to_timestamp(%d)" % at


class Walk:
    """A world, and what may happen in it."""

    def __init__(self, rng, server, books, inclusive=False):
        self.rng, self.server, self.books, self.inclusive = rng, server, books, inclusive
        self.today = datetime.date(2025, 3, 10)
        self.refusal = set()    # the SQLSTATEs by which the rules refuse the step that was drawn

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
            self.take(self.cost_rate(who, role, datetime.date(2024, 1, 1), Fraction(cost)))
        self.take(self.exchange_rate("USD", "EUR", datetime.date(2024, 12, 1), Fraction("0.92")))
        lists = [self.insert("price_list", code=code, name=code, currency=currency) for code, currency in (("e", "EUR"), ("u", "USD"))]
        self.lists = lists
        for price_list in lists:
            for who, role, kind, price in ((None, None, None, "66.67"), (None, None, "design", "80"), (None, "senior", None, "91.13"),
                                           (1, None, "development", "120")):
                self.take(self.price(price_list, who, role, kind, datetime.date(2024, 1, 1), Fraction(price)))
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
        self.add_contract(clients[0], None, "T", "EUR", lists[0], start, increment=900, needs_approval=True,
                          minimum=Fraction(self.rng.choice((300, 800, 2000))), cap=self.rng.choice((None, Fraction(1000))))
        self.add_contract(clients[0], self.projects[1], "R", "EUR", lists[0], start)
        self.add_contract(clients[1], None, "B", "USD", lists[1], start)
        self.add_contract(clients[1], self.projects[3], "Y", "EUR", lists[0], datetime.date(2025, 3, 15), period="year")
        self.sent, self.agreed, self.invoices = {}, {}, {}
        self.take(self.line(2, amount=Fraction("310"), included_s=36000, overage_price=Fraction("61.37"), rollover_max=18000,
                            rollover_life=2, prorate="actual"))
        self.take(self.line(4, amount=Fraction("1200"), included_s=180000, prorate="actual", prorate_included=True))

    def add_contract(self, client, project, name, currency, price_list, start, period="month",
                     increment=0, needs_approval=False, minimum=None, cap=None):
        key = self.insert("contract", client_id=client, project_id=project, number=name, currency=currency,
                          price_list_id=price_list, starts_on=start, period=period,
                          round_mode="up" if increment else "none", round_increment_s=increment or 60, minimum_charge=minimum,
                          needs_approval=needs_approval, period_cap_amount=cap,
                          tax_rate=20 if self.inclusive else None, tax_inclusive=self.inclusive)
        self.books.contracts[key] = {
            "id": key, "client_id": client, "project_id": project, "currency": currency, "list": price_list, "starts_on": start,
            "ends_on": None, "period": period, "first": start if period == "year" else start.replace(day=1),
            "renews_id": None, "anchor": start.day if period == "year" else 1, "increment_s": increment, "needs_approval": needs_approval,
            "minimum": minimum, "cap": cap}
        return key

    def line(self, contract, amount, included_s=None, overage_price=None, rollover_min=0, rollover_max=None, rollover_life=1,
             prorate="none", prorate_included=False, starts_on=None, ends_on=None, replaces_id=None,
             priority=0):
        row = dict(contract_id=contract, kind="recurring", title="Line", amount=amount, included_s=included_s,
                   overage_price=overage_price, rollover_min=rollover_min, rollover_max=rollover_max, rollover_life=rollover_life,
                   prorate=prorate, prorate_included=prorate_included, starts_on=starts_on, ends_on=ends_on, replaces_id=replaces_id, priority=priority)

        def follow(rows):
            row["id"] = int(rows[0][0])
            self.books.lines[row["id"]] = row
        return "INSERT INTO contract_line (%s) VALUES (%s) RETURNING id;" % (", ".join(row), ", ".join(map(literal, row.values()))), follow

    def insertion(self, table, fact, **row):
        """A row without an id of its own interest."""
        return "INSERT INTO %s (%s) VALUES (%s);" % (table, ", ".join(row), ", ".join(map(literal, row.values()))), lambda _: fact()

    def price(self, price_list, who, role, kind, since, price):
        def fact():
            self.books.prices += ((price_list, who, role, WORK_TYPES[kind] if kind else None, since, price),)
        return self.insertion("price", fact, price_list_id=price_list, employee_id=who, role=role,
                              work_type_id=WORK_TYPES[kind] if kind else None, valid_from=since, price=price)

    def cost_rate(self, who, role, since, cost):
        return self.insertion("cost_rate", lambda: self.books.cost_rates.append((who, role, since, cost, "EUR")),
                              employee_id=who, role=role, valid_from=since, hourly_cost=cost, currency="EUR")

    def exchange_rate(self, base, quote, since, rate):
        return self.insertion("exchange_rate", lambda: self.books.exchange.append((base, quote, since, rate)),
                              base=base, quote=quote, valid_from=since, rate=rate)

    def take(self, step):
        step[1](self.server.ask(step[0]))

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

    def refuse(self, state, when):
        """The rules refuse the step, with an SQLSTATE."""
        if when:
            self.refusal.add(state)

    def would(self, row, **values):
        """Would billed work be of another kind if a row of the facts had other values?"""
        before = {name: row[name] for name in values}
        row.update(values)
        changed = any(self.books.disposition(self.books.entries[key]) != pieces[0].disposition
                      for key, pieces in self.books.frozen.items() if self.books.entries[key]["task_id"] == row["id"])
        row.update(before)
        return changed

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

        self.refuse("23001", entry["id"] in self.books.frozen and any(entry[key] != value for key, value in changes.items()))

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
        self.refuse("23001", entry["id"] in self.books.frozen or entry.get("once_billed"))
        return "DELETE FROM time_entry WHERE id = %d;" % entry["id"], lambda _: self.books.entries.pop(entry["id"])

    def step_day(self):
        self.today += self.rng.randint(1, 9) * DAY
        return "SELECT 1 WHERE false;", lambda _: None

    def step_approve(self):
        keys = [key for key, entry in sorted(self.books.entries.items())[-40:]
                if key not in self.books.frozen and self.books.problem(entry) == "waits_approval"]
        if not keys:
            return None
        keys = self.rng.sample(keys, self.rng.randint(1, len(keys)))

        def follow(_):
            for key in keys:
                if not self.books.entries[key]["approved"]:
                    self.books.entries[key]["approved"] = True
                    self.books.stamp(self.books.entries[key])
        return "SELECT approve_entries('{%s}');" % ", ".join(map(str, keys)), follow

    def change(self, table, row, **values):
        """Change columns of a row, and the facts likewise."""
        return "UPDATE %s SET %s WHERE id = %d;" % (
            table, ", ".join("%s = %s" % (name, literal(value)) for name, value in values.items()), row["id"]), \
            lambda _: row.update(values)

    def step_move(self):
        """A task goes to another project, or is put under another contract."""
        task = self.books.tasks[self.rng.choice(sorted(self.books.tasks))]
        values = {"project_id": self.rng.choice(self.projects)} if self.rng.random() < 0.5 else \
            {"contract_id": self.rng.choice([None] + sorted(self.books.contracts))}
        then = dict(task, **values)
        self.refuse("23514", then["contract_id"] and self.books.contracts[then["contract_id"]]["client_id"]
                    != self.books.projects[then["project_id"]]["client_id"])
        return self.change("task", task, **values)

    def step_retype(self):
        """It turns out to be a bug, or not."""
        task = self.books.tasks[self.rng.choice(sorted(self.books.tasks))]
        values = {"billable": self.rng.choice((None, None, "no_charge", "non_billable", "billable"))} if self.rng.random() < 0.3 \
            else {"work_type_id": self.rng.choice([None] + sorted(self.books.work_types))}
        self.refuse("23001", self.would(task, **values))
        return self.change("task", task, **values)

    def step_end(self):
        """A contract ends earlier, later, or is open again."""
        contract = self.books.contracts[self.rng.choice(sorted(self.books.contracts))]
        ends_on = None if self.rng.random() < 0.4 else max(contract["starts_on"], self.today + self.rng.randint(-15, 30) * DAY)
        left = {contract["id"]} if any(row["renews_id"] == contract["id"] for row in self.books.contracts.values()) else set()
        self.refuse("23001", any(
            piece.contract == contract["id"] and ends_on and piece.day > ends_on
            or left and piece.of_old == contract["id"] and not piece.late and (not ends_on or piece.day <= ends_on)
            for pieces in self.books.frozen.values() for piece in pieces))
        return self.change("contract", contract, ends_on=ends_on)

    def step_price(self):
        price_list = self.rng.choice(self.lists)
        who, role, kind = self.rng.choice(((None, None, None), (None, None, "design"), (None, "senior", None), (2, None, None),
                                           (None, "junior", "development"), (1, None, "development")))
        since, price = self.some_day(), self.some_amount(40, 140)
        if any(row[:5] == (price_list, who, role, WORK_TYPES.get(kind), since) for row in self.books.prices):
            return None
        return self.price(price_list, who, role, kind, since, price)

    def step_cost(self):
        who, role = self.rng.choice(((None, "senior"), (None, "junior"), (1, None), (3, None)))
        since, cost = self.some_day(), self.some_amount(10, 40)
        if any(row[:3] == (who, role, since) for row in self.books.cost_rates):
            return None
        return self.cost_rate(who, role, since, cost)

    def step_exchange(self):
        since, rate = self.some_day(), self.some_amount(80, 99) / 100
        base, quote = self.rng.choice((("USD", "EUR"), ("EUR", "USD")))
        if any(row[:3] == (base, quote, since) for row in self.books.exchange):
            return None
        return self.exchange_rate(base, quote, since, rate)

    def step_rerate(self):
        contract = self.books.contracts[self.rng.choice(sorted(self.books.contracts))]
        since = self.some_day()

        def follow(_):
            for key, entry in self.books.entries.items():
                if key not in self.books.frozen and self.books.contract_of(entry) is contract \
                        and self.books.work_day(entry) >= since:
                    self.books.stamp(entry)
        return "SELECT rerate(%d, '%s');" % (contract["id"], since), follow

    def some_day(self):
        return self.today + self.rng.randint(-20, 10) * DAY

    def some_amount(self, low, high):
        return Fraction(self.rng.randint(low * 100, high * 100), 100)

    def step_block(self):
        contract = self.rng.choice((3, 3, 1))
        start, hours = self.some_day(), self.rng.randint(2, 12)
        end = start + self.rng.randint(3, 40) * DAY if self.rng.random() < 0.8 else None

        def follow(rows):
            key = int(rows[0][0])
            self.books.blocks[key] = {"id": key, "contract_id": contract, "amount": hours * 3600, "start": instant(start),
                                      "end": instant(end + DAY) if end else NEVER, "price": 100}
        facts = self.books.contracts[contract]
        self.refuse("23001", start < facts["starts_on"])
        return "SELECT add_block(%d, '%s', hours => %d, price => 100, expires_on => %s);" % (contract, start, hours, literal(end)), follow

    def step_ahead(self):
        """Fees are charged ahead."""
        contract, through = self.rng.choice((2, 4)), self.today + self.rng.randint(0, 60) * DAY

        return "SELECT charge_fees(%d, '%s');" % (contract, through), \
            lambda _: self.books.charge_ahead(self.books.contracts[contract], through)

    def step_close(self):
        """A service period that is over is closed."""
        for contract in self.rng.sample(sorted(self.books.contracts.values(), key=lambda c: c["id"]), len(self.books.contracts)):
            start, end = self.books.period(contract, self.books.opens(contract))
            if end + 5 * DAY <= self.today:
                last = contract["ends_on"]
                self.refuse("23001", any(
                    self.books.problem(entry) == "two_contracts" and contract in self.books.takers(entry)
                    and self.books.work_day(entry) < end for key, entry in self.books.entries.items() if key not in self.books.frozen))
                self.refuse("22023", last and start > last and not self.books.waits(contract))
                return "SELECT close_period(%d, '%s');" % (contract["id"], start), lambda _: self.books.close(contract)
        return None

    def step_line_end(self):
        """A line ends earlier, later, or goes on."""
        line = self.books.lines[self.rng.choice(sorted(self.books.lines))]
        contract = self.books.contracts[line["contract_id"]]
        first = line["starts_on"] or contract["starts_on"]
        ends_on = None if self.rng.random() < 0.25 else max(first - DAY, self.today + self.rng.randint(-25, 30) * DAY)
        after = overlap((first, ends_on + DAY if ends_on else datetime.date.max), days_of(contract))
        self.refuse("23001", any(
            piece.grant and not piece.late and (
                piece.line == line["id"] and not (after and after[0] <= piece.day < after[1])
                or line["id"] != piece.line and line["id"] == piece.source_line and after and piece.day < after[1]) for pieces in self.books.frozen.values() for piece in pieces))
        return self.change("contract_line", line, ends_on=ends_on)

    def step_swap(self):
        """A plan that ends is replaced, or one more begins."""
        contract = self.books.contracts[self.rng.choice((2, 2, 4))]
        heirs = {line["replaces_id"] for line in self.books.lines.values()}
        ended = [line for line in self.books.lines.values()
                 if line["contract_id"] == contract["id"] and line["ends_on"] and line["id"] not in heirs]
        if not ended or len(self.books.lines) > 8:
            return None
        line = self.rng.choice(ended)
        return self.line(contract["id"], amount=self.some_amount(100, 500), included_s=self.rng.choice((None, 7200, 20000, 36000)),
                         overage_price=self.rng.choice((None, self.some_amount(40, 90))),
                         rollover_min=self.rng.choice((0, 0, 1800)), rollover_max=self.rng.choice((None, 10000, 36000)),
                         rollover_life=self.rng.choice((1, 1, 2)), prorate=self.rng.choice(("none", "actual")),
                         prorate_included=self.rng.random() < 0.5, starts_on=line["ends_on"] + self.rng.choice((1, 1, 1, 5)) * DAY,
                         replaces_id=line["id"], priority=self.rng.choice((0, 0, 1)))

    def step_amount(self):
        """The fee or the hours of a line are others."""
        line = self.books.lines[self.rng.choice(sorted(self.books.lines))]
        if self.rng.random() < 0.5:
            return self.change("contract_line", line, amount=self.some_amount(100, 500))
        if self.books.contracts[line["contract_id"]]["period"] == "year" or not line["included_s"]:
            return None
        return self.change("contract_line", line, included_s=self.rng.choice((3600, 20000, 36000)))

    def step_role(self):
        key = self.rng.choice(self.people)
        role = self.rng.choice(("senior", "junior", None))

        def follow(_):
            self.books.employees[key] = role
        return "UPDATE employee SET role = %s WHERE id = %d;" % (literal(role), key), follow

    def step_renew(self):
        """A contract that ends is renewed: what is left of its blocks goes on."""
        renewed = {contract["renews_id"] for contract in self.books.contracts.values()}
        old = [contract for contract in self.books.contracts.values()
               if contract["ends_on"] and contract["currency"] == "USD" and contract["id"] not in renewed]
        if not old or len(self.books.contracts) > 5:
            return None
        old = old[0]
        row = dict(old, starts_on=old["ends_on"] + self.rng.choice((1, 1, 4)) * DAY, ends_on=None, renews_id=old["id"])
        row["first"] = row["starts_on"].replace(day=1)

        def follow(rows):
            row["id"] = int(rows[0][0])
            self.books.contracts[row["id"]] = row
        return "INSERT INTO contract (client_id, number, currency, price_list_id, starts_on, renews_id, tax_rate, tax_inclusive) " \
            "VALUES (%d, 'B-%d', 'USD', %d, '%s', %d, %s, %s) RETURNING id;" % (
                row["client_id"], old["id"], row["list"], row["starts_on"], old["id"], "20" if self.inclusive else "NULL", self.inclusive), follow

    def step_report(self):
        """All that is free of a contract is sent to the client."""
        contract = self.books.contracts[self.rng.choice(sorted(self.books.contracts))]
        if not any(pieces[0].contract == contract["id"] and pieces[0].coverage != "non_billable"
                   for pieces in self.books.figures()[0].values()):
            self.may_refuse.add("23001")
        before = set(self.books.frozen) | set(self.books.billed_fees)

        def follow(rows):
            document = int(rows[0][0])
            self.books.report(contract, document)
            self.sent[document] = (set(self.books.frozen) | set(self.books.billed_fees)) - before
        return "SELECT r, transition(r, 'sent') FROM build_report('{\"contract\": %d}') r;" % contract["id"], follow

    def step_answer(self):
        if not self.sent:
            return None
        document, agreed = self.rng.choice(sorted(self.sent)), self.rng.random() < 0.6

        def follow(_):
            self.books.answer(document, agreed)
            taken = self.sent.pop(document)
            if agreed:
                self.agreed[document] = taken
        return "SELECT transition(%d, %s);" % (document, "'agreed'" if agreed else "'rejected', 'not so'"), follow

    def step_invoice(self):
        if not self.agreed:
            return None
        document = self.rng.choice(sorted(self.agreed))
        self.may_refuse.add("23001")    # there may be nothing to pay on it

        def follow(rows):
            self.invoices[int(rows[0][0])] = self.agreed.pop(document)
        return "SELECT issue_invoice(%d);" % document, follow

    def step_credit(self):
        """An invoice is credited: to be billed again, or given up where it has nothing but work on it."""
        if not self.invoices:
            return None
        document = self.rng.choice(sorted(self.invoices))
        taken = self.invoices[document]
        plain = {key for key, row in self.books.contracts.items() if not row["minimum"] and not self.books.lines_of(row)}
        waive = self.rng.random() < 0.5 and all(
            not isinstance(key, tuple) and not self.books.entries[key].get("once_billed")
            and self.books.frozen[key][0].contract in plain for key in taken)

        def follow(_):
            self.invoices.pop(document)
            if waive:
                self.books.waived |= taken
        return "SELECT credit(%d, NULL, 'not as agreed', meaning => '%s');" % (document, "waive" if waive else "rebill"), follow

    def step_credit_part(self):
        """A part of what one entry came to is credited."""
        if not self.invoices or self.inclusive:  # a part is named net
            return None
        document = self.rng.choice(sorted(self.invoices))
        lines = self.server.ask("SELECT l.id, h.time_entry_id, l.net FROM document_line l JOIN charge h ON h.id = l.charge_id "
                                "WHERE l.document_id = %d AND h.source = 'time' AND l.net > 1 ORDER BY 1;" % document)
        if not lines:
            return None
        line, key, net = self.rng.choice(lines)
        if self.books.entries[int(key)].get("once_billed"):
            self.may_refuse.add("23001")    # it may have been corrected since
        amount, waive = Fraction(self.rng.randint(1, int(Fraction(net) * 100) - 1), 100), self.rng.random() < 0.7

        def follow(_):
            self.invoices.pop(document)
            if waive:
                self.books.given[int(key)] = amount
            else:
                self.books.given[int(key)] = Fraction(0)    # its paper names a part of it: it is not corrected
        return "SELECT credit(%d, '[{\"line\": %s, \"net\": %.2f}]', 'too dear', meaning => '%s');" % (
            document, line, amount, "waive" if waive else "rebill"), follow

    def step_correct(self):
        """Billed work is corrected."""
        keys = [key for key in self.books.frozen if key not in self.books.held and key not in self.books.given]
        if not keys:
            return None
        entry = self.books.entries[self.rng.choice(sorted(keys)[-20:])]
        changes = {"worked_s": self.rng.randint(1, 30) * 600 + 11}
        if entry["started_at"] is not None:
            changes["ended_at"] = entry["started_at"] + changes["worked_s"]
        told = '{"duration_s": %d}' % changes["worked_s"] if entry["started_at"] is None else \
            '{"ended_at": "%s"}' % datetime.datetime.fromtimestamp(changes["ended_at"], datetime.timezone.utc).isoformat()
        self.refuse("22023", changes["worked_s"] == entry["worked_s"])

        def follow(_):
            entry.update(changes, once_billed=True, approved=True)  # who corrects approves
            if entry["id"] in self.books.waived:
                self.books.waived.discard(entry["id"])      # what was given up is not charged again
                entry["billable"] = "no_charge"
            self.books.give_back(entry["id"])
            self.books.stamp(entry)
        return "SELECT difference FROM correct_entry(%d, '%s', 'a mistake');" % (entry["id"], told), follow

    def step_make_corrections(self):
        return "SELECT count(*) FROM make_corrections();", lambda _: None

    STEPS = (("renew", 2), ("report", 4), ("answer", 4), ("invoice", 9), ("credit", 4), ("credit_part", 5), ("correct", 3), ("make_corrections", 2),
             ("line_end", 4), ("swap", 5), ("amount", 2), ("role", 2), ("block", 4), ("ahead", 3), ("close", 6), ("log", 40), ("edit", 20), ("delete", 6), ("day", 8), ("approve", 10), ("move", 5), ("retype", 5), ("end", 5),
             ("price", 4), ("cost", 4), ("exchange", 4), ("rerate", 3))

    def draw(self):
        """Draw a step: its name, its SQL, what it does to the facts."""
        while True:
            self.refusal, self.may_refuse = set(), set()
            name = self.rng.choices([name for name, _ in self.STEPS], [weight for _, weight in self.STEPS])[0]
            step = getattr(self, "step_" + name)()
            if step:
                return (name,) + step

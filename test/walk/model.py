"""What the books must say: everything computed anew from the facts, by the rules.

Slow and short.  Money is in fractions, time in whole seconds since 1970 (UTC), a
day is a date.  The facts are what people said (contracts, lines, prices, rates,
entries, approvals) and what was billed (segments that froze, with their figures).
`Books.figures()` makes all open charges of them in one pass in order of time.
"""

import datetime
from calendar import monthrange
from fractions import Fraction
from math import floor

DAY = datetime.timedelta(days=1)
DAY_S = 86400
EPOCH = datetime.date(1970, 1, 1)
NEVER = 1 << 60


# --------------------------------------------------------------------------
# Rules: small ones
# --------------------------------------------------------------------------

def half_away(value):
    """Round to a whole number, half away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def money(value):
    """Round to cents."""
    return Fraction(half_away(value * 100), 100)


def round_up(seconds, step):
    return -(-seconds // step) * step


def instant(day):
    """The first second of a day."""
    return (day - EPOCH).days * DAY_S


def day_of(at):
    return EPOCH + datetime.timedelta(days=at // DAY_S)


def seconds_before(at, start, end, number):
    """How many of so many seconds, spread evenly from start to end, have their middle before an instant."""
    return max(0, min(number, floor(Fraction(2 * number * (at - start) + (end - start), 2 * (end - start)))))


def add_months(day, months, anchor):
    """The anchor day of the month so many months later, or its last day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return datetime.date(year, month + 1, min(anchor, monthrange(year, month + 1)[1]))


def share(amount, span, days, rule):
    """An amount for some days of a period."""
    (first, last), (start, end) = days, span
    if rule == "none" or days == span:
        return amount
    return money(amount * Fraction((last - first).days, (end - start).days))


def overlap(*spans):
    """The days that half-open spans have in common; None where there are none."""
    first, last = max(span[0] for span in spans), min(span[1] for span in spans)
    return (first, last) if first < last else None


def days_of(row):
    """The days of a contract or line, half-open."""
    return row["starts_on"] or datetime.date.min, row["ends_on"] + DAY if row["ends_on"] else datetime.date.max


# --------------------------------------------------------------------------
# Facts
# --------------------------------------------------------------------------

class Segment:
    """A piece of one entry at one price."""

    def __init__(self, **values):
        self.__dict__.update(values)


class Grant:
    """Hours that work may draw on; what is carried over is what is left of its source, within a rule."""

    def __init__(self, key, kind, start, end, hours=0, priority=0, rolls_over=False, source=None, bounds=None, billed=0,
                 line=0):
        self.key, self.kind, self.start, self.end, self.hours, self.priority = key, kind, start, end, hours, priority
        self.rolls_over, self.source, self.bounds, self.billed, self.taken = rolls_over, source, bounds, billed, billed
        self.line, self.of_old = line, None
        self.spoken = 0     # what billed work took of what was carried over

    def first(self):
        """Of which grant it is what was left, in the end."""
        return self.source.first() if self.source else self.key[1:]

    @property
    def amount(self):
        if not self.source:
            return max(self.hours, self.billed)
        least, most = self.bounds or (0, NEVER)
        return max(min(most, max(least, self.source.amount - self.source.taken)), self.billed)

    @property
    def left(self):
        return self.amount - self.taken - self.spoken


class Books:
    """The facts, and what follows from them."""

    NO_CONTRACT = {"id": None, "currency": "EUR", "period": "month", "first": datetime.date(2025, 1, 1), "anchor": 1,
                   "starts_on": datetime.date(2025, 1, 1), "increment_s": 0}
    HORIZON = datetime.date(2027, 1, 1)     # no work is logged so late

    def __init__(self):
        self.base = "EUR"
        self.contracts, self.lines, self.blocks, self.tasks, self.projects, self.entries = {}, {}, {}, {}, {}, {}
        self.work_types, self.employees, self.alive = {}, {}, {}
        self.prices = ()        # (list, employee, role, work type, from, price), of which an entry keeps those of its rating
        self.cost_rates = []    # (employee, role, from, hourly cost or None, currency)
        self.exchange = []      # (base, quote, from, rate)
        self.closed = {}        # contract: the first day that is not closed
        self.frozen = {}        # entry: its segments that are billed
        self.ahead = set()      # (contract, period) whose fees were charged ahead
        self.billed_fees = {}   # (line, period): the amount of a whole period by which it was billed
        self.closed_minimums = set()    # (contract, period) that were closed under a minimum charge
        self.returned = []      # (contract, period, hours that corrections gave back)
        self.held = {}          # entry or (line, period): the sent report that holds it
        self.waived = set()     # entries whose revenue was given up
        self.given = {}         # entry: the part of its revenue that was given up
        self.closed_hours = {}  # (line, period): the hours it gave when the period was closed

    # -- contracts and periods ---------------------------------------------

    def period(self, contract, day):
        """The service period that a day lies in, half-open."""
        months = {"month": 1, "quarter": 3, "year": 12}[contract["period"]]
        anchor = contract["anchor"]
        start = add_months(contract["first"], 0, anchor)
        while start > day:
            start = add_months(start, -months, anchor)
        while add_months(start, months, anchor) <= day:
            start = add_months(start, months, anchor)
        return start, add_months(start, months, anchor)

    def opens(self, contract):
        """The first day that is not closed."""
        return self.closed.get(contract["id"]) or self.period(contract, contract["starts_on"])[0]

    def contract_of(self, entry):
        """The contract that takes an entry, or why none does."""
        takes = self.takers(entry)
        return takes[0] if len(takes) == 1 else "two_contracts" if takes else "no_contract"

    def takers(self, entry):
        """The contracts that may take an entry."""
        task = self.tasks[entry["task_id"]]
        project = self.projects[task["project_id"]]
        named = entry.get("contract_id") or task["contract_id"]
        day = self.work_day(entry)
        takes = [c for c in self.contracts.values()
                 if c["client_id"] == project["client_id"] and (c["id"] == named if named else
                                                                c["project_id"] in (None, project["id"]))
                 and days_of(c)[0] <= day < days_of(c)[1]]
        return [c for c in takes if c["project_id"]] or takes if not named else takes

    # -- entries -----------------------------------------------------------

    def work_day(self, entry):
        return entry["work_date"] if entry["started_at"] is None else day_of(entry["started_at"])

    def disposition(self, entry):
        """billable, no_charge, non_billable; included where the task has a price of its own."""
        task = self.tasks[entry["task_id"]]
        return entry.get("billable") or task["billable"] or ("included" if task["items"] else None) or \
            (task["work_type_id"] and self.work_types[task["work_type_id"]]) or "billable"

    def price(self, contract, entry, day):
        """The price of an hour that nothing covers: as the lists stood when the entry was rated."""
        for line in self.lines_of(contract):
            price = entry["stamp"]["overage"].get(line["id"], line["overage_price"])
            if price is not None and (line["starts_on"] or contract["starts_on"]) <= day < days_of(line)[1]:
                return price
        role, work_type = entry["stamp"]["role"], self.tasks[entry["task_id"]]["work_type_id"]
        for who in ((entry["employee_id"], None), (None, role), (None, None)):
            for kind in (work_type, None):
                rows = [row for row in entry["stamp"]["prices"]
                        if row[:4] == (contract["list"],) + who + (kind,) and row[4] <= day]
                if rows and max(rows, key=lambda row: row[4])[5] is not None:
                    return max(rows, key=lambda row: row[4])[5]
        return None

    # -- rates -------------------------------------------------------------

    def rate_on(self, base, quote, day):
        """What one unit of a currency is worth in another; None where nobody says."""
        if base == quote:
            return Fraction(1)
        for pair, turned in (((base, quote), False), ((quote, base), True)):
            rows = [row for row in self.exchange if row[:2] == pair and row[2] <= day]
            if rows:
                rate = max(rows, key=lambda row: row[2])[3]
                return 1 / rate if turned else rate
        return None

    def cost_rate(self, entry, day, currency):
        """What an hour of a person costs, in a currency; None where it is not known."""
        for who in ((entry["employee_id"], None), (None, entry["stamp"]["role"])):
            rows = [row for row in self.cost_rates if row[:2] == who and row[2] <= day] if who != (None, None) else []
            if rows:
                row = max(rows, key=lambda row: row[2])
                if row[3] is not None:
                    rate = self.rate_on(row[4], currency, day)
                    return None if rate is None else row[3] * rate
        return None

    # -- lines and what they give --------------------------------------------

    def lines_of(self, contract):
        return [line for line in self.lines.values() if line["contract_id"] == contract["id"]]

    def line_days(self, line):
        return overlap(days_of(line), days_of(self.contracts[line["contract_id"]]))

    # -- rating ------------------------------------------------------------

    def stamp(self, entry):
        """Rate an entry at the prices of now; what cannot be rated keeps what its person's work was rated by."""
        if self.problem(entry) and "stamp" in entry and entry["stamp"]["who"] == entry["employee_id"]:
            return
        entry["stamp"] = {"who": entry["employee_id"], "prices": self.prices, "role": self.employees[entry["employee_id"]],
                          "overage": {key: line["overage_price"] for key, line in self.lines.items()}}
        entry["stamped_for"] = "nothing" if self.problem(entry) else self.taken_by(entry)

    def taken_by(self, entry):
        contract = self.contract_of(entry)
        return contract["id"] if isinstance(contract, dict) else None

    def restamp(self):
        """Work that is rated for the first time, or that another contract takes now, is rated at the prices of now."""
        for entry in self.entries.values():
            if entry["id"] not in self.frozen and not self.problem(entry) and entry["stamped_for"] != self.taken_by(entry):
                self.stamp(entry)

    def problem(self, entry):
        """What an entry waits for."""
        contract = self.contract_of(entry)
        if self.disposition(entry) != "billable":
            return None if contract != "two_contracts" else contract
        if not isinstance(contract, dict):
            return contract
        if contract["needs_approval"] and not entry["approved"]:
            return "waits_approval"
        if self.rate_on(contract["currency"], self.base, self.work_day(entry)) is None:
            return "no_exchange_rate"
        return None

    def figures(self):
        """All open segments, and the problem of each entry that has none."""
        segments, problems = {}, {}
        for entry in self.entries.values():
            if entry["id"] not in self.frozen and self.problem(entry):
                problems[entry["id"]] = self.problem(entry)
        self.alive = {}
        for contract in list(self.contracts.values()) + ["no_contract"]:
            work = [entry for entry in self.entries.values()
                    if entry["id"] not in self.frozen and entry["id"] not in problems and self.contract_of(entry) is contract]
            work.sort(key=lambda entry: (self.begins(entry), entry["id"]))
            if contract == "no_contract":
                contract, grants = self.NO_CONTRACT, []
            else:
                grants = self.alive[contract["id"]] = self.grants(contract)
            charged = self.charged(contract)
            for entry in work:
                pieces = Rating(self, contract, entry, grants, charged).pieces
                if pieces is None:
                    problems[entry["id"]] = "no_price"
                else:
                    segments[entry["id"]] = pieces
        return segments, problems

    def charged(self, contract):
        """What billed work counts against the cap of each period, by the days on which it was done."""
        charged = {}
        for piece in (piece for pieces in self.frozen.values() for piece in pieces if piece.contract == contract["id"]):
            start = self.period(contract, piece.day)[0]
            charged[start] = charged.get(start, 0) + piece.amount
        return charged

    def begins(self, entry):
        return instant(entry["work_date"]) if entry["started_at"] is None else entry["started_at"]

    def grants(self, contract):
        """What work may draw on, in the order in which it is eaten, with what billed work left of it."""
        grants = [Grant(("block", block["id"]), "block", block["start"], block["end"], block["amount"])
                  for block in self.blocks.values() if block["contract_id"] == contract["id"]]
        grants += [Grant(("returned", number), kind, instant(start), instant(self.period(contract, start)[1]), hours, -2)
                   for number, (key, start, hours, kind) in enumerate(self.returned) if key == contract["id"]]
        old = self.contracts.get(contract["renews_id"])
        if old and old["ends_on"]:
            for source in self.alive.get(old["id"]) or self.grants(old):
                start = max(instant(old["ends_on"] + DAY), instant(contract["starts_on"]), source.start)
                if source.kind == "block" and start < source.end:
                    grants.append(Grant(("rollover", source.key), "block", start, source.end, source=source))
                    grants[-1].of_old = old["id"]
        for line in self.lines_of(contract):
            if line["included_s"]:
                grants += self.line_grants(contract, line)
        for grant in grants:
            grant.billed = grant.taken = self.burned(grant.key)
            if grant.kind == "block":
                grant.spoken = self.handed_on(grant.key)
        for grant in reversed(grants):
            if grant.source and grant.billed + grant.spoken > (grant.bounds or (0, 0))[0]:
                grant.source.spoken = grant.billed + grant.spoken
        return sorted(grants, key=lambda g: (g.priority, g.end, g.start, g.rolls_over,
                                             ("rollover", "included", "adjustment", "block").index(g.kind), g.line, g.first()))

    def burned(self, key):
        """What billed work took of a grant."""
        return sum(piece.burned for pieces in self.frozen.values() for piece in pieces if piece.grant == key)

    def handed_on(self, key):
        """What billed work took of a block under the contracts that renew its own, one after the other."""
        taken = 0
        for _ in self.contracts:
            key = ("rollover", key)
            taken += self.burned(key)
        return taken

    def line_grants(self, contract, line):
        """The hours of a line in each period, and what is carried over from them."""
        grants, days = [], self.line_days(line)
        span = self.period(contract, contract["starts_on"])
        while span[0] < self.HORIZON:
            part, key = overlap(span, days) if days else None, (line["id"], span[0])
            hours = self.closed_hours.get(key)
            if hours is None and part and span[0] >= self.opens(contract):
                hours = half_away(share(Fraction(line["included_s"], 100), span, part, line["prorate"]) * 100) \
                    if line["prorate_included"] else line["included_s"]
            if hours and part:
                grants.append(Grant(("included",) + key, "included", instant(part[0]), instant(part[1]), hours, line["priority"],
                                    bool(line["rollover_max"]), line=line["id"]))
                grants += self.carried(contract, line, grants[-1], span[1])
            span = self.period(contract, span[1])
        return grants

    def carried(self, contract, line, source, end):
        """What is left of the hours of a period, in the next ones of the line or of that which replaces it."""
        if not line["rollover_max"]:
            return []
        last, grants = end, []
        for _ in range(line["rollover_life"]):
            last = self.period(contract, last)[1]
        bounds, days = (line["rollover_min"], line["rollover_max"]), self.line_days(line)
        if days[1] > end and end <= self.opens(contract):
            source = Grant(("rollover", source.key), "rollover", instant(end), instant(min(last, days[1])),
                           priority=line["priority"] - 1, source=source, bounds=bounds, line=line["id"])
            bounds = None
            grants.append(source)
        elif days[1] > end:
            return []
        while days[1] < last:
            heir = next((other for other in self.lines.values() if other["replaces_id"] == line["id"]), None)
            if not heir or not self.line_days(heir):
                break
            start = max(days[1], self.line_days(heir)[0])
            line, days = heir, self.line_days(heir)
            if start >= min(last, days[1]):
                break
            source = Grant(("rollover", source.key), "rollover", instant(start), instant(min(last, days[1])),
                           priority=line["priority"] - 1, source=source, bounds=bounds, line=line["id"])
            bounds = None
            grants.append(source)
        return grants

    # -- fees --------------------------------------------------------------

    def fees(self):
        """What each line comes to in each period that is closed or charged ahead."""
        fees, ahead = {}, set()
        for line in self.lines.values():
            contract, days = self.contracts[line["contract_id"]], self.line_days(line)
            span = self.period(contract, contract["starts_on"])
            while span[0] < self.HORIZON:
                part = days and overlap(span, days)
                is_set = span[0] < self.opens(contract) or (line["id"], span[0]) in self.billed_fees
                if part and (is_set or (contract["id"], span[0]) in self.ahead):
                    if not is_set:
                        ahead.add((contract["id"], span[0]))
                    fees[line["id"], span[0]] = \
                        share(self.billed_fees.get((line["id"], span[0]), line["amount"]), span, part, line["prorate"])
                span = self.period(contract, span[1])
        self.ahead = ahead      # of a period that has no open fee nobody knows that it was charged ahead
        return {key: amount for key, amount in fees.items() if amount}

    def minimums(self):
        """What closed periods lack to the minimum charge of their contract: all that is charged for their days counts."""
        lacking, segments = {}, self.figures()[0]
        for key, start in self.closed_minimums:
            contract = self.contracts[key]
            span = self.period(contract, start)
            part = overlap(span, days_of(contract))
            work = sum(piece.amount for pieces in list(self.frozen.values()) + list(segments.values()) for piece in pieces
                       if piece.contract == key and span[0] <= piece.day < span[1]) + \
                sum(block["price"] for block in self.blocks.values()
                    if block["contract_id"] == key and span[0] <= day_of(block["start"]) < span[1])
            lacking[key, start] = max(share(contract["minimum"], span, part, "actual") - work, Fraction(0)) if part else 0
        return lacking

    def charge_ahead(self, contract, through):
        """Charge the fees of all periods that begin by a day."""
        span = self.period(contract, self.opens(contract))
        while span[0] <= through:
            self.ahead.add((contract["id"], span[0]))
            span = self.period(contract, span[1])
        self.fees()

    def report(self, contract, document):
        """A report over all that is open of a contract is sent: it holds its charges as they are."""
        for key, pieces in self.figures()[0].items():
            if pieces[0].contract == contract["id"] and pieces[0].coverage != "non_billable":
                self.frozen[key], self.held[key] = pieces, document
        for line, period in self.fees():
            if self.lines[line]["contract_id"] == contract["id"] and (line, period) not in self.billed_fees:
                self.billed_fees[line, period], self.held[line, period] = self.lines[line]["amount"], document

    def answer(self, document, agreed):
        """The client agrees to a report, or does not."""
        for key in [key for key, holder in self.held.items() if holder == document]:
            del self.held[key]
            if not agreed:
                if isinstance(key, tuple):
                    self.ahead.add((self.lines[key[0]]["contract_id"], key[1]))
                (self.billed_fees if isinstance(key, tuple) else self.frozen).pop(key)

    def give_back(self, key):
        """Billed work is taken back; what it took of hours whose life is over goes to the open period."""
        for piece in self.frozen.pop(key):
            opens = piece.grant and self.opens(self.contracts[piece.contract])
            if piece.grant and piece.grant_end <= instant(opens):
                self.returned.append((piece.contract, opens, piece.burned,
                                      "adjustment" if piece.coverage == "prepaid" else "rollover"))
                if piece.grant[0] == "included":
                    self.closed_hours[piece.grant[1:]] -= piece.burned

    def waits(self, contract):
        """Does late work wait in the open period of a contract?"""
        return any(piece.late and piece.contract == contract["id"] for pieces in self.figures()[0].values() for piece in pieces)

    def close(self, contract):
        """Close the first open period."""
        span = self.period(contract, self.opens(contract))
        segments, _ = self.figures()
        closing = {key: pieces for key, pieces in segments.items()
                   if any(piece.contract == contract["id"] and piece.period <= span[0] for piece in pieces)}
        grants = [grant for grant in self.grants(contract) if grant.key[0] == "included" and grant.key[2] == span[0]]
        self.frozen.update(closing)
        for key, pieces in self.frozen.items():
            if any(piece.contract == contract["id"] and piece.period <= span[0] for piece in pieces):
                self.held.pop(key, None)
        for line in self.lines_of(contract):
            self.held.pop((line["id"], span[0]), None)
        self.closed[contract["id"]] = span[1]
        for line in self.lines_of(contract):
            if self.line_days(line) and overlap(span, self.line_days(line)):
                self.billed_fees.setdefault((line["id"], span[0]), line["amount"])
        if contract["minimum"]:
            self.closed_minimums.add((contract["id"], span[0]))
        for grant in grants:
            self.closed_hours[grant.key[1], span[0]] = grant.hours

    def total(self, entry, pieces):
        """What an entry comes to: (worked, billed, amount, base amount, cost, base cost)."""
        if not pieces:
            return None
        day, currency = self.work_day(entry), pieces[0].currency
        costs = []
        for code in (currency, self.base):
            rate = self.cost_rate(entry, day, code)
            costs.append(None if rate is None else money(Fraction(entry["worked_s"], 3600) * rate))
        rate = self.rate_on(currency, self.base, day)
        if entry["id"] in self.waived:
            return sum(p.worked for p in pieces), sum(p.billed for p in pieces), 0, 0, *costs
        given = self.given.get(entry["id"], 0)
        return (sum(p.worked for p in pieces), sum(p.billed for p in pieces), sum(p.amount for p in pieces) - given,
                sum(money(p.amount * rate) for p in pieces) - money(given * rate), *costs)


# --------------------------------------------------------------------------
# Rating of one entry
# --------------------------------------------------------------------------

class Rating:
    """Cut one entry and price its pieces; draws on grants and caps as it goes."""

    def __init__(self, books, contract, entry, grants, charged):
        self.books, self.contract, self.entry, self.grants, self.pieces = books, contract, entry, grants, []
        self.charged = charged
        self.opens = books.opens(contract)
        disposition = self.disposition = books.disposition(entry)
        billed = 0
        if disposition == "billable":
            billed = round_up(entry["worked_s"], contract["increment_s"]) if contract["increment_s"] else entry["worked_s"]
        for start, end, worked_s, billed_s in self.runs(entry["worked_s"], billed):
            self.start, self.end, self.worked_s, self.billed_s = start, end, worked_s, billed_s
            self.day, self.done = day_of(start), 0
            self.taken, self.billed_total = sum(piece.billed for piece in self.pieces), billed
            self.period = books.period(contract, self.day)[0]
            if disposition != "billable" or billed_s <= 0:
                self.add(disposition, 0 if disposition != "billable" else billed_s, Fraction(0))
            elif not self.cover():
                self.pieces = None
                return

    def runs(self, worked, billed):
        """The parts of an entry that lie in one service period each."""
        entry = self.entry
        if entry["started_at"] is None:
            at = instant(entry["work_date"])
            return [(at, at, worked, billed)]
        cuts = [entry["started_at"]]
        while True:
            end = instant(self.books.period(self.contract, day_of(cuts[-1]))[1])
            if end >= entry["ended_at"]:
                break
            cuts.append(end)
        cuts.append(entry["ended_at"])
        length = entry["ended_at"] - entry["started_at"]
        part = lambda number, at: number if at == cuts[-1] else seconds_before(at, cuts[0], cuts[-1], number) if length else 0
        return [(a, b, part(worked, b) - part(worked, a), part(billed, b) - part(billed, a)) for a, b in zip(cuts, cuts[1:])]

    def add(self, coverage, billed, amount, grant=None, burned=0):
        """Add a piece; its worked seconds follow the billed ones."""
        gone = sum(piece.worked for piece in self.pieces if piece.run == self.start)
        self.done += billed
        until = self.worked_s if self.done == self.billed_s or not self.billed_s else \
            half_away(Fraction(self.worked_s * self.done, self.billed_s))
        self.pieces.append(Segment(
            run=self.start, contract=self.contract["id"], day=self.day, coverage=coverage,
            worked=until - gone, billed=billed,
            amount=amount, disposition=self.disposition, currency=self.contract["currency"],
            grant=grant and grant.key, grant_end=grant and grant.end, of_old=grant and grant.of_old, line=grant and grant.line, source_line=grant and grant.source and grant.source.line, burned=burned,
            period=max(self.period, self.opens), late=self.period < self.opens))

    def place(self, at):
        """How many billed seconds lie before an instant; late work draws as if it were done when its period opens."""
        if at <= max(self.start, instant(self.opens)):
            return 0
        if at >= self.end:
            return self.billed_s
        entry = self.entry
        return max(0, min(self.billed_s, seconds_before(at, entry["started_at"], entry["ended_at"], self.billed_total) - self.taken))

    def charge(self, seconds, price):
        """Charge seconds as far as the cap of the period lets them be."""
        amount, charged_s, is_cut = money(Fraction(seconds, 3600) * price), seconds, False
        if self.contract.get("cap") is not None:
            part = overlap(self.books.period(self.contract, self.day), days_of(self.contract))
            cap = share(self.contract["cap"], self.books.period(self.contract, self.day), part, "actual") if part \
                else self.contract["cap"]
            room = max(cap - self.charged.get(self.period, 0), 0)
            if amount > room:
                amount, charged_s, is_cut = room, min(seconds, floor(room * 3600 / price)), True
            self.charged[self.period] = self.charged.get(self.period, 0) + amount
        if charged_s or amount or not is_cut:
            self.add("billable", charged_s, amount)
        if is_cut:
            self.add("capped", seconds - charged_s, Fraction(0))

    def cover(self):
        """Go through the billed seconds: hours while there are some, then the price; False where there is none."""
        passed = []
        while self.done < self.billed_s:
            asked = [grant for grant in self.grants if grant.left > 0 and self.place(grant.end) > self.done]
            found = next((grant for grant in asked if grant not in passed and self.place(grant.start) <= self.done), None)
            end = self.place(found.end) if found else self.billed_s
            better = [grant for grant in (asked[:asked.index(found)] if found else asked) if self.done < self.place(grant.start) < end]
            end = min([self.place(grant.start) for grant in better] + [end])
            begun = min((grant.start for grant in better if self.place(grant.start) == end), default=None)
            seconds = end - self.done
            if found:
                covered = min(seconds, found.left)
                found.taken += covered
                self.add("prepaid" if found.kind in ("block", "adjustment") else "included", covered, Fraction(0), found, covered)
                if covered < seconds:
                    passed.append(found)
                    continue
            else:
                price = self.books.price(self.contract, self.entry, self.day)
                if price is None:
                    return False
                self.charge(seconds, price)
            if begun is not None:
                passed = []
                self.day = day_of(begun)
            elif self.done < self.billed_s:
                self.day = day_of(found.end)
        return True

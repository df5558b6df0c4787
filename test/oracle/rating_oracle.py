#!/usr/bin/env python3
"""Rate random contracts second by second and compare with finance.rate().

    test/oracle/rating_oracle.py --seed 1 --cases 2000

An independent reading of the rules of rating, written without the C code in
mind and without regard for speed: every billed second is placed on the clock
by itself, every second asks each allotment and cap whether there is room for
it, a service period is found by walking back day by day.  All arithmetic is in
integers and fractions.  The server is reached through psql, so the usual PG
environment variables say which; the database must have the extension.
"""

import argparse
import copy
import datetime
import json
import random
import subprocess
import sys
from calendar import monthrange
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY = datetime.timedelta(days=1)
DAY_S = 86400
MICROSECOND = datetime.timedelta(microseconds=1)

PREPAID_KINDS = ("block", "topup", "adjustment")
FIELDS = ("entry", "segment", "contract", "service_date", "period_start", "band", "coverage", "worked_s", "billed_s",
          "price", "multiplier", "discount", "rate", "amount", "cost", "base_cost", "allotment", "burned", "price_id",
          "source", "why", "kind", "problem")


# --------------------------------------------------------------------------
# Rules: small ones
# --------------------------------------------------------------------------

def half_away(value):
    """Round a fraction to a whole number, half away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def round_money(value, exponent):
    """Round to an exponent; the result is a fraction of major units."""
    return Fraction(half_away(value * 10 ** exponent), 10 ** exponent)


def round_seconds(seconds, rule):
    """Round a duration by a rule."""
    if seconds < 0:
        return -round_seconds(-seconds, rule)
    if seconds == 0:
        return 0
    if rule["mode"] != "none":
        step = rule["increment_s"]
        whole, rest = divmod(seconds, step)
        if rule["mode"] == "up" and rest > 0 and not (whole >= 1 and rest <= rule.get("grace_s", 0)):
            whole += 1
        if rule["mode"] == "nearest" and 2 * rest >= step:
            whole += 1
        seconds = whole * step
    seconds = max(seconds, rule.get("minimum_s", 0))
    if rule.get("maximum_s") is not None:
        seconds = min(seconds, rule["maximum_s"])
    return seconds


def starts_period(day, terms):
    """Does a service period start on this day?"""
    unit, anchor, month = terms.get("period") or "month", terms.get("anchor") or 1, terms.get("month") or 1
    last = monthrange(day.year, day.month)[1]
    if unit == "week":
        return day.isoweekday() == anchor
    if unit == "half_month":
        other = anchor + 15 if anchor <= 15 else anchor - 15
        return day.day in (min(anchor, last), min(other, last))
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    return (day.month - month) % months == 0 and day.day == min(anchor, last)


def period_start(day, terms):
    """Walk back to the day on which the period of a day starts."""
    while not starts_period(day, terms):
        day -= DAY
    return day


def days_of_period(start, terms):
    """List the days of the period that starts on a day."""
    days = [start]
    while not starts_period(days[-1] + DAY, terms):
        days.append(days[-1] + DAY)
    return days


def number_of_day(day, rule):
    """Number a day so that differences count days by a rule of proration."""
    if rule == "fixed_30":
        return (day.year * 12 + day.month) * 30 + min(day.day, 30)
    if rule == "days_365":
        # 29 February counts as 1 March
        return day.year * 365 + datetime.date(2001, 3 if (day.month, day.day) == (2, 29) else day.month,
                                              1 if (day.month, day.day) == (2, 29) else day.day).timetuple().tm_yday
    return day.toordinal()


def share_of_period(days, active, rule):
    """Tell which share of a period falls on some of its days, (days, of days)."""
    if rule == "none" or days == active:
        return 1, 1
    count = lambda some: sum(number_of_day(day + DAY, rule) - number_of_day(day, rule) for day in some)
    return count(active), count(days)


# --------------------------------------------------------------------------
# Rules: the calendar
# --------------------------------------------------------------------------

def zone_of(terms):
    return ZoneInfo(terms["calendar"]["zone"]) if terms.get("calendar") else UTC


def local_date(terms, at):
    return at.astimezone(zone_of(terms)).date()


def midnight(terms, day):
    """Find the first instant of a local date, hour by hour and then minute by minute."""
    at = datetime.datetime(day.year, day.month, day.day, tzinfo=UTC) - datetime.timedelta(hours=30)
    for step in (datetime.timedelta(hours=1), datetime.timedelta(minutes=1)):
        while local_date(terms, at) < day:
            at += step
        at -= step
    return at + datetime.timedelta(minutes=1)


def rows_of_day(calendar, day, days_ago):
    """
    List the rows that may cover a date and start on it or so many days before:
    those of the date alone if it has any or is closed, else those of the week.
    """
    text = day.isoformat()
    own = [row[1:] for row in calendar.get("days", []) if row[0] == text]
    if own or text in calendar.get("closed_days", []):
        return [] if days_ago else own
    start = day - datetime.timedelta(days=days_ago)
    return [row[1:] for row in calendar["week"] if row[0] == start.isoweekday()]


def band_at(terms, at):
    """Tell the band of an instant from what a clock on the wall shows."""
    calendar = terms.get("calendar")
    if not calendar or "week" not in calendar:
        return "regular"
    wall = at.astimezone(zone_of(terms))
    clock_s = wall.hour * 3600 + wall.minute * 60 + wall.second
    for days_ago in (0, 1):
        for start_s, end_s, band in rows_of_day(calendar, wall.date(), days_ago):
            if end_s <= start_s:
                end_s += DAY_S
            if start_s <= clock_s + days_ago * DAY_S < end_s:
                return band
    return "off_hours"


def runs_of(entry, terms):
    """Cut an entry into runs of one band and one period, minute by minute."""
    if entry["started_at"] is None:
        return [[entry["at"], entry["at"], "regular", entry["day"], period_start(entry["day"], terms)]]
    runs = []
    at = entry["started_at"]
    while True:
        day = local_date(terms, at)
        band, period = band_at(terms, at), period_start(day, terms)
        end = min(at.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1), entry["ended_at"])
        if runs and runs[-1][2] == band and runs[-1][4] == period:
            runs[-1][1] = end
        else:
            runs.append([at, end, band, day, period])
        if end >= entry["ended_at"]:
            return runs
        at = end


def share_by_clock(seconds, runs):
    """Put each second at its place on the clock and count those of each run."""
    counts = [0] * len(runs)
    total = (runs[-1][1] - runs[0][0]) // MICROSECOND
    sign, number = (-1, -seconds) if seconds < 0 else (1, seconds)
    run = 0
    for k in range(1, number + 1):
        # the middle of the k-th of so many equal parts
        while run < len(runs) - 1 and \
                (2 * k - 1) * total > 2 * number * ((runs[run][1] - runs[0][0]) // MICROSECOND):
            run += 1
        counts[run] += sign
    return counts


# --------------------------------------------------------------------------
# Rules: billed seconds
# --------------------------------------------------------------------------

def group_of(entry, terms):
    scope = terms["rounding"].get("scope", "entry")
    day = entry["day"]
    return {"task_day": (scope, entry["task_id"], day), "day": (scope, day), "task": (scope, entry["task_id"]),
            "period": (scope, period_start(day, terms))}[scope]


def what_rounds(seconds, rule):
    """Tell whether the increments made the result, or what bounds it."""
    rounded = abs(round_seconds(seconds, rule))
    bare = abs(round_seconds(seconds, {"mode": rule["mode"], "increment_s": rule.get("increment_s"),
                                       "grace_s": rule.get("grace_s") or 0}))
    return "minimum" if rounded > bare else "maximum" if rounded < bare else "rule"


def bill(entries, documents, left_out):
    """
    Set the billed seconds of entries that are in order of time, and return the
    ids of those that are rounded in groups; those left out round nothing.
    """
    groups = {}
    for entry in entries:
        terms = documents[entry["terms_no"] - 1]
        rule = terms.get("rounding")
        entry["billed_s"] = entry["worked_s"]
        entry["by"] = None
        if entry["disposition"] != "billable":
            continue
        if entry["billable_s"] is not None:
            entry["billed_s"] = entry["billable_s"]
            entry["by"] = "hand"
        elif rule and rule.get("scope", "entry") == "entry":
            entry["billed_s"] = round_seconds(entry["worked_s"], rule)
            entry["by"] = what_rounds(entry["worked_s"], rule) if entry["billed_s"] != entry["worked_s"] else None
        elif rule and entry["entry_id"] not in left_out:
            groups.setdefault(group_of(entry, terms), []).append(entry)

    for group in groups.values():
        rule = documents[group[0]["terms_no"] - 1]["rounding"]
        unfrozen = [entry for entry in group if entry["frozen_s"] is None]
        worked = sum(entry["worked_s"] for entry in unfrozen)
        rest = round_seconds(sum(entry["worked_s"] for entry in group), rule) - \
            sum(entry["frozen_s"] for entry in group if entry["frozen_s"] is not None)
        if (rest < 0 and worked >= 0) or (rest > 0 and worked <= 0):
            rest = 0
        weight = sum(abs(entry["worked_s"]) for entry in unfrozen)
        if weight == 0:
            continue
        # a group of corrections is the mirror of one of work
        sign = -1 if worked < 0 else 1
        shares = [sign * (entry["worked_s"] + Fraction((rest - worked) * abs(entry["worked_s"]), weight))
                  for entry in unfrozen]
        for entry, share in zip(unfrozen, shares):
            entry["billed_s"] = sign * floor(share)
        order = sorted(range(len(shares)), key=lambda i: (floor(shares[i]) - shares[i], i))
        for i in order[:sign * rest - sum(floor(share) for share in shares)]:
            unfrozen[i]["billed_s"] += sign
        for entry in unfrozen:
            if entry["billed_s"] != entry["worked_s"]:
                entry["by"] = what_rounds(sum(entry["worked_s"] for entry in group), rule)
    return {entry["entry_id"] for group in groups.values() for entry in group}


# --------------------------------------------------------------------------
# Rules: price
# --------------------------------------------------------------------------

def greatest(rules, key, default):
    values = [Fraction(rule[key]) for rule in rules if rule.get(key) is not None]
    return max(values) if values else Fraction(default)


def in_scope(scope, work_type):
    return scope is None or work_type in scope


def search_list(price_list, entry, day):
    """Search one list: the most specific key first, the latest row of a key; all in force up to the one that prices."""
    employee, role, work_type = entry["employee_id"], entry["role"], entry["work_type_id"]
    keys = []
    for who in ("employee", "role", None):
        for kind in (work_type, None):
            key = (employee if who == "employee" else None, role if who == "role" else None, kind)
            if (who == "employee" and employee is None) or (who == "role" and role is None):
                continue
            if key not in keys:
                keys.append(key)
    passed = []
    for key in keys:
        rows = [row for row in price_list["prices"]
                if (row.get("employee"), row.get("role"), row.get("work_type")) == key and row["from"] <= day.isoformat()]
        if rows:
            passed.append(max(rows, key=lambda row: row["from"]))
            if passed[-1]["price"] is not None:
                break
    return passed


def price_of(entry, contract, terms, day):
    """Find (price, discount, source, position, whose price, whose discount) or say why there is none."""
    if entry["price"] is not None:
        return Fraction(entry["price"]), Fraction(0), "entry price", None, {"by": "entry"}, None
    for overage in contract.get("overage") or []:
        if in_scope(overage.get("scope"), entry["work_type_id"]) and (overage.get("from") or "") <= day.isoformat() \
                and (overage.get("to") is None or day.isoformat() < overage["to"]):
            return Fraction(overage["price"]), Fraction(0), "overage price of line %d" % overage["line"], None, \
                {"by": "overage", "line": overage["line"]}, None
    number = contract.get("list") or entry["price_list_id"]
    if number is None:
        return "no price list"
    discounts, by_position = [], []
    while number is not None:
        price_list = terms["lists"][str(number)]
        discounts.append((price_list.get("discount_pct"), {"kind": "list", "id": number, "name": price_list["name"]}))
        passed = search_list(price_list, entry, day)
        by_position += [(row.get("discount_pct"), {"kind": "position", "id": row["id"], "name": price_list["name"]})
                        for row in passed]
        row = passed[-1] if passed else None
        if row and row["price"] is not None:
            offers = by_position + discounts + \
                [(contract.get("discount_pct"), {"kind": "contract", "id": contract["contract"]}), ("0", None)]
            off, by = [offer for offer in offers if offer[0] is not None][0]
            return Fraction(row["price"]), Fraction(off), "%s, position %d" % (price_list["name"], row["id"]), row["id"], \
                None, by
        number = price_list.get("parent")
    return "no price for"


# --------------------------------------------------------------------------
# Rules: one run
# --------------------------------------------------------------------------

class Problem(Exception):
    """What an entry cannot be rated for; its kind in a word."""

    KINDS = {"no price list": "no_price_list", "no price for": "no_price"}

    def __init__(self, words):
        super().__init__(words)
        self.kind = self.KINDS.get(words, "no_contract")


class RunRating:
    """The rating of one run of an entry; `before` are the seconds that runs before it bill."""

    def __init__(self, entry, terms, accounts, contract, run, worked_s, billed_s, before):
        self.entry, self.terms, self.accounts, self.contract = entry, terms, accounts, contract
        self.start, self.end, self.band, self.day, self.period = run
        self.worked_s, self.billed_s, self.before, self.pieces = worked_s, billed_s, before, []
        rules = [rule for rule in contract.get("band_rules") or []
                 if rule.get("band") in (None, self.band) and rule.get("role") in (None, entry["role"])]
        self.multiplier = greatest(rules, "multiplier", 1)
        self.adder = max(greatest(rules, "adder", 0), Fraction(0))
        self.burn = greatest(rules, "burn", 1)
        self.minimum_s = int(greatest(rules, "minimum_s", 0))
        if billed_s > 0 and entry["billable_s"] is None:
            self.billed_s = max(billed_s, self.minimum_s)
        self.is_raised = self.billed_s > billed_s
        self.done_s = 0
        self.found = None

    def go_on(self, at):
        """Go on from an instant, whose date may have another price."""
        day = local_date(self.terms, at)
        if day != self.day:
            self.day, self.found = day, None

    def find_price(self):
        if self.found is None:
            found = price_of(self.entry, self.contract, self.terms, self.day)
            if isinstance(found, str):
                raise Problem(found)
            self.found = found
            self.full_rate = found[0] * self.multiplier + self.adder
            self.rate = self.full_rate * (1 - found[1] / 100)

    def why(self, piece):
        """Tell what made a piece, as values; None where there is nothing to tell."""
        told, band = {}, {}
        if self.entry["by"]:
            told["rounded"] = {"by": self.entry["by"], "worked_s": self.entry["worked_s"], "billed_s": self.entry["billed_s"]}
            if self.entry["by"] != "hand":
                told["rounded"]["scope"] = self.terms["rounding"].get("scope", "entry")
        if self.is_raised:
            band["minimum_s"] = self.minimum_s
        if "allotment" in piece:
            if not piece["of_money"] and self.burn != 1:
                band["burn"] = self.burn
        else:
            _, discount, _, _, price, by = self.found
            if self.multiplier != 1:
                band["multiplier"] = self.multiplier
            if self.adder != 0:
                band["adder"] = self.adder
            if price:
                told["price"] = price
            if discount != 0:
                told["discount"] = {"pct": discount, "by": by}
            if piece.get("cap"):
                told["cap"] = piece["cap"]
        if band:
            told["band"] = dict(band, name=self.band)
        return told or None

    def add(self, piece):
        """Add a piece; its worked seconds follow the billed ones."""
        gone = sum(other["worked_s"] for other in self.pieces)
        self.done_s += piece["billed_s"]
        end = self.worked_s if self.done_s == self.billed_s else \
            half_away(Fraction(self.worked_s * self.done_s, self.billed_s))
        if self.entry["disposition"] == "billable":
            piece["why"] = self.why(piece)
        piece.update(worked_s=end - gone, contract=self.contract["contract"], service_date=self.day,
                     period_start=self.period, band=self.band)
        self.pieces.append(piece)

    def amount(self, seconds):
        if self.terms.get("basis") == "hundredth":
            hours = Fraction(half_away(Fraction(seconds * 100, 3600)), 100)
        else:
            hours = Fraction(seconds, 3600)
        return round_money(hours * self.rate, self.terms["exponent"])

    def affordable(self, money, seconds):
        """Buy second after second while the money lasts."""
        count, value, limit = 0, self.rate.numerator, money * 3600 * self.rate.denominator
        while count < seconds and (count + 1) * value <= limit:
            count += 1
        return count

    def is_past(self, instant, second):
        """Has the clock passed an instant in the middle of a billed second, from 0?"""
        if self.start == self.end:
            return instant <= max(self.start, self.account["draw_from"])
        if instant <= max(self.start, self.account["draw_from"]):
            return True  # late work draws as if it were done later
        if instant >= self.end:
            return False
        if self.is_raised:
            start, length, number = self.start, self.end - self.start, self.billed_s
        else:
            start, length, number = self.entry["started_at"], self.entry["ended_at"] - self.entry["started_at"], \
                self.entry["billed_s"]
            second += self.before
        return (2 * second + 1) * (length // MICROSECOND) > 2 * number * ((instant - start) // MICROSECOND)

    def holds(self, allotment, second):
        return self.is_past(allotment["from"], second) and not self.is_past(allotment["to"], second)

    def draw(self, allotment, seconds):
        """Draw on an allotment for so many seconds; the number it covers."""
        covered = 0
        if allotment["unit"] == "seconds":
            while covered < seconds and (covered + 1) * self.burn <= allotment["remaining"]:
                covered += 1
            burned = min(allotment["remaining"], half_away(covered * self.burn))
        else:
            self.find_price()
            if self.rate <= 0:
                return 0
            covered, burned = seconds, self.amount(seconds)
            if burned > allotment["remaining"]:
                covered = self.affordable(allotment["remaining"], seconds)
                burned = min(allotment["remaining"],
                             round_money(Fraction(covered, 3600) * self.rate, self.terms["exponent"]))
        if covered > 0:
            allotment["remaining"] -= burned
            self.add({"coverage": "prepaid" if allotment["kind"] in PREPAID_KINDS else "included",
                      "billed_s": covered, "price": Fraction(0), "rate": Fraction(0),
                      "allotment": allotment["id"], "burned": Fraction(burned),
                      "of_money": allotment["unit"] == "money"})
        return covered

    def cover(self):
        """
        Go through the billed seconds: each asks the allotments in the order of
        eating.  One that has too little for another second is passed over until
        a new one begins that is eaten before what covers, or uncovered work.
        """
        passed = []
        while self.done_s < self.billed_s:
            second = self.done_s
            asked = [a for a in self.account["allotments"]
                     if a["remaining"] > 0 and in_scope(a["scope"], self.entry["work_type_id"])]
            found = next((a for a in asked if a not in passed and self.holds(a, second)), None)
            before = asked[:asked.index(found)] if found else asked
            before = [a for a in before if not self.is_past(a["from"], second)]
            begun, end = None, second
            while end < self.billed_s and begun is None and (found is None or self.holds(found, end)):
                end += 1
                begun = next((a for a in before if end < self.billed_s and self.holds(a, end)), None)
            if found is None:
                self.charge(end - second)
            elif self.draw(found, end - second) < end - second:
                passed.append(found)
                continue
            if begun is not None:
                passed = []
                self.go_on(min(a["from"] for a in before if self.holds(a, end)))
            elif self.done_s < self.billed_s:
                self.go_on(found["to"])

    def charge(self, seconds):
        """Charge so many seconds, as far as the caps let it."""
        self.find_price()
        rest_s = seconds
        whole = amount = self.amount(seconds)
        caps = [cap for cap in (self.account["life"], cap_of_period(self.account, self.period)) if cap]
        by_amount = min((cap for cap in caps if cap["cap_amount"] is not None), default=None,
                        key=lambda cap: max(cap["cap_amount"] - cap["amount"], 0))
        by_seconds = min((cap for cap in caps if cap["cap_seconds"] is not None), default=None,
                         key=lambda cap: max(cap["cap_seconds"] - cap["seconds"], 0))
        if by_amount:
            room = max(by_amount["cap_amount"] - by_amount["amount"], Fraction(0))
            if amount > room:
                seconds, amount = self.affordable(room, rest_s), room
            else:
                by_amount = None
        if by_seconds:
            room_s = max(by_seconds["cap_seconds"] - by_seconds["seconds"], 0)
            if seconds > room_s:
                if self.amount(room_s) < amount:
                    amount, by_amount = self.amount(room_s), None
                seconds = room_s
            else:
                by_seconds = None
        is_capped = seconds != rest_s or amount != whole
        priced = {"price": self.found[0], "multiplier": self.multiplier, "discount": self.found[1],
                  "rate": self.full_rate, "source": self.found[2], "price_id": self.found[3]}
        if is_capped:
            told = {}
            for cap, key, value in ((by_amount, "amount", "cap_amount"), (by_seconds, "seconds", "cap_seconds")):
                if cap and cap["period"]:
                    told.setdefault("period", dict(cap["period"]))[key] = cap[value]
                elif cap:
                    told[key] = cap[value]
            priced["cap"] = told
        if not is_capped or seconds > 0 or amount > 0:
            self.add(dict(priced, coverage="billable", billed_s=seconds, amount=amount))
        if is_capped:
            self.add(dict(priced, coverage="capped", billed_s=rest_s - seconds,
                          cap=dict(told, written_off=whole - amount)))
        for cap in caps:
            cap["amount"] += amount
            cap["seconds"] += seconds

    def rate_run(self):
        self.account = self.accounts[self.contract["contract"]]
        if self.entry["disposition"] == "billable":
            if self.billed_s > 0:
                self.cover()
            else:
                self.charge(self.billed_s)
        else:
            self.billed_s = 0
            self.add({"coverage": self.entry["disposition"], "billed_s": 0})
            if self.entry["disposition"] == "included":
                self.pieces[0].update(price=Fraction(0), rate=Fraction(0))
        return self.pieces


# --------------------------------------------------------------------------
# Rules: the whole
# --------------------------------------------------------------------------

def no_sooner_than(text):
    return datetime.datetime.fromisoformat(text) if text else datetime.datetime.min.replace(tzinfo=UTC)


def width(row):
    """Of how many types of work a grant is; the narrower is eaten first."""
    return sys.maxsize if row.get("scope") is None else len(set(row["scope"]))


def open_accounts(documents, state):
    accounts = {}
    for terms in documents:
        for contract in terms["contracts"]:
            accounts.setdefault(contract["contract"], {
                "life": {"cap_amount": None if contract.get("cap_amount") is None else Fraction(contract["cap_amount"]),
                         "cap_seconds": contract.get("cap_seconds"), "amount": Fraction(0), "seconds": 0, "period": None},
                "contract": contract, "document": terms, "periods": {}, "allotments": [], "draw_from": no_sooner_than(state.get("draw_from"))})
    for used in state.get("used", []):
        if used["contract"] in accounts:
            uses = [accounts[used["contract"]]["life"]]
            if used.get("day"):
                uses.append(use_of_period(accounts[used["contract"]], datetime.date.fromisoformat(used["day"])))
            for use in uses:
                use["amount"] += Fraction(used["amount"])
                use["seconds"] += used["seconds"]
    for row in state.get("allotments", []):
        if row["contract"] not in accounts:
            continue
        to = row.get("expires_at")
        accounts[row["contract"]]["allotments"].append({
            "id": row["id"], "kind": row["kind"], "unit": row["unit"], "remaining": Fraction(row["remaining"]),
            "scope": row.get("scope"), "from": datetime.datetime.fromisoformat(row["effective_at"]),
            "to": datetime.datetime.fromisoformat(to) if to else datetime.datetime.max.replace(tzinfo=UTC),
            "priority": row.get("priority") or 0, "width": width(row), "rolls_over": bool(row.get("rolls_over")),
            "line": row.get("line") or 0})
    for account in accounts.values():
        account["allotments"].sort(key=lambda a: (
            a["priority"], a["to"], a["width"], a["from"], a["rolls_over"],
            ("rollover", "included", "adjustment", "block", "topup").index(a["kind"]), a["unit"] == "money",
            sorted(set(a["scope"] or [])), a["line"], a["id"]))
    return accounts


def use_of_period(account, day):
    """Find what counts in the period that holds a day, by the terms that say the caps."""
    return account["periods"].setdefault(period_start(day, account["document"]), {"amount": Fraction(0), "seconds": 0})


def cap_of_period(account, day):
    """Find the cap of a contract in a period, cut to the days it has in it; None when there is none."""
    contract, terms = account["contract"], account["document"]
    if contract.get("period_cap_amount") is None and contract.get("period_cap_seconds") is None:
        return None
    cap = use_of_period(account, day)
    days = days_of_period(period_start(day, terms), terms)
    active = [day for day in days if (contract.get("from") or "") <= day.isoformat()
              and (contract.get("to") is None or day.isoformat() < contract["to"])] or days
    rule = contract.get("prorate") or "actual"
    part, whole = share_of_period(days, active, rule)
    cap["cap_amount"] = None if contract.get("period_cap_amount") is None else \
        round_money(Fraction(contract["period_cap_amount"]) * part / whole, terms["exponent"])
    cap["cap_seconds"] = None if contract.get("period_cap_seconds") is None else \
        half_away(Fraction(contract["period_cap_seconds"] * part, whole))
    cap["period"] = {"from": active[0].isoformat(), "to": active[-1].isoformat()}
    if part != whole:
        cap["period"].update(days=part, of=whole, rule=rule)
    return cap


def contract_for(terms, band, entry):
    for contract in terms["contracts"][1:] + terms["contracts"][:1]:
        if contract.get("bands") is None or band in contract["bands"]:
            return contract
    if entry["disposition"] != "billable":
        return terms["contracts"][0]
    raise Problem('no contract covers band "%s"' % band)


def rate_entry(entry, terms, accounts):
    runs = runs_of(entry, terms)
    worked, billed = share_by_clock(entry["worked_s"], runs), share_by_clock(entry["billed_s"], runs)
    segments = []
    for number, (run, worked_s, billed_s) in enumerate(zip(runs, worked, billed)):
        contract = contract_for(terms, run[2], entry)
        segments += RunRating(entry, terms, accounts, contract, run, worked_s, billed_s, sum(billed[:number])).rate_run()
    for rate, exponent, key in (("cost_rate", "exponent", "cost"), ("base_cost_rate", "base_exponent", "base_cost")):
        gone = 0
        for segment in segments:
            if entry[rate] is not None or segment["worked_s"] == 0:
                ends = [round_money(Fraction(s, 3600) * Fraction(entry[rate] or 0), terms[exponent])
                        for s in (gone, gone + segment["worked_s"])]
                segment[key] = ends[1] - ends[0]
            gone += segment["worked_s"]
    return segments


def rate_billed(documents, entries, accounts):
    """Rate entries whose billed seconds are known."""
    rows = []
    for entry in entries:
        if entry["frozen_s"] is not None:
            continue
        kept = copy.deepcopy(accounts)
        try:
            segments = rate_entry(entry, documents[entry["terms_no"] - 1], accounts)
            for number, segment in enumerate(segments, 1):
                segment.setdefault("multiplier", Fraction(1))
                segment.setdefault("discount", Fraction(0))
                segment.setdefault("amount", Fraction(0))
                rows.append(dict(segment, entry=entry["entry_id"], segment=number))
        except Problem as problem:
            accounts = kept
            rows.append({"entry": entry["entry_id"], "segment": 0, "kind": problem.kind, "problem": str(problem)})
    return rows


def rate(documents, entries, state):
    """
    Rate a case; the segments as rows of FIELDS.  What cannot be rated bears on
    no other entry, so it leaves its rounding group and all is rated again.
    """
    for entry in entries:
        terms = documents[entry["terms_no"] - 1]
        entry["at"] = entry["started_at"] or midnight(terms, entry["work_date"])
        entry["day"] = local_date(terms, entry["at"]) if entry["started_at"] else entry["work_date"]
    entries = sorted(entries, key=lambda entry: (entry["at"], entry["entry_id"]))
    left_out = set()
    while True:
        grouped = bill(entries, documents, left_out)
        rows = rate_billed(documents, entries, open_accounts(documents, state))
        unrated = {row["entry"] for row in rows if row["segment"] == 0} & grouped
        if not unrated:
            break
        left_out |= unrated
    return [tuple(row.get(field) for field in FIELDS) for row in rows]


# --------------------------------------------------------------------------
# Random contracts
# --------------------------------------------------------------------------

ZONES = ("UTC", "Europe/Kyiv", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
         "America/Santiago", "Asia/Beirut", "Pacific/Chatham", "Africa/Casablanca")
BANDS = ("regular", "night", "weekend")
ROLES = ("junior", "senior", "lead")
# months in which clocks change somewhere, and one in which they do not
MONTHS = ((2025, 3), (2025, 4), (2025, 9), (2025, 10), (2026, 3), (2025, 12))


def decimal(dice, low, high, decimals):
    """Draw a decimal number, as text."""
    unit = 10 ** decimals
    return "%d.%0*d" % (divmod(dice.randint(low * unit, high * unit), unit)[0], decimals,
                        dice.randint(0, unit - 1)) if decimals else str(dice.randint(low, high))


def maybe(dice, chance, make):
    return make() if dice.random() < chance else None


def make_rows(dice, key):
    """Draw rows of one day that do not overlap; the last one may run past midnight."""
    times = sorted(dice.sample(range(0, 48), 2 * dice.randint(1, 2)))
    rows = [[key, start * 1800, end * 1800, dice.choice(BANDS)] for start, end in zip(times[::2], times[1::2])]
    if dice.random() < 0.2:
        first = rows[0][1]
        rows[-1][2] = dice.randrange(0, first + 1, 1800) if first else 0
    return rows


def make_calendar(dice):
    calendar = {"zone": dice.choice(ZONES)}
    if dice.random() < 0.8:
        calendar["week"] = [row for weekday in range(1, 8) if dice.random() < 0.8 for row in make_rows(dice, weekday)]
        year, month = dice.choice(MONTHS)
        days = dice.sample(range(1, 28), 4)
        calendar["days"] = [row for day in days[:2] for row in make_rows(dice, "%d-%02d-%02d" % (year, month, day))]
        calendar["closed_days"] = ["%d-%02d-%02d" % (year, month, day) for day in days[2:]]
    return calendar


def make_rounding(dice):
    minimum = dice.choice((0, 0, 300, 1000))
    return {"mode": dice.choice(("none", "up", "up", "down", "nearest")),
            "increment_s": dice.choice((1, 7, 60, 360, 900, 3600)), "minimum_s": minimum,
            "maximum_s": maybe(dice, 0.1, lambda: minimum + dice.randint(0, 9000)),
            "grace_s": dice.choice((0, 0, 60, 300)),
            "scope": dice.choice(("entry", "entry", "entry", "task_day", "day", "task", "period", "period"))}


def make_day(dice):
    year, month = dice.choice(MONTHS)
    return datetime.date(year, month, dice.randint(1, monthrange(year, month)[1]))


def make_list(dice, number, parent):
    rows, keys = [], set()
    for position in range(dice.randint(0, 8)):
        who = dice.choice(("employee", "role", None))
        row = {"id": number * 100 + position, "employee": dice.randint(1, 3) if who == "employee" else None,
               "role": dice.choice(ROLES) if who == "role" else None,
               "work_type": maybe(dice, 0.4, lambda: dice.randint(1, 3)),
               "from": dice.choice(("2025-01-01", "2025-01-01", make_day(dice).isoformat())),
               "price": maybe(dice, 0.9, lambda: decimal(dice, 0, 150, dice.choice((0, 2, 6)))),
               "discount_pct": maybe(dice, 0.2, lambda: decimal(dice, -5, 50, 2) if dice.random() < 0.8 else "100")}
        key = (row["employee"], row["role"], row["work_type"], row["from"])
        if key not in keys:
            keys.add(key)
            rows.append(row)
    return {"name": "List %d" % number, "parent": parent, "prices": rows,
            "discount_pct": maybe(dice, 0.3, lambda: decimal(dice, 0, 30, 1))}


def make_contract(dice, number, exponent, is_base):
    return {
        "contract": number, "bands": maybe(dice, 0.2, lambda: dice.sample(BANDS + ("off_hours",), 3)) if is_base
        else dice.sample(BANDS + ("off_hours",), dice.randint(1, 2)),
        "list": None if is_base else maybe(dice, 0.5, lambda: dice.randint(1, 3)),
        "discount_pct": maybe(dice, 0.2, lambda: decimal(dice, 0, 20, 4)),
        "band_rules": [{"band": maybe(dice, 0.7, lambda: dice.choice(BANDS + ("off_hours",))),
                        "role": maybe(dice, 0.3, lambda: dice.choice(ROLES)),
                        "multiplier": maybe(dice, 0.7, lambda: decimal(dice, 0, 2, 3)),
                        "adder": maybe(dice, 0.3, lambda: decimal(dice, 0, 30, 2)),
                        "burn": maybe(dice, 0.6, lambda: decimal(dice, 0, 2, dice.choice((1, 3)))),
                        "minimum_s": maybe(dice, 0.3, lambda: dice.randint(0, 3600))}
                       for _ in range(dice.randint(0, 3))],
        "overage": [{"line": line, "price": decimal(dice, 0, 90, 2),
                     "scope": maybe(dice, 0.7, lambda: dice.sample((1, 2, 3), dice.randint(0, 2))),
                     "from": maybe(dice, 0.5, lambda: make_day(dice).isoformat()),
                     "to": maybe(dice, 0.5, lambda: make_day(dice).isoformat())}
                    for line in range(1, dice.choice((1, 1, 1, 2, 3)))],
        "cap_amount": maybe(dice, 0.3, lambda: decimal(dice, 0, 300, exponent)),
        "cap_seconds": maybe(dice, 0.2, lambda: dice.randint(0, 20000)),
        "period_cap_amount": maybe(dice, 0.3, lambda: decimal(dice, 0, 200, exponent)),
        "period_cap_seconds": maybe(dice, 0.2, lambda: dice.randint(0, 15000)),
        "from": maybe(dice, 0.4, lambda: (make_day(dice) - datetime.timedelta(days=dice.choice((0, 200)))).isoformat()),
        "to": maybe(dice, 0.3, lambda: (make_day(dice) + datetime.timedelta(days=dice.choice((0, 200)))).isoformat()),
        "prorate": dice.choice((None, "actual", "none", "fixed_30", "days_365"))}


def make_terms(dice, exponents):
    lists = {str(number): make_list(dice, number, dice.choice((None, number + 1)) if number < 3 else None)
             for number in (1, 2, 3)}
    # the last list mostly has a price for all, so that most entries can be rated
    if dice.random() < 0.9:
        lists["3"]["prices"].append({"id": 399, "employee": None, "role": None, "work_type": None,
                                     "from": "2020-01-01", "price": "40", "discount_pct": None})
        lists["1"]["parent"] = lists["1"]["parent"] or 3
        lists["2"]["parent"] = 3
    unit = dice.choice(("month", "month", "week", "half_month", "quarter", "year", None))
    return {"exponent": exponents[0], "base_exponent": exponents[1], "basis": dice.choice(("exact", "exact", "hundredth")),
            "calendar": maybe(dice, 0.8, lambda: make_calendar(dice)), "period": unit,
            "anchor": dice.randint(1, 7) if unit == "week" else dice.choice((1, 1, 15, 16, 31)),
            "month": dice.choice((None, 1, 3, 11)),
            "rounding": maybe(dice, 0.7, lambda: make_rounding(dice)), "lists": lists,
            "contracts": [make_contract(dice, 10 + n, exponents[0], n == 0)
                          for n in range(dice.choice((1, 1, 2, 3)))]}


def make_entry(dice, number, days, documents):
    worked = dice.choice((dice.randint(0, 900), dice.randint(0, 5000), dice.choice((0, 1, 7, 600, 600, 3600, 7200))))
    entry = {"entry_id": number, "started_at": None, "ended_at": None, "work_date": None, "worked_s": worked}
    day = dice.choice(days)
    if dice.random() < 0.85:
        start = datetime.datetime(day.year, day.month, day.day, tzinfo=UTC) + \
            datetime.timedelta(seconds=dice.choice((60, 1)) * dice.randint(0, 1440),
                               hours=dice.randint(-12, 36), microseconds=dice.choice((0, 0, 0, 500000, 123457)))
        elapsed = dice.choice((worked, worked, worked + 600, dice.randint(0, 40000)))
        entry.update(started_at=start, ended_at=start + datetime.timedelta(seconds=elapsed))
    else:
        entry["work_date"] = day
    if dice.random() < 0.05:
        entry["worked_s"] = -worked
    sign = -1 if entry["worked_s"] < 0 else 1
    entry.update(
        billable_s=maybe(dice, 0.1, lambda: sign * dice.randint(0, 5000)),
        price=maybe(dice, 0.1, lambda: decimal(dice, 0, 200, 3)), price_list_id=maybe(dice, 0.97, lambda: dice.randint(1, 3)),
        disposition=dice.choice(("billable",) * 6 + ("included", "no_charge", "non_billable")),
        employee_id=maybe(dice, 0.9, lambda: dice.randint(1, 4)), role=maybe(dice, 0.8, lambda: dice.choice(ROLES)),
        work_type_id=maybe(dice, 0.9, lambda: dice.randint(1, 4)), task_id=maybe(dice, 0.8, lambda: dice.randint(1, 3)),
        cost_rate=maybe(dice, 0.8, lambda: decimal(dice, 0, 60, dice.choice((2, 7)))),
        base_cost_rate=maybe(dice, 0.8, lambda: decimal(dice, 0, 2000, dice.choice((2, 12)))),
        frozen_s=maybe(dice, 0.1, lambda: sign * dice.randint(0, 4000)), terms_no=dice.randint(1, len(documents)))
    return entry


def within(dice, entry):
    """Draw an instant that lies within an entry, or at its edge."""
    length = (entry["ended_at"] - entry["started_at"]) // MICROSECOND
    return entry["started_at"] + MICROSECOND * dice.choice(
        (0, length, dice.randint(0, length), dice.randint(0, length // 1000000) * 1000000, dice.randint(0, length // 60000000) * 60000000))


def make_state(dice, documents, days, entries):
    exponent = documents[0]["exponent"]
    clocked = [entry for entry in entries if entry["started_at"]]
    allotments, used = [], []
    for number in range(1, dice.choice((1, 3, 5, 7, 12))):
        unit = dice.choice(("seconds", "seconds", "money"))
        start = datetime.datetime.combine(min(days), datetime.time(dice.randint(0, 23)), UTC) - \
            datetime.timedelta(days=dice.choice((-2, 1, 40)))
        end = maybe(dice, 0.6, lambda: start + datetime.timedelta(days=dice.randint(0, 60), minutes=dice.randint(0, 999)))
        # instants within the work, where the edges of a life show
        if clocked and dice.random() < 0.4:
            start = within(dice, dice.choice(clocked))
        if clocked and dice.random() < 0.4:
            end = within(dice, dice.choice(clocked))
        # some are alike but for what decides last
        if allotments and dice.random() < 0.3:
            start, end = allotments[-1]["life"]
        allotments.append({
            "id": number, "contract": dice.choice((10, 10, 11, 12, 99)), "unit": unit,
            "kind": dice.choice(("included", "block", "topup", "rollover", "adjustment")),
            "remaining": str(dice.randint(0, 9000)) if unit == "seconds" else decimal(dice, 0, 120, exponent),
            "priority": dice.choice((0, 0, 1, -1)), "life": (start, end), "effective_at": start.isoformat(),
            "expires_at": end.isoformat() if end else None, "rolls_over": dice.choice((None, False, True)),
            "line": dice.choice((None, 1, 2)),
            "scope": maybe(dice, 0.4, lambda: dice.sample((1, 2, 3), dice.randint(0, 2)))})
    for allotment in allotments:
        del allotment["life"]
    dice.shuffle(allotments)
    for contract in (10, 11, 12):
        for _ in range(dice.choice((0, 0, 1, 2))):
            used.append({"contract": contract, "amount": decimal(dice, 0, 200, exponent), "seconds": dice.randint(0, 9000),
                         "day": maybe(dice, 0.7, lambda: dice.choice(days).isoformat())})
    state = {"allotments": allotments, "used": used}
    if dice.random() < 0.15:
        state["draw_from"] = (within(dice, dice.choice(clocked)) if clocked and dice.random() < 0.5 else datetime.datetime.combine(
            period_start(dice.choice(days), documents[0]), datetime.time(0), UTC)).isoformat()
    return state


def make_case(dice):
    exponents = (dice.choice((0, 2, 2, 2, 3)), dice.choice((0, 2, 2, 3)))
    documents = [make_terms(dice, exponents) for _ in range(dice.choice((1, 1, 1, 2)))]
    first = make_day(dice)
    days = [first + datetime.timedelta(days=n) for n in range(dice.choice((1, 1, 3, 40)))]
    entries = [make_entry(dice, number, days, documents) for number in range(1, dice.randint(2, 14))]
    dice.shuffle(entries)
    return documents, entries, make_state(dice, documents, days, entries)


# --------------------------------------------------------------------------
# Against the server
# --------------------------------------------------------------------------

class Number(str):
    """Text that is a number in JSON: a decimal must not pass through a float."""


def to_json(value, key=None):
    """Write a document with decimals as JSON numbers."""
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (json.dumps(k), to_json(v, k)) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_json(item) for item in value) + "]"
    if isinstance(value, str) and key in ("price", "discount_pct", "multiplier", "adder", "burn", "cap_amount",
                                          "period_cap_amount", "remaining", "amount"):
        return value
    return json.dumps(value)


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def statement(number, case):
    documents, entries, state = case
    rows = json.dumps([{key: value.isoformat() if isinstance(value, (datetime.datetime, datetime.date)) else value
                        for key, value in entry.items()} for entry in entries])
    terms = ", ".join(literal(to_json(terms)) + "::jsonb" for terms in documents)
    columns = "entry_id, segment, contract_id, service_date, period_start, band, coverage, worked_s, billed_s, price, " \
        "multiplier, discount_pct, rate, amount, cost, base_cost, allotment_id, burned, price_id, price_source, why, " \
        "problem_kind, problem"
    return "SELECT %d, %s FROM finance.rate(ARRAY[%s], ARRAY(SELECT e FROM jsonb_populate_recordset(" \
        "NULL::finance.rating_entry, %s) AS e), %s);\n" % (number, columns, terms, literal(rows),
                                                           literal(to_json(state)))


def parse(fields):
    """Turn a row of psql into a row of FIELDS."""
    kinds = (int, int, int, datetime.date.fromisoformat, datetime.date.fromisoformat, str, str, int, int, Fraction,
             Fraction, Fraction, Fraction, Fraction, Fraction, Fraction, int, Fraction, int, str,
             lambda text: json.loads(text, parse_float=Fraction), str, str)
    row = [None if text == "\\N" else kind(text) for kind, text in zip(kinds, fields)]
    if row[-1] is not None and row[-1].startswith("no price for"):
        row[-1] = "no price for"
    return tuple(row)


def ask_server(cases):
    """Rate all cases in one session; the rows of each."""
    script = "SET timezone = 'UTC';\nSET datestyle = 'ISO';\n\\pset null '\\\\N'\n" + \
        "".join(statement(number, case) for number, case in enumerate(cases))
    answer = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"], input=script,
                            capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.exit("psql failed: " + answer.stderr.strip()[:2000])
    rows = [[] for _ in cases]
    for line in answer.stdout.splitlines():
        fields = line.split("\t")
        rows[int(fields[0])].append(parse(fields[1:]))
    return rows


def tell(number, seed, wanted, got, case):
    print("case %d of seed %d:" % (number, seed))
    for row, label in [(row, "rules ") for row in wanted if row not in got] + \
            [(row, "server") for row in got if row not in wanted]:
        print("  %s %s" % (label, {field: str(value) for field, value in zip(FIELDS, row) if value is not None}))
    print(statement(number, case))


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--cases", type=int, default=2000)
    options.add_argument("--show", type=int, default=3, help="mismatches shown in full")
    chosen = options.parse_args()

    mismatches = segments = problems = 0
    for start in range(0, chosen.cases, 200):
        numbers = range(start, min(start + 200, chosen.cases))
        cases = [make_case(random.Random("%d/%d" % (chosen.seed, number))) for number in numbers]
        for number, case, got in zip(numbers, cases, ask_server(cases)):
            wanted = rate(*case)
            segments += len(wanted)
            problems += sum(1 for row in wanted if row[-1] is not None)
            if wanted != got:
                mismatches += 1
                if mismatches <= chosen.show:
                    tell(number, chosen.seed, wanted, got, case)
    print("%d cases, %d segments, %d unrated entries, %d mismatches" % (chosen.cases, segments, problems, mismatches))
    sys.exit(1 if mismatches else 0)


if __name__ == "__main__":
    main()

"""SQLAlchemy's automap makes a class of every table, with the relationships
that foreign keys say, and warns of nothing."""
import os
import warnings

from sqlalchemy import create_engine, inspect, select, func
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

engine = create_engine(f"postgresql+psycopg2:///{os.environ['PGDATABASE']}")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    inspector = inspect(engine)
    tables, views = inspector.get_table_names("finance"), inspector.get_view_names("finance")
    for relation in tables + views:
        for column in inspector.get_columns(relation, "finance"):
            kind = str(column["type"])
            assert kind != "NULL", f"{relation}.{column['name']} has no type"
            assert not kind.startswith("NUMERIC") or "(" in kind, f"{relation}.{column['name']} has no precision"
    base = automap_base()
    base.prepare(autoload_with=engine, schema="finance")
said = [str(w.message) for w in caught if issubclass(w.category, Warning) and "deprec" not in str(w.message).lower()]
assert not said, said

missing = set(tables) - {c.__table__.name for c in base.classes}
assert not missing, missing
charge = base.classes.charge
assert len(list(charge.__table__.foreign_keys)) >= 15
with Session(engine) as session:
    one = session.scalars(select(charge).where(charge.employee_id.isnot(None), charge.contract_id.isnot(None)).limit(1)).one()
    assert one.employee.name and one.task.title and one.party.name and one.contract.number
    rows = session.execute(
        select(base.classes.employee.name, func.sum(charge.amount)).join(charge).group_by(base.classes.employee.name)).all()
    assert rows
print(f"{len(tables)} tables as {len(list(base.classes))} classes, {len(views)} views; charge knows {len(list(charge.__table__.foreign_keys))} tables")

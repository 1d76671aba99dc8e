"""Compare a connection in Airflow's database with the one wanted, which comes as JSON on standard input, or write it.

usage: connection.py compare|write
The last line printed is "same", "missing", "different: FIELD ..." or "written". No value is ever printed.
"""
import json
import sys

from airflow.models import Connection
from airflow.utils.session import create_session

FIELDS = ("conn_type", "host", "port", "login", "password")


def differences(found, wanted):
    names = [name for name in FIELDS if (getattr(found, name) or None) != (wanted[name] or None)]
    if found.extra_dejson != wanted["extra"]:
        names.append("extra")
    return names


def main(action):
    wanted = json.load(sys.stdin)
    with create_session() as session:
        found = session.query(Connection).filter(Connection.conn_id == wanted["conn_id"]).one_or_none()
        names = differences(found, wanted) if found else []
        if action == "compare":
            print("missing" if found is None else "different: " + " ".join(names) if names else "same")
            return
        if found is None:
            found = Connection(conn_id=wanted["conn_id"])
            session.add(found)
        for name in FIELDS:
            # Airflow 2.2 encrypts in these setters, later ones in properties of the same name.
            getattr(found, "set_" + name, lambda value, name=name: setattr(found, name, value))(wanted[name])
        found.set_extra(json.dumps(wanted["extra"]))
    print("written")


try:
    main(sys.argv[1])
except Exception as error:  # the text of a database error may hold the connection's values
    sys.exit("the connection could not be read or written: " + type(error).__name__)

"""The gate for a Python app: it serves only while the database has the schema that the app was built for.

One file, to be copied into a project. It needs psycopg 3. A thread with a connection of its own asks the database's
function `require` once a second, and at once when it is notified. It announces the app, so that a breaking migration waits
until the app has ended its requests. Unlike the gate for Node it holds no lock on the ledger: a restore does not wait for
the requests that are on their way, and is seen when it has ended.
"""

import hashlib
import json
import os
import re
import select
import socket
import threading
import time
from contextlib import contextmanager, suppress

import psycopg

EXEMPT = frozenset({"/health", "/health/live"})
PROBLEM_HEADERS = [
    ("content-type", "application/problem+json; charset=utf-8"),
    ("retry-after", "1"),
    ("cache-control", "no-store"),
]


def _now():
    # the steady clock stands still while the machine is suspended; Linux has one that does not
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class GateClosed(Exception):
    """The gate is closed; `state` says why in a word, the message in a sentence."""

    def __init__(self, state, detail):
        super().__init__(f"The gate is closed ({state}): {detail}")
        self.state = state
        self.detail = detail


class Gate:
    """Open only while the database has the app's schema. `manifest`: what `schemagate manifest` prints, parsed.

    All times are in seconds. `stale`: how long the last answer counts when no new one comes.
    """

    def __init__(self, conninfo, manifest, *, schema="schemagate", poll=1.0, stale=5.0):
        if not manifest.get("migrations"):
            raise ValueError("The manifest has no migrations, and an app that was built with none fits any database.")
        self._conninfo = conninfo
        self._manifest = json.dumps(manifest)
        self._schema = '"' + schema.replace('"', '""') + '"'
        self._poll = poll
        self._stale = stale
        head = manifest["head"]
        digest = hashlib.sha256(head.encode()).hexdigest()[:12]
        self._name = f"schemagate:{digest}:{re.sub(r'[^ -~]', '?', head)}"[:63]
        self._lock = threading.Condition()
        self._inside = 0
        self._open_until = 0.0
        self._status = ("unreachable", "The database has not been asked yet.")
        self._ended = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schemagate-gate", daemon=True)
        self._thread.start()

    @property
    def is_open(self):
        return _now() < self._open_until

    @property
    def status(self):
        """The state in a word, and a sentence that may be shown to anyone."""
        if self._status[0] == "open" and not self.is_open:
            return ("unreachable", f"The database has not answered for {self._stale} s.")
        return self._status

    def problem(self):
        """The answer of a closed gate, as text (RFC 9457)."""
        state, detail = self.status
        body = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail, "state": state}
        return json.dumps(body)

    def enter(self):
        """True if the gate is open: `leave` must follow, or a breaking migration waits for nothing."""
        with self._lock:
            if not self.is_open:
                return False
            self._inside += 1
            return True

    def leave(self):
        with self._lock:
            self._inside -= 1
            self._lock.notify_all()

    @contextmanager
    def inside(self):
        """For work without requests. Raises GateClosed."""
        if not self.enter():
            raise GateClosed(*self.status)
        try:
            yield
        finally:
            self.leave()

    def wait(self, timeout=None):
        """Waits until the gate is open. Raises GateClosed after `timeout` seconds, and once `close` was called."""
        with self._lock:
            self._lock.wait_for(lambda: self.is_open or self._ended, timeout)
            if not self.is_open:
                raise GateClosed(*self.status)

    def close(self):
        """Lets nothing in from now on. Returns once what is inside has ended, or after `stale` seconds: until then a breaking
        migration waits for it."""
        self._ended = True
        self._become("unreachable", "")
        with self._lock:
            self._lock.wait_for(lambda: self._inside == 0, self._stale)
        self._closing.set()
        self._thread.join()

    def _run(self):
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=2) as connection:
                    self._watch(connection)
            except Exception as error:  # of whatever kind: the thread that asks has to live
                code = getattr(error, "sqlstate", None) or "no connection"
                self._become("unreachable", f"The database does not answer ({code}).")
            self._closing.wait(0.25)

    def _watch(self, connection):
        # its own descriptor, which stays that connection's until it is closed here
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            self._watch_over(connection, line)

    def _watch_over(self, connection, line):
        def execute(sql, *parameters):
            # An answer that does not come ends the connection: the server may have gone without a word.
            late = threading.Timer(self._stale, _cut, [line])
            late.daemon = True
            late.start()
            try:
                connection.execute(sql, parameters)
            finally:
                late.cancel()

        # `select` takes no descriptor beyond 1023
        poller = select.poll()
        poller.register(line, select.POLLIN)
        execute(f"set statement_timeout = {int(self._stale * 1000)}")
        execute(f"listen {self._schema}")
        drained = True
        while not self._closing.is_set():
            asked = _now()
            state, detail = self._ask(execute)
            if state == "open" and drained:
                # announced before it opens: a migrator that looks in between sees it
                execute("select set_config('application_name', %s, false)", self._name)
                drained = False
                state, detail = self._ask(execute)
            self._become(state, detail, asked + self._stale)
            if not drained and state in ("too-old", "migrating") and self._is_empty():
                execute("set application_name = 'schemagate:drained'")
                drained = True
            # readable when a notification has come, or the connection is lost
            pause = self._poll if state == "open" else min(self._poll, 0.25)
            poller.poll(pause * 1000)

    def _ask(self, execute):
        try:
            execute(f"select {self._schema}.require(%s::text)", self._manifest)
            return ("open", "The database has the schema that this app was built for.")
        except psycopg.Error as error:
            code = error.sqlstate
            if code in ("SG006", "SG007"):
                said = re.match(r"schemagate: ([a-z-]+): (.*)", error.diag.message_primary or "")
                return said.groups() if said else ("unreachable", "The database refuses.")
            if code in ("3F000", "42883"):
                return ("unmigrated", "The database has no ledger: run the migrator (schemagate up).")
            if code in ("55P03", "57014"):
                return ("migrating", "The ledger is locked.")
            raise

    def _is_empty(self):
        with self._lock:
            return self._inside == 0

    def _become(self, state, detail, until=0.0):
        with self._lock:
            if self._ended:
                state, detail = "unreachable", "The gate was closed by the app itself."
            self._status = (state, detail)
            self._open_until = until if state == "open" else 0.0
            self._lock.notify_all()


def _cut(line):
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


class AsgiGate:
    """Middleware for FastAPI, Starlette and every other ASGI app: `app.add_middleware(AsgiGate, gate=gate)`, added last."""

    def __init__(self, app, gate, exempt=EXEMPT):
        self._app = app
        self._gate = gate
        self._exempt = exempt

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        if self._gate.enter():
            try:
                return await self._app(scope, receive, send)
            finally:
                self._gate.leave()
        if scope["path"] in self._exempt:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1013})
        headers = [(name.encode(), value.encode()) for name, value in PROBLEM_HEADERS]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": self._gate.problem().encode()})


class WsgiGate:
    """Around a WSGI app, such as Django's: `application = WsgiGate(get_wsgi_application(), gate)`."""

    def __init__(self, app, gate, exempt=EXEMPT):
        self._app = app
        self._gate = gate
        self._exempt = exempt

    def __call__(self, environ, start_response):
        if self._gate.enter():
            return self._inside(environ, start_response)
        if environ.get("PATH_INFO") in self._exempt:
            return self._app(environ, start_response)
        # a server may add to the list
        start_response("503 Service Unavailable", list(PROBLEM_HEADERS))
        return [self._gate.problem().encode()]

    def _inside(self, environ, start_response):
        try:
            return _Answer(self._app(environ, start_response), self._gate)
        except BaseException:
            self._gate.leave()
            raise


class _Answer:
    """A WSGI answer, inside until the server closes it: it may be made as it is written."""

    def __init__(self, answer, gate):
        self._answer = answer
        self._gate = gate
        self._left = False

    def __iter__(self):
        return iter(self._answer)

    def close(self):
        try:
            getattr(self._answer, "close", lambda: None)()
        finally:
            if not self._left:
                self._left = True
                self._gate.leave()


def guard_engine(gate, engine):
    """Lets an engine of SQLAlchemy hand out no connection while the gate is closed. Raises GateClosed. Returns the engine."""
    from sqlalchemy import event

    @event.listens_for(engine, "do_connect")
    def before_connecting(*_):
        _require_open(gate)

    @event.listens_for(engine, "checkout")
    def before_use(*_):
        _require_open(gate)

    return engine


def _require_open(gate):
    if not gate.is_open:
        raise GateClosed(*gate.status)

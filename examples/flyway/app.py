"""Answers GET /users from the database."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            self.answer(*self.route())
        except psycopg.Error as error:
            self.answer(500, {"error": str(error)})

    def route(self):
        if self.path == "/health":
            return 200, {"status": "ok"}
        if self.path != "/users":
            return 404, {"error": "not found"}
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            rows = connection.execute("select email, full_name from users order by email").fetchall()
            return 200, [{"email": email, "full_name": full_name} for email, full_name in rows]

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


ThreadingHTTPServer(("", 8000), Handler).serve_forever()

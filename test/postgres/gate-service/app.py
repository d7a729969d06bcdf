# An app in another language, with no gate of its own: it answers what the database holds, and 500 where the schema is not
# what it was written for.
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            if self.path == "/fails":
                raise RuntimeError("the app's own error")
            connection = psycopg2.connect(os.environ["DATABASE_URL"])
            with connection, connection.cursor() as cursor:
                cursor.execute("select title, state from public.tickets")
                body = "%s is %s" % cursor.fetchone()
            connection.close()
            self.answer(200, body)
        except Exception as error:
            self.answer(500, "the app: %s" % error)

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App)
print("listening", flush=True)
server.serve_forever()

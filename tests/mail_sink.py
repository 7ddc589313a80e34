"""A mail server for tests: takes what it is sent and keeps it. With or without TLS and sign-in; refuses on demand."""

import base64
import email
import email.policy
import queue
import re
import socket
import ssl
import threading


class MailSink:
    """Use as a context manager. Addresses in `refused` are refused for good, all mails while `busy` is set."""

    def __init__(self, certificate=None, key=None, implicit=False, user=None, password=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.tls = None
        if certificate:
            self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.tls.load_cert_chain(certificate, key)
        self.implicit, self.user, self.password = implicit, user, password
        self.refused, self.busy = set(), threading.Event()
        self.mails = queue.Queue()
        self.attempts = 0
        self.problems = []

    @property
    def url(self):
        return f"{'smtps' if self.implicit else 'smtp'}://localhost:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        talk = None
        try:
            if self.implicit:
                connection = self.tls.wrap_socket(connection, server_side=True)
            talk = Talk(self, connection)
            talk.run()
        except (OSError, ssl.SSLError) as error:
            self.problems.append(str(error))
        finally:
            if talk:
                talk.stream.close()
                connection = talk.connection
            connection.close()

    def next(self, timeout=60):
        """The next mail that arrives, parsed; its envelope in .sender and .to."""
        return self.mails.get(timeout=timeout)

    def wait_for(self, wanted, timeout=60):
        """The next mail to that address; others stay where they are. Fails when none comes."""
        kept = []
        try:
            while True:
                mail = self.next(timeout)
                if mail.to == wanted:
                    return mail
                kept.append(mail)
        finally:
            for mail in kept:
                self.mails.put(mail)


class Talk:
    def __init__(self, sink, connection):
        self.sink, self.connection = sink, connection
        self.stream = connection.makefile("rwb")
        self.secure, self.known = sink.implicit, sink.user is None
        self.sender, self.to = None, None

    def say(self, text):
        self.stream.write(text.encode() + b"\r\n")
        self.stream.flush()

    def run(self):
        self.say("220 sink")
        while True:
            line = self.stream.readline()
            if not line:
                return
            verb, _, rest = line.decode().strip().partition(" ")
            answer = getattr(self, "do_" + verb.lower(), None)
            if verb.upper() == "QUIT":
                self.say("221 bye")
                return
            if answer is None:
                self.say("502 what?")
            else:
                answer(rest)

    def do_ehlo(self, _):
        offers = ["sink"]
        if self.sink.tls and not self.secure:
            offers.append("STARTTLS")
        if self.sink.user and (self.secure or not self.sink.tls):
            offers.append("AUTH PLAIN")
        for offer in offers[:-1]:
            self.say("250-" + offer)
        self.say("250 " + offers[-1])

    def do_starttls(self, _):
        self.say("220 go on")
        self.stream.close()
        self.connection = self.sink.tls.wrap_socket(self.connection, server_side=True)
        self.stream = self.connection.makefile("rwb")
        self.secure = True

    def do_auth(self, rest):
        kind, _, token = rest.partition(" ")
        if not token:
            self.say("334 ")
            token = self.stream.readline().decode().strip()
        _, user, password = base64.b64decode(token).decode().split("\0")
        self.known = kind == "PLAIN" and (user, password) == (self.sink.user, self.sink.password)
        self.say("235 welcome" if self.known else "535 no")

    def do_mail(self, rest):
        self.sink.attempts += 1
        if not self.known:
            self.say("530 sign in first")
        elif self.sink.busy.is_set():
            self.say("451 busy")
        else:
            self.sender = re.search(r"<(.*?)>", rest).group(1)
            self.say("250 ok")

    def do_rcpt(self, rest):
        self.to = re.search(r"<(.*?)>", rest).group(1)
        self.say("550 nobody here" if self.to in self.sink.refused else "250 ok")

    def do_rset(self, _):
        self.say("250 ok")

    def do_data(self, _):
        self.say("354 go on")
        lines = []
        while True:
            line = self.stream.readline()
            if line == b".\r\n":
                break
            if not line:
                return
            lines.append(line[1:] if line.startswith(b"..") else line)
        mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        mail.sender, mail.to, mail.secure = self.sender, self.to, self.secure
        mail.plain = mail.get_body(("plain",)).get_content()
        mail.html = mail.get_body(("html",)).get_content()
        self.sink.mails.put(mail)
        self.say("250 kept")

"""Steady load: clients that ask one request after the other on kept connections, and keep a record
of every answer that was not right."""
import threading

from client import Client


class Load:
    """with Load(host, "GET", "/echo", right=…) as load: …; then load.failures and load.answered.

    The body is the same for all, or a function that makes one for each request. right(response)
    says whether an answer is what the client wanted; response.asked is the body that was sent. A
    connection that ends in order after an answer that said so is opened again; any other end is a
    failure.
    """

    def __init__(self, host, method, path, body=None, clients=64, right=None, headers=()):
        self.host, self.method, self.path, self.body = host, method, path, body
        self.headers = headers
        self.right = right or (lambda response: response.status == 200)
        self.failures = []
        self.answered = 0
        self.over = False
        self.news = threading.Condition()
        self.threads = [threading.Thread(target=self.ask_on) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_answers(len(self.threads))
        return self

    def __exit__(self, *_error):
        self.over = True
        for thread in self.threads:
            thread.join()

    def record(self, what=None):
        with self.news:
            if what is None:
                self.answered += 1
            else:
                self.failures.append(what)
            self.news.notify_all()

    def wait_answers(self, count, patience_s=60):
        """Until so many more right answers have come."""
        with self.news:
            goal = self.answered + count
            came = self.news.wait_for(lambda: self.answered >= goal or self.failures, patience_s)
        assert came and not self.failures, (self.answered, self.failures[:3])

    def ask(self, client):
        body = self.body() if callable(self.body) else self.body
        response = client.ask(self.method, self.path, body, self.headers).read()
        response.asked = body
        return response

    def ask_on(self):
        client = None
        while not self.over:
            try:
                client = client or self.host.connect()
                response = self.ask(client)
                self.record(None if self.right(response) else response)
                if response.header("connection") == "close":
                    client.close()
                    client = None
            except (OSError, AssertionError) as error:
                self.record(error)
                if isinstance(client, Client):
                    client.close()
                client = None
        if client:
            client.close()

"""Two people of doc/install.md, with an ordinary client each: one hands out a task, the other answers it.

    client.py SERVER_CERTIFICATE

Prints what is written and answered. Ends with 0 if the answer is there in the end.
"""

import asyncio
import sys

from slixmpp import ClientXMPP

SERVICE = "neerc.example.org"
PATIENCE_S = 60


class Person(ClientXMPP):
    def __init__(self, jid, password, certificate):
        super().__init__(jid, password)
        self.ca_certs = certificate
        self.enable_direct_tls = False
        self.ready = asyncio.get_running_loop().create_future()
        self.said = asyncio.Queue()
        self.add_event_handler("session_start", lambda _: self.ready.done() or self.ready.set_result(None))
        self.add_event_handler("failed_all_auth", lambda _: self.ready.done() or self.ready.set_exception(SystemExit("no login")))
        self.add_event_handler("message", self.heard)

    def heard(self, message):
        if message["from"].bare == SERVICE and message["body"]:
            self.said.put_nowait(message["body"])

    async def come(self):
        self.connect("127.0.0.1", 5222)
        await asyncio.wait_for(self.ready, PATIENCE_S)
        self.send_presence()

    async def ask(self, line, wanted):
        """Writes a line, and waits until what comes holds what is wanted."""
        print(f"{self.boundjid.user}: {line}", flush=True)
        self.send_message(mto=SERVICE, mbody=line, mtype="chat")
        while True:
            said = await asyncio.wait_for(self.said.get(), PATIENCE_S)
            print("    neerc: " + said.replace("\n", "\n           "), flush=True)
            if wanted in said:
                return


async def main():
    you = Person("you@example.org", "correct-horse", sys.argv[1])
    hall = Person("hall1@example.org", "battery-staple", sys.argv[1])
    await you.come()
    await hall.come()
    await you.ask("@todo hall1 Bring water", "Bring water")
    await hall.ask("tasks", "Bring water")
    await hall.ask("done 1", "Task 1: done")
    await you.ask("show 1", "hall1: done")


asyncio.run(main())

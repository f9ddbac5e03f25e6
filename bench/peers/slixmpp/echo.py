"""The echo job of the bench with slixmpp: answers #ping, and #tasks from a model in memory.

usage: echo.py PORT
"""

import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from slixmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

NS = "http://neerc.ifmo.ru/protocol/neerc"
TYPES = ("none", "running", "success", "fail")


@dataclass
class Status:
    who: str
    type: str
    value: str = ""


@dataclass
class Task:
    id: int
    title: str
    type: str
    timestamp: int
    statuses: list[Status]


MODEL = [
    Task(
        i,
        f"Bring the balloons of problem {chr(ord('A') + (i - 1) % 13)} from the store to its hall",
        "todo",
        1512700000000 + i,
        [Status(f"hall{j}", TYPES[(i + j) % 4]) for j in range(1, 18)],
    )
    for i in range(1, 17)
]


class Echo(ComponentXMPP):
    def __init__(self, port: int) -> None:
        super().__init__("neerc.localhost", "secret", "127.0.0.1", port)
        for name, handler in (("ping", self.ping), ("tasks", self.tasks)):
            path = f"{{jabber:component:accept}}iq/{{{NS}#{name}}}query"
            self.register_handler(Callback(name, MatchXPath(path), handler))
        self.add_event_handler("disconnected", lambda _: self.loop.stop())

    def ping(self, iq) -> None:
        iq.reply().send()

    def tasks(self, iq) -> None:
        query = ET.Element(f"{{{NS}#tasks}}query")
        for task in MODEL:
            attributes = {"id": str(task.id), "title": task.title, "type": task.type, "timestamp": str(task.timestamp)}
            element = ET.SubElement(query, f"{{{NS}#tasks}}task", attributes)
            for status in task.statuses:
                attributes = {"for": status.who, "type": status.type, "value": status.value}
                ET.SubElement(element, f"{{{NS}#tasks}}status", attributes)
        reply = iq.reply()
        reply.append(query)
        reply.send()


echo = Echo(int(sys.argv[1]))
echo.connect()
echo.loop.run_forever()

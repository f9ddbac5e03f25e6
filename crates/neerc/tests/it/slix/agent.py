"""Many XMPP sessions in one process, driven by JSON lines on stdin; answers and events are JSON lines on stdout.

Request:  {"id": 1, "op": "login", "session": 7, ...}
Answer:   {"reply": 1, "value": ...} or {"reply": 1, "failure": "why"}
Event:    {"session": 7, "stanza": TREE}, for everything the server sends to that session, in its order, and always
          before the answer to a request that it completes. {"session": 7, "closed": "why"} when the stream ends.
TREE:     {"name", "ns", "attrs", "text", "children", "xml"}; "xml" only at the top.

It interprets nothing and answers nothing by itself but what an ordinary library answers (unknown IQs, say).
"""

import asyncio
import json
import sys
from xml.etree import ElementTree

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0004.stanza.form import Form
from slixmpp.xmlstream.tostring import tostring

CLIENT = "jabber:client"
LIMIT_S = 30
# Shorter tags come in one piece.
LONG_TAG_BYTES = 1024


def emit(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def split(tag):
    ns, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    return ns, name


def tree(element):
    ns, name = split(element.tag)
    attrs = {key.replace("{http://www.w3.org/XML/1998/namespace}", "xml:"): value for key, value in element.attrib.items()}
    children = [tree(child) for child in element if isinstance(child.tag, str)]
    return {"name": name, "ns": ns, "attrs": attrs, "text": element.text or "", "children": children}


class Session(ClientXMPP):
    def __init__(self, number, jid, password):
        super().__init__(jid, password, sasl_mech="PLAIN")
        self.number = number
        self.enable_direct_tls = False
        self.enable_starttls = False
        self.enable_plaintext = True
        self["feature_mechanisms"].unencrypted_plain = True
        for plugin in ("xep_0030", "xep_0004", "xep_0050"):
            self.register_plugin(plugin)
        self.waiting = []
        self.ready = asyncio.get_running_loop().create_future()
        self.add_filter("in", self.seen)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_all_auth", lambda _: self.fail("authentication failed"))
        self.add_event_handler("connection_failed", lambda why: self.fail(f"connection failed: {why}"))
        self.add_event_handler("disconnected", self.gone)

    def started(self, _):
        if not self.ready.done():
            self.ready.set_result(None)

    def fail(self, why):
        self.cancel_connection_attempt()
        for future in [self.ready] + [future for _, future in self.waiting]:
            if not future.done():
                future.set_exception(RuntimeError(why))
        self.waiting = []

    def gone(self, why):
        emit({"session": self.number, "closed": str(why)})
        self.fail(f"the stream ended: {why}")

    def seen(self, stanza):
        """Every stanza from the server passes here before anything else looks at it."""
        element = stanza.xml
        ns, name = split(element.tag)
        if name in ("message", "presence", "iq") and ns == CLIENT:
            parsed = tree(element)
            parsed["xml"] = tostring(element, xmlns=CLIENT, top_level=True)
            emit({"session": self.number, "stanza": parsed})
            for entry in list(self.waiting):
                wanted, future = entry
                if not future.done() and wanted(parsed):
                    future.set_result(parsed)
                    self.waiting.remove(entry)
        return stanza

    def data_received(self, data):
        """Nothing that has come waits for more, as the library's parser would have it since libexpat 2.6."""
        super().data_received(data)
        if self.parser is not None and hasattr(self.parser, "flush"):
            self.parser.flush()
            super().data_received(b"")

    def push(self, xml):
        """Sends text, and behind a long tag as much white space: the server's parser waits for that."""
        longest = max(len(tag) for tag in xml.encode().split(b"<"))
        self.send_raw(xml + " " * (longest + 1 if longest >= LONG_TAG_BYTES else 0))

    async def answer(self, xml, wanted, limit_s):
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((wanted, future))
        self.push(xml)
        return await asyncio.wait_for(future, limit_s)


sessions = {}
running = set()


def keep(task):
    """The loop itself holds tasks weakly only."""
    running.add(task)
    task.add_done_callback(running.discard)


async def login(request):
    session = Session(request["session"], request["jid"], request["password"])
    sessions[request["session"]] = session
    session.connect(request["host"], request["port"])
    await asyncio.wait_for(session.ready, LIMIT_S)
    return session.boundjid.full


async def send(request):
    sessions[request["session"]].push(request["xml"])


async def iq(request):
    """Sends bytes that hold an IQ with the given id and waits for the answer with that id."""
    wanted = lambda stanza: (
        stanza["name"] == "iq"
        and stanza["attrs"].get("id") == request["stanza_id"]
        and stanza["attrs"].get("type") in ("result", "error")
    )
    return await sessions[request["session"]].answer(request["xml"], wanted, request.get("limit_s", LIMIT_S))


def own_presence(occupant):
    def wanted(stanza):
        if stanza["name"] != "presence" or stanza["attrs"].get("from", "").lower() != occupant.lower():
            return False
        codes = [status["attrs"].get("code") for x in stanza["children"] for status in x["children"]]
        return "110" in codes or stanza["attrs"].get("type") == "error"

    return wanted


async def presence(request):
    """Sends a presence to a room and waits for the own presence there, or the refusal."""
    return await sessions[request["session"]].answer(request["xml"], own_presence(request["occupant"]), LIMIT_S)


def fill(form, values):
    """What the library makes of a form and the values of its fields."""
    filled = {var: values[var] for var in form.get_fields() if var in values} if form is not None else values
    submitted = Form()
    submitted["type"] = "submit"
    for var, value in filled.items():
        submitted.add_field(var=var, ftype="list-multi" if isinstance(value, list) else "text-single", value=value)
    return submitted


async def command(request):
    """Runs an ad-hoc command as the library does: in one step, or by forms until there are none. The last answer."""
    session = sessions[request["session"]]
    runs = session["xep_0050"]
    values = request["values"]
    options = {"jid": request["to"], "node": request["node"], "timeout": LIMIT_S}
    try:
        if request["way"] == "step":
            answer = await runs.send_command(action="execute", payload=fill(None, values), flow=False, **options)
        else:
            answer = await runs.send_command(action="execute", flow=False, **options)
        while request["way"] == "forms" and answer["command"]["status"] == "executing":
            if any(kind == "error" for kind, _ in answer["command"]["notes"]):
                break
            action = "next" if "next" in answer["command"]["actions"] else "complete"
            payload = fill(answer["command"]["form"], values)
            sid = answer["command"]["sessionid"]
            answer = await runs.send_command(action=action, sessionid=sid, payload=payload, flow=False, **options)
    except IqError as error:
        answer = error.iq
    parsed = tree(answer.xml)
    parsed["xml"] = tostring(answer.xml, xmlns=CLIENT, top_level=True)
    return parsed


async def logout(request):
    """Begins to end the stream in the orderly way; servers take up to 100 ms for it, which nobody waits for."""
    session = sessions.pop(request["session"], None)
    if session is not None:
        keep(session.disconnect(wait=1))


async def cut(request):
    """Ends the connection without a word."""
    session = sessions.pop(request["session"])
    session.transport.abort()


OPERATIONS = {"login": login, "send": send, "iq": iq, "presence": presence, "command": command, "logout": logout, "cut": cut}


async def serve(request):
    try:
        emit({"reply": request["id"], "value": await OPERATIONS[request["op"]](request)})
    except Exception as problem:  # whatever it is, the test is to see it
        emit({"reply": request["id"], "failure": f"{type(problem).__name__}: {problem}"})


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        keep(asyncio.ensure_future(serve(json.loads(line))))


if __name__ == "__main__":
    asyncio.run(main())

// The echo job of the bench with @xmpp/component: answers #ping, and #tasks from a model in memory.
// usage: node echo.js PORT
import { component, xml } from "@xmpp/component";

const NS = "http://neerc.ifmo.ru/protocol/neerc";
const TYPES = ["none", "running", "success", "fail"];

const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);
const model = numbers(16).map((id) => ({
  id,
  title: `Bring the balloons of problem ${String.fromCharCode(65 + ((id - 1) % 13))} from the store to its hall`,
  type: "todo",
  timestamp: 1512700000000 + id,
  statuses: numbers(17).map((hall) => ({ who: `hall${hall}`, type: TYPES[(id + hall) % 4], value: "" })),
}));

const tasks = () =>
  xml(
    "query",
    { xmlns: `${NS}#tasks` },
    model.map(({ id, title, type, timestamp, statuses }) =>
      xml(
        "task",
        { id, title, type, timestamp },
        statuses.map(({ who, type, value }) => xml("status", { for: who, type, value })),
      ),
    ),
  );

const connection = component({
  service: `xmpp://127.0.0.1:${process.argv[2]}`,
  domain: "neerc.localhost",
  password: "secret",
});
connection.iqCallee.get(`${NS}#ping`, "query", () => true);
connection.iqCallee.get(`${NS}#tasks`, "query", tasks);
connection.on("error", () => process.exit(1));
connection.on("disconnect", () => process.exit(0));
await connection.start();

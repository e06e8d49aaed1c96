/**
 * The entry to services that run together: every name at ports 80 and ENTRY_PORT, the first
 * service at /. The services find one another here too, as `http://<name>`.
 */
import { createServer } from "node:http";
import type { Upstream } from "./entry-forward.ts";
import { forward, hostOf, sayUnknown } from "./entry-forward.ts";
import { routeOf } from "../src/lib/entry-route.ts";

const upstreams = new Map(Object.entries(JSON.parse(process.env["SERVICES"] ?? "{}") as Record<string, Upstream>));
const names = [...upstreams.keys()];

const server = () =>
  createServer((request, response) => {
    const decision = routeOf(hostOf(request), request.url ?? "/", names, process.env["FIRST"]);
    const upstream = "name" in decision && decision.name !== undefined ? upstreams.get(decision.name) : undefined;
    if (upstream === undefined || !("name" in decision)) return sayUnknown(response, decision, names, "there is no service");
    forward(request, response, decision.name!, decision.path, upstream);
  });

process.on("SIGTERM", () => process.exit(0));
for (const port of [80, Number(process.env["ENTRY_PORT"] ?? "8080")]) server().listen(port, "0.0.0.0");

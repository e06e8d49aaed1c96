/** Real servers for the tests. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { Lifecycle } from "../src/lifecycle.ts";

interface Listening {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface Running extends Listening {
  readonly server: Server;
  readonly lifecycle: Lifecycle;
  readonly logged: Record<string, unknown>[];
}

/** Starts the service's own server on a free port. */
export async function startApp(env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const lifecycle = new Lifecycle();
  const logged: Record<string, unknown>[] = [];
  const server = createApp(readConfig(env), lifecycle, (level, message, fields) => {
    logged.push({ level, message, ...fields });
  });
  return { ...(await listening(server)), server, lifecycle, logged };
}

/** Starts a server that plays the backend. */
export function startBackend(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  return listening(createServer(answer));
}

async function listening(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** An answer of the backend, in the form that its own tests prove. */
export function statusBody(service: Readonly<Record<string, unknown>> = {}): { environments: object[]; [field: string]: unknown } {
  return {
    status: "ok",
    reason: null,
    observedAt: "2026-11-22T03:00:00Z",
    source: {
      repository: "git://gitops/gitops.git",
      branch: "main",
      revision: "c".repeat(40),
      time: "2026-11-22T02:30:00Z",
    },
    live: { status: "ok", reason: null, observedAt: "2026-11-22T03:00:00Z" },
    environments: [
      {
        name: "dev",
        status: "ok",
        reason: null,
        services: [
          {
            name: "backend",
            status: "ok",
            reason: null,
            owner: "team-platform",
            version: "2026.11.22-ab12cd3",
            sourceRevision: "ab12cd3".padEnd(40, "0"),
            sourceTime: "2026-11-22T02:00:00Z",
            digest: "sha256:" + "d".repeat(64),
            image: "registry.golden-path.internal/backend@sha256:" + "d".repeat(64),
            lastPromotion: {
              commit: "e".repeat(40),
              time: "2026-11-22T04:30:00+02:00",
              author: "Pipeline",
              runId: "run-7",
            },
            sync: "unknown",
            health: "unknown",
            holds: null,
            ...service,
          },
        ],
      },
      { name: "prod", status: "ok", reason: null, services: [] },
    ],
  };
}

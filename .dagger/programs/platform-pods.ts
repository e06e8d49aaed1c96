import { Agent } from "node:http";
import type { AgentOptions, ClientRequestArgs } from "node:http";
import { Duplex } from "node:stream";
import type { Pod } from "../src/lib/kube.ts";
import { livePods, notReady } from "../src/lib/kube.ts";
import type { Api } from "./integrate-api.ts";

const PROTOCOL = "v4.channel.k8s.io";
/** Channel 0 carries data, channel 1 errors; each begins with the port's number. */
const DATA = 0;
const OPEN_MS = 10_000;

/** A byte stream to a pod's port, as `kubectl port-forward` makes one; no policy between pods concerns it. */
export class PodConnection extends Duplex {
  readonly #socket: WebSocket;
  readonly #begun = new Set<number>();
  #error = "";

  constructor(address: string, port: number, opened: (error: Error | null, stream: PodConnection) => void) {
    super();
    this.#socket = new WebSocket(`${address}?ports=${port}`, [PROTOCOL]);
    this.#socket.binaryType = "arraybuffer";
    let told = false;
    const tell = (error: Error | null) => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      opened(error, this);
    };
    const timer = setTimeout(() => tell(new Error(`the pod's port ${port} did not open within ${OPEN_MS / 1000} s`)), OPEN_MS);
    this.#socket.onopen = () => tell(null);
    this.#socket.onerror = () => tell(new Error(`the pod's port ${port} cannot be reached`));
    this.#socket.onmessage = ({ data }) => this.#hear(Buffer.from(data as ArrayBuffer));
    this.#socket.onclose = () => {
      tell(new Error("the cluster closed the connection to the pod"));
      if (this.#error === "") this.push(null);
      else this.destroy(new Error(this.#error));
    };
  }

  #hear(message: Buffer): void {
    const channel = message[0] ?? 0;
    let rest = message.subarray(1);
    if (!this.#begun.has(channel)) {
      this.#begun.add(channel);
      rest = rest.subarray(2);
    }
    if (rest.length === 0) return;
    if (channel === DATA) this.push(rest);
    else this.#error += rest.toString();
  }

  override _read(): void {
    // A WebSocket cannot be held back; answers here are small.
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return done(new Error("the connection to the pod has ended"));
    this.#socket.send(Buffer.concat([Buffer.from([DATA]), chunk]));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.close();
    done(error);
  }

  // What HTTP expects of a socket.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** Connects HTTP requests to a ready pod of a service, chosen anew for each. */
export class PodAgent extends Agent {
  readonly #api: Api;
  readonly #namespace: string;
  readonly #service: string;

  constructor(api: Api, namespace: string, service: string, options?: AgentOptions) {
    super(options);
    this.#api = api;
    this.#namespace = namespace;
    this.#service = service;
  }

  override createConnection(_: ClientRequestArgs, opened?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#target().then(
      ({ path, port }) => new PodConnection(`${this.#api.base.replace(/^http/, "ws")}${path}`, port, opened ?? (() => undefined)),
      (error: unknown) => opened?.(error instanceof Error ? error : new Error(String(error)), undefined as unknown as Duplex),
    );
  }

  async #target(): Promise<{ path: string; port: number }> {
    const pods = `/api/v1/namespaces/${this.#namespace}/pods`;
    const selector = encodeURIComponent(`app.kubernetes.io/name=${this.#service}`);
    const live = livePods(await this.#api.list<Pod>(`${pods}?labelSelector=${selector}`));
    const ready = live.find((pod) => notReady(pod) === undefined);
    if (ready === undefined) throw new Error(live.length === 0 ? "it has no pod" : (notReady(live[0]!) ?? "no pod is ready"));
    return { path: `${pods}/${ready.metadata.name}/portforward`, port: portOf(ready) };
  }
}

function portOf(pod: Pod): number {
  interface Spec {
    containers?: { ports?: { name?: string; containerPort: number }[] }[];
  }
  const ports = ((pod as unknown as { spec?: Spec }).spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return (ports.find(({ name }) => name === "http") ?? ports[0])?.containerPort ?? 80;
}

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { KubeObject } from "../src/lib/kube.ts";
import { groupPath, objectPath } from "../src/lib/kube.ts";
import { Cause } from "./integrate-progress.ts";

/** The API server said no, or did not answer (status 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed a moment later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 409 || this.status === 429 || this.status >= 500;
  }
}

const NO_CONNECTION = /^(dial tcp|read tcp|write tcp|EOF|unexpected EOF|net\/http|http: |context )/;

interface Discovered {
  plural: string;
  namespaced: boolean;
}

const REQUEST_TIMEOUT_MS = 20_000;
const PROXY_TIMEOUT_MS = 15_000;
/** An API server that once answered and then is silent for so long has died; no wait should outlast it. */
const LOST_AFTER_MS = 40_000;
const FIELD_MANAGER = "golden-path";

/**
 * The Kubernetes API through one `kubectl proxy`: it carries the credentials, and a request costs
 * milliseconds where a kubectl process would cost a tenth of a second of two busy cores.
 */
export class Api {
  readonly #proxy: ChildProcess;
  readonly #base: string;
  /** When the API server last answered; undefined before its first answer. */
  #answered: number | undefined;
  /** What is wrong with the cluster as far as was seen: told if it then stops answering. */
  trouble: string | undefined;
  readonly #kinds = new Map<string, Promise<Map<string, Discovered>>>();

  private constructor(proxy: ChildProcess, base: string) {
    this.#proxy = proxy;
    this.#base = base;
  }

  static async open(): Promise<Api> {
    const proxy = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const address = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`starting kubectl proxy: ${why}: ${said.trim() || "no output"}`));
      const timer = setTimeout(() => fail("no address"), PROXY_TIMEOUT_MS);
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const match = /Starting to serve on (\S+)/.exec(said);
        if (match?.[1] === undefined) return;
        clearTimeout(timer);
        resolve(match[1]);
      };
      proxy.stdout.on("data", hear);
      proxy.stderr.on("data", hear);
      proxy.once("error", (error) => fail(error.message));
      proxy.once("exit", (code) => fail(`it ended with exit code ${code}`));
    });
    return new Api(proxy, `http://${address}`);
  }

  /** Where `kubectl proxy` answers. */
  get base(): string {
    return this.#base;
  }

  close(): void {
    this.#proxy.kill();
  }

  /** A raw request; any status is an answer. */
  async request(method: string, path: string, body?: unknown, type = "application/json"): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(this.#base + path, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": type } }),
      });
      const answer = { status: response.status, text: await response.text() };
      // kubectl proxy reports its own failure to connect as an answer.
      if (answer.status >= 500 && NO_CONNECTION.test(answer.text)) this.#checkLost(answer.text.trim());
      else this.#answered = performance.now();
      return answer;
    } catch (error) {
      if (error instanceof Cause) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      const message = `${error instanceof Error ? error.message : String(error)}${cause}`;
      this.#checkLost(message);
      throw new ApiError(0, `${method} ${path}: ${message}`);
    }
  }

  #checkLost(message: string): void {
    if (this.#answered === undefined || performance.now() - this.#answered < LOST_AFTER_MS) return;
    const before = this.trouble === undefined ? "" : `; before that, ${this.trouble}`;
    throw new Cause(`the cluster stopped answering (${message})${before}; the log of its service says why`);
  }

  /** The object at a path; undefined when it does not exist. */
  async get<T = KubeObject>(path: string): Promise<T | undefined> {
    const answer = await this.request("GET", path);
    if (answer.status === 404) return undefined;
    return this.#parsed<T>(answer, `GET ${path}`);
  }

  /** The items of a list; empty when the kind or namespace is not known yet. */
  async list<T = KubeObject>(path: string): Promise<T[]> {
    return (await this.get<{ items: T[] }>(path))?.items ?? [];
  }

  async mergePatch(path: string, patch: unknown): Promise<KubeObject> {
    const answer = await this.request("PATCH", path, patch, "application/merge-patch+json");
    return this.#parsed(answer, `PATCH ${path}`);
  }

  async remove(path: string): Promise<void> {
    const answer = await this.request("DELETE", path);
    if (answer.status !== 404) this.#parsed(answer, `DELETE ${path}`);
  }

  /** Server-side apply, taking over fields that someone else set. */
  async apply(object: KubeObject, manager = FIELD_MANAGER): Promise<KubeObject> {
    const path = await this.pathOf(object);
    const query = `?fieldManager=${manager}&force=true`;
    const answer = await this.request("PATCH", path + query, object, "application/apply-patch+yaml");
    return this.#parsed(answer, `applying ${object.kind}/${object.metadata.name}`);
  }

  async pathOf(object: KubeObject): Promise<string> {
    const found = (await this.#discover(object.apiVersion)).get(object.kind);
    if (found === undefined) {
      this.#kinds.delete(object.apiVersion);
      throw new ApiError(503, `${object.kind} of ${object.apiVersion} is not known to the API server yet`);
    }
    const metadata = found.namespaced ? object.metadata : { name: object.metadata.name };
    return objectPath({ apiVersion: object.apiVersion, metadata }, found.plural);
  }

  #discover(apiVersion: string): Promise<Map<string, Discovered>> {
    let known = this.#kinds.get(apiVersion);
    if (known === undefined) {
      known = this.#askKinds(apiVersion);
      // A failed question must be asked again.
      known.catch(() => this.#kinds.delete(apiVersion));
      this.#kinds.set(apiVersion, known);
    }
    return known;
  }

  async #askKinds(apiVersion: string): Promise<Map<string, Discovered>> {
    interface Resource {
      name: string;
      kind: string;
      namespaced: boolean;
    }
    const found = await this.get<{ resources: Resource[] }>(groupPath(apiVersion));
    const own = (found?.resources ?? []).filter((resource) => !resource.name.includes("/"));
    return new Map(own.map((r) => [r.kind, { plural: r.name, namespaced: r.namespaced }]));
  }

  #parsed<T>(answer: { status: number; text: string }, doing: string): T {
    if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.text) as T;
    let message = answer.text.trim();
    try {
      message = (JSON.parse(answer.text) as { message?: string }).message ?? message;
    } catch {
      // Not a Status object: the text itself is the message.
    }
    throw new ApiError(answer.status, `${doing}: ${answer.status} ${message}`);
  }
}

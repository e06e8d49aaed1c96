/** Real repositories, servers and releases for the GitOps tests. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Release } from "../../../.dagger/src/lib/release.ts";
import { releaseFiles, renderRelease } from "../../../.dagger/src/lib/release.ts";
import { parseServiceSpec, type ServiceSpec } from "../../../.dagger/src/lib/service-spec.ts";
import { goldenBase } from "../../test/helpers.ts";
import type { WriteInput } from "../../../.dagger/src/lib/gitops-io.ts";
import type { Effects } from "../../../.dagger/programs/gitops-writer.ts";

/** sshd insists on being started by its whole path. */
export const SSHD = "/usr/sbin/sshd";

const ENV = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Other Team",
  GIT_AUTHOR_EMAIL: "other@example.com",
  GIT_COMMITTER_NAME: "Other Team",
  GIT_COMMITTER_EMAIL: "other@example.com",
};

export function git(args: string[], options: { input?: Buffer; env?: Record<string, string> } = {}): string {
  return execFileSync("git", args, { input: options.input ?? "", env: { ...ENV, ...options.env }, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

/** A folder that goes away with `close`, and what was started in it. */
export class Scene {
  readonly dir = mkdtempSync(join(tmpdir(), "gitops-test-"));
  readonly #processes: ChildProcess[] = [];
  readonly #servers: Server[] = [];

  /** An empty bare repository without any identity configured. */
  bare(name = "gitops.git"): string {
    const path = join(this.dir, name);
    git(["init", "--quiet", "--bare", "--initial-branch=main", path]);
    return path;
  }

  /** Another team's commit: files (or null to remove) on top of the branch; returns its hash. */
  push(bare: string, files: Record<string, string | Buffer | null>, message = "their work", branch = "main"): string {
    const ref = `refs/heads/${branch}`;
    const tip = git(["-C", bare, "for-each-ref", "--format=%(objectname)", ref]).trim();
    const parts = [`commit ${ref}\ncommitter Other Team <other@example.com> ${Math.floor(Date.now() / 1000)} +0000\ndata ${message.length}\n${message}\n`];
    if (tip !== "") parts.push(`from ${tip}\n`);
    const chunks = [Buffer.from(parts.join(""))];
    for (const [path, content] of Object.entries(files)) {
      const name = `"${path.replaceAll('"', '\\"')}"`;
      const bytes = Buffer.from(content ?? "");
      chunks.push(content === null ? Buffer.from(`D ${name}\n`) : Buffer.concat([Buffer.from(`M 100755 inline ${name}\ndata ${bytes.length}\n`), bytes, Buffer.from("\n")]));
    }
    git(["-C", bare, "fast-import", "--quiet"], { input: Buffer.concat(chunks) });
    return git(["-C", bare, "rev-parse", ref]).trim();
  }

  hook(bare: string, name: string, script: string): void {
    writeFileSync(join(bare, "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Serves the folder over git://, the protocol of the pipeline's own servers; returns the port. */
  async daemon(): Promise<number> {
    const port = await freePort();
    const program = join(git(["--exec-path"]).trim(), "git-daemon");
    const args = ["--listen=127.0.0.1", `--port=${port}`, "--reuseaddr", `--base-path=${this.dir}`, "--export-all", "--enable=receive-pack", "--informative-errors"];
    this.#processes.push(spawn(program, args, { env: { ...ENV, GIT_CONFIG_COUNT: "0" }, stdio: "ignore" }));
    for (let left = 100; left > 0; left--) {
      try {
        git(["ls-remote", `git://127.0.0.1:${port}/gitops.git`]);
        return port;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error("git daemon did not answer within 5 s");
  }

  /** A listener that takes connections and never says a word. */
  async silent(): Promise<number> {
    const server = createServer((socket) => socket.on("error", () => undefined));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  /** Git's own http backend behind a server that asks for a password; returns the address of the repository. */
  async http(user: string, password: string, onRequest: (url: string) => number | "hang" | undefined = () => undefined, tls?: { key: string; cert: string }, address = "127.0.0.1"): Promise<string> {
    const answer: RequestListener = (request, response) => {
      const trouble = onRequest(request.url ?? "");
      if (trouble === "hang") return;
      if (trouble !== undefined) {
        response.writeHead(trouble).end("in trouble");
        return;
      }
      const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      if (request.headers.authorization !== wanted) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
        return;
      }
      const { pathname, search } = new URL(request.url ?? "/", "http://x");
      const cgi = {
        GIT_PROJECT_ROOT: this.dir,
        GIT_HTTP_EXPORT_ALL: "1",
        REMOTE_USER: user,
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method ?? "GET",
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      };
      const backend = spawn("git", ["http-backend"], { env: { ...ENV, ...cgi }, stdio: ["pipe", "pipe", "ignore"] });
      const chunks: Buffer[] = [];
      backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      backend.stdin.on("error", () => undefined);
      request.pipe(backend.stdin);
      backend.on("close", () => {
        const output = Buffer.concat(chunks);
        const end = output.indexOf("\r\n\r\n");
        const headers = output.subarray(0, end).toString().split("\r\n").map((line) => line.split(": ") as [string, string]);
        const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
        response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers)).end(output.subarray(end + 4));
      });
    };
    const server = tls === undefined ? createHttpServer(answer) : createHttpsServer(tls, answer);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return `http${tls === undefined ? "" : "s"}://${address}:${(server.address() as AddressInfo).port}/gitops.git`;
  }

  /** A key and a certificate for 127.0.0.1 that nobody has signed; returns them with the certificate's file. */
  certificate(): { key: string; cert: string; file: string } {
    const [key, file] = [join(this.dir, "tls.key"), join(this.dir, "tls.crt")];
    const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out", file, ...names], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(file, "utf8"), file };
  }

  /** Debian's sshd for one key that may run git here; returns the address and the files that a client needs. */
  async ssh(address = "127.0.0.1"): Promise<{ url: string; sshKeyFile: string; knownHostsFile: string }> {
    const port = await freePort();
    const file = (name: string): string => join(this.dir, name);
    for (const name of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file(name)]);
    const key = (name: string): string => readFileSync(file(`${name}.pub`), "utf8").trim();
    writeFileSync(file("authorized"), `${key("user")}\n`, { mode: 0o600 });
    writeFileSync(file("known_hosts"), `[${address}]:${port} ${key("host")}\n`);
    writeFileSync(file("sshd_config"), [
      `Port ${port}`, `ListenAddress ${address}`, `HostKey ${file("host")}`, `AuthorizedKeysFile ${file("authorized")}`, `PidFile ${file("sshd.pid")}`,
      "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin prohibit-password", "MaxStartups 100", "",
    ].join("\n"));
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    this.#processes.push(spawn(SSHD, ["-D", "-e", "-f", file("sshd_config")], { stdio: "ignore" }));
    const url = `ssh://${userInfo().username}@${address}:${port}${this.dir}/gitops.git`;
    return { url, sshKeyFile: file("user"), knownHostsFile: file("known_hosts") };
  }

  close(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
    for (const server of this.#servers) {
      server.close();
      if ("closeAllConnections" in server) (server as HttpServer).closeAllConnections();
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function log(bare: string, format = "%s", branch = "main"): string[] {
  return git(["-C", bare, "log", `--format=${format}`, branch]).trimEnd().split("\n");
}

export function show(bare: string, path: string, branch = "main"): string {
  return git(["-C", bare, "show", `${branch}:${path}`]);
}

export function release(service: string, day: number, changes: Partial<Release> = {}): Release {
  const hex = (seed: string): string => Buffer.from(seed.padEnd(32, ".")).toString("hex").slice(0, 64);
  const digest = `sha256:${hex(`${service}-${day}`)}`;
  const revision = hex(`${day}-${service}`).slice(0, 40);
  const date = String(day).padStart(2, "0");
  return {
    service,
    owner: "team-platform",
    env: "dev",
    version: `2026.11.${date}-${revision.slice(0, 7)}`,
    sourceRevision: revision,
    sourceTime: `2026-11-${date}T02:00:00Z`,
    image: `registry.golden-path.internal/${service}@${digest}`,
    digest,
    ...changes,
  };
}

/** What one run wants to write: per release its record and two manifests. */
export function wanted(url: string, releases: Release[], changes: Partial<WriteInput> = {}): WriteInput {
  const desired: Record<string, string> = {};
  for (const each of releases) {
    const folder = `env/${each.env}/${each.service}`;
    desired[`${folder}/release.yaml`] = renderRelease(each);
    desired[`${folder}/manifests/deployment.yaml`] = `kind: Deployment\n# ünïcode\nimage: ${each.image}\n`;
    desired[`${folder}/manifests/service.yaml`] = "kind: Service\n";
  }
  return {
    remote: { url, branch: "main" },
    desired,
    owned: releases.map((each) => `env/${each.env}/${each.service}`),
    runId: "run-1",
    verdicts: { integrate: "passed", scan: "passed" },
    author: { name: "Golden Path", email: "golden-path@example.com" },
    ...changes,
  };
}

/** Waits shortened two hundred times; everything else real. */
export function effects(changes: Partial<Effects> = {}): Effects & { lines: string[]; waits: number[] } {
  const lines: string[] = [];
  const waits: number[] = [];
  return {
    lines,
    waits,
    sleep: (seconds) => {
      waits.push(seconds);
      return new Promise((resolve) => setTimeout(resolve, seconds * 5));
    },
    random: Math.random,
    now: Date.now,
    log: (line) => void lines.push(line),
    ...changes,
  };
}

/** The message of the error that the promise ends with. */
export async function sentence(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}

/** As `wanted`, but with folders rendered from the golden base, as a run of the pipeline writes them. */
export function rendered(url: string, releases: Release[], changes: Partial<WriteInput> = {}): WriteInput {
  const desired = Object.assign({}, ...releases.map((each) => releaseFiles(specOf(each.service), each, goldenBase()))) as Record<string, string>;
  const evidence = Object.fromEntries(releases.map(({ service }) => [service, { worstFinding: "medium" as const, failOn: "high" as const, scanData: "2026-11-21" }]));
  return { ...wanted(url, releases), desired, evidence, by: "ci", ...changes };
}

export function specOf(service: string): ServiceSpec {
  return parseServiceSpec(`name: ${service}\nowner: team-platform\nlanguage: node\nport: 8080\nexpose: true\nenv: {GREETING: "yes"}\n`, `service/${service}/service.yaml`);
}

/** The part of an input that promote, rollback and lift share. */
export function asked(url: string, runId: string): Pick<WriteInput, "remote" | "runId" | "by" | "author"> {
  return { remote: { url, branch: "main" }, runId, by: "pat", author: { name: "Golden Path", email: "golden-path@example.com" } };
}

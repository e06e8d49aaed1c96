/**
 * Looks for credentials in every version of every file that a Git history holds, or in the layers of an image:
 *   find-secrets.ts history <work tree>       (and for misconfigured infrastructure code at its HEAD)
 *   find-secrets.ts layers <OCI archive>      (and for programs with setuid or setgid)
 * Writes what it looked at and what it found as JSON; never the credential itself.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type InfrastructureHit, infrastructureFindings, infrastructureKind, unreadInfrastructure } from "../src/lib/infrastructure.ts";
import { type SecretHit, secretsIn } from "../src/lib/secret-patterns.ts";

/** Larger files are no texts that people write; they are counted, and told. */
const MAX_BYTES = 1024 * 1024;

interface Looked {
  files: number;
  skipped: number;
  hits: (SecretHit & { commit?: string })[];
}

function git(folder: string, args: string[], input?: string): Promise<Buffer> {
  // A checked-out repository's settings must not start programs.
  return output("git", ["-C", folder, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*", ...args], input);
}

async function output(program: string, args: string[], input = ""): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: 300_000 });
  const parts: Buffer[] = [];
  let said = "";
  child.stdout.on("data", (data: Buffer) => parts.push(data));
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`looking for secrets: ${program} ${args.find((arg) => !arg.startsWith("-")) ?? ""} ended with ${code ?? "its time limit"} (${said.trim().split("\n").at(-1) ?? ""})`);
  return Buffer.concat(parts);
}

interface LookedInHistory extends Looked {
  /** The checkout's own infrastructure code as it is now: how much was read, what no rule reads, what is wrong. */
  infrastructure: { files: number; unread: Record<string, number>; hits: InfrastructureHit[] };
}

async function history(folder: string): Promise<LookedInHistory> {
  const listed = (await git(folder, ["rev-list", "--objects", "--all", "--no-object-names"])).toString("utf8").trim();
  if (listed === "") throw new Error("looking for secrets: the history holds nothing, so nothing was looked at");
  const named = new Map<string, string>();
  for (const line of (await git(folder, ["rev-list", "--objects", "--all"])).toString("utf8").split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) named.set(line.slice(0, space), line.slice(space + 1));
  }
  const looked: LookedInHistory = { files: 0, skipped: 0, hits: [], infrastructure: await infrastructure(folder) };
  const checked = (await git(folder, ["cat-file", "--batch-check"], `${listed}\n`)).toString("utf8").split("\n");
  const blobs = checked.map((line) => line.split(" ")).filter(([, type]) => type === "blob");
  const small = blobs.filter(([, , size]) => Number(size) <= MAX_BYTES).map(([hash]) => hash!);
  looked.skipped = blobs.length - small.length;
  // In portions: a long history must not lie in memory at once.
  for (let at = 0; at < small.length; at += 500) {
    const batch = await git(folder, ["cat-file", "--batch"], `${small.slice(at, at + 500).join("\n")}\n`);
    for (let from = 0; from < batch.length;) {
      const end = batch.indexOf(10, from);
      const [hash = "", , size = "0"] = batch.subarray(from, end).toString("utf8").split(" ");
      const content = batch.subarray(end + 1, end + 1 + Number(size));
      from = end + 2 + Number(size);
      looked.files++;
      if (content.includes(0)) continue;
      for (const hit of secretsIn(content.toString("utf8"), named.get(hash) ?? hash)) {
        const commit = (await git(folder, ["log", "--all", "--format=%h", "-1", `--find-object=${hash}`])).toString("utf8").trim();
        looked.hits.push({ ...hit, commit });
      }
    }
  }
  return looked;
}

async function infrastructure(folder: string): Promise<LookedInHistory["infrastructure"]> {
  const looked: LookedInHistory["infrastructure"] = { files: 0, unread: {}, hits: [] };
  const pass = (kind: string): void => void (looked.unread[kind] = (looked.unread[kind] ?? 0) + 1);
  const entries = (await git(folder, ["ls-tree", "-r", "-l", "-z", "HEAD"])).toString("utf8").split("\0").flatMap((line) => {
    const [, hash = "", size = "", path] = /^\d+ blob ([0-9a-f]+) +(\d+)\t([\s\S]+)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ hash, size: Number(size), path }];
  });
  for (const { hash, size, path } of entries) {
    const unread = unreadInfrastructure(path);
    if (unread !== undefined) pass(unread);
    else if (infrastructureKind(path) !== undefined && size <= MAX_BYTES) {
      const { read, unread: kind, hits } = infrastructureFindings(path, (await git(folder, ["cat-file", "blob", hash])).toString("utf8"));
      if (read) looked.files++;
      if (kind !== undefined) pass(kind);
      looked.hits.push(...hits);
      // JSON of that size is data.
    } else if (size > MAX_BYTES && infrastructureKind(path) !== undefined && !path.endsWith(".json")) pass("YAML above 1 MB");
  }
  return looked;
}

interface LookedInLayers extends Looked {
  config: unknown;
  /** Programs that would run with their owner's rights, whoever starts them. */
  setuid: string[];
}

async function layers(archive: string): Promise<LookedInLayers> {
  const root = await mkdtemp(join(tmpdir(), "layers-"));
  const layout = join(root, "layout");
  await output("mkdir", ["-p", layout]);
  await output("tar", ["-xf", archive, "-C", layout]);
  const read = async (digest: string): Promise<string> => readFile(join(layout, "blobs", digest.replace(":", "/")), "utf8");
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as { manifests: { digest: string }[] };
  const looked: LookedInLayers = { files: 0, skipped: 0, hits: [], config: {}, setuid: [] };
  for (const { digest } of index.manifests) {
    const text = await read(digest);
    const manifest = JSON.parse(text) as { config: { digest: string }; layers: { digest: string }[] };
    const config = await read(manifest.config.digest);
    looked.config = (JSON.parse(config) as { config?: unknown }).config ?? {};
    looked.hits.push(...secretsIn(config, "image configuration"));
    for (const [number, layer] of manifest.layers.entries()) {
      const folder = join(root, String(number));
      await output("mkdir", ["-p", folder]);
      const unpacked = await output("tar", ["-xzvvf", join(layout, "blobs", layer.digest.replace(":", "/")), "-C", folder, "--no-same-owner", "--no-same-permissions"]);
      looked.setuid.push(...setuidIn(unpacked.toString("utf8")));
      await walk(folder, folder, looked);
    }
  }
  if (looked.files === 0) throw new Error("looking for secrets: the image's layers hold no file, so nothing was looked at");
  return looked;
}

/** What tar tells of each file: its mode first, its name after date and time. */
function setuidIn(listing: string): string[] {
  return listing.split("\n").filter((line) => /^-[rwxsStT-]*[sS]/.test(line)).map((line) => `/${line.split(/\s+/).slice(5).join(" ").replace(/^\.?\//, "")}`);
}

async function walk(root: string, folder: string, looked: Looked): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await walk(root, path, looked);
    else if (entry.isFile()) {
      if ((await stat(path)).size > MAX_BYTES) looked.skipped++;
      else {
        const content = await readFile(path);
        looked.files++;
        if (!content.includes(0)) looked.hits.push(...secretsIn(content.toString("utf8"), `/${relative(root, path)}`));
      }
    }
  }
}

const [what, where = ""] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(what === "history" ? await history(where) : await layers(where))}\n`);

import { dag, type Container } from "@dagger.io/dagger";
import type { BuiltImage } from "./image.ts";
import { readAnswer } from "./lib/answer.ts";
import type { Finding } from "./lib/findings.ts";
import type { InfrastructureHit } from "./lib/infrastructure.ts";
import type { RunConfig } from "./lib/image-checks.ts";
import type { SecretHit } from "./lib/secret-patterns.ts";
import { moduleFile } from "./mirrors.ts";
import type { Workshop } from "./settings.ts";

/** What find-secrets.ts tells. */
export interface Looked {
  files: number;
  /** Too big to be read. */
  skipped: number;
  hits: (SecretHit & { commit?: string })[];
}

const PROGRAM = "programs/find-secrets.ts";

/** What else is to be seen where an image's layers are read. */
export interface LookedInLayers extends Looked {
  config: RunConfig;
  /** Programs with setuid or setgid. */
  setuid: string[];
}

/** Credentials in the files of an image's layers, what in them has setuid, and how the image runs. */
export async function secretsInLayers(workshop: Workshop, image: BuiltImage): Promise<LookedInLayers> {
  const said = await (await ready(workshop)).withMountedFile("/run/image.tar", image.archive)
    .withExec(["node", `/golden-path/${PROGRAM}`, "layers", "/run/image.tar"]).stdout();
  return readAnswer<LookedInLayers>(said, "looking for secrets in layers", ["files", "skipped", "hits", "config", "setuid"]);
}

/** What else is to be seen where a history is read. */
export interface LookedInHistory extends Looked {
  infrastructure: { files: number; unread: Record<string, number>; hits: InfrastructureHit[] };
}

/** Credentials in any version of any file that the checkout's history holds, and its infrastructure code as it is now. */
export async function secretsInHistory(workshop: Workshop): Promise<LookedInHistory> {
  // What git writes down for itself (index, logs) is no history, and changes with every look at it.
  const history = workshop.settings.source.directory(".git").filter({ include: ["objects", "refs", "packed-refs", "HEAD", "config", "shallow"] });
  const said = await (await ready(workshop)).withMountedDirectory("/checkout/.git", history)
    .withExec(["node", `/golden-path/${PROGRAM}`, "history", "/checkout"]).stdout();
  return readAnswer<LookedInHistory>(said, "looking for secrets in the history", ["files", "skipped", "hits", "infrastructure"]);
}

async function ready(workshop: Workshop): Promise<Container> {
  const files = [PROGRAM, "src/lib/secret-patterns.ts", "src/lib/infrastructure.ts"];
  const texts = await Promise.all(files.map(moduleFile));
  const folder = files.reduce((all, file, i) => all.withNewFile(file, texts[i]!), dag.directory()).withNewFile("package.json", `{"type": "module"}\n`);
  return (await workshop.tools()).tools.withDirectory("/golden-path", folder);
}

export function secretFinding(hit: SecretHit & { commit?: string }, source: string): Finding {
  return {
    kind: "secret", id: `secret:${hit.id}`, package: hit.file, version: "", fixedIn: "", severity: "critical", source,
    file: hit.file, location: `line ${hit.line}${hit.commit === undefined ? "" : ` since commit ${hit.commit}`}`,
  };
}

export function infrastructureFinding({ id, severity, file, subject, found }: InfrastructureHit): Finding {
  return { kind: "misconfiguration", id, package: subject, version: "", fixedIn: "", severity, source: "infrastructure code", file, location: found };
}

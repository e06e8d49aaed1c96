import { parseAllDocuments } from "yaml";
import { type Html, fileHref, html, pathOf } from "./html.ts";
import { mark, megabytes } from "./marks.ts";

/** A file of the report's folder; `text` is there when the page shows some of it. */
export interface ReportFile {
  path: string;
  bytes: number;
  text?: string;
}

/** What the page itself shows of the evidence, in this order; everything is linked. */
const SHOWN: [pattern: RegExp, title: string][] = [
  [/^integrate\/timeline\.txt$/, "Timeline of the proof"],
  [/^integrate\/(?:evidence\/)?events\.txt$/, "Events"],
  [/^integrate\/(?:evidence\/)?overview\.txt$/, "Nodes, workloads and pods"],
  [/^integrate\/(?:evidence\/)?pods-describe\.txt$/, "The services' pods"],
  [/^integrate\/(?:evidence\/)?logs\/(?!argocd-|kube-).*\.log$/, "Log"],
  [/^logs\/.*\.log$/, "Output"],
];
const LINES = 150;

/** Whether the page shows the file's end, so that its text is needed. */
export function isShown(path: string): boolean {
  return SHOWN.some(([pattern]) => pattern.test(path)) || APPLICATIONS.test(path);
}

const APPLICATIONS = /^integrate\/(?:evidence\/)?applications\.yaml$/;

/** The evidence of a failure, readable without opening another file. */
export function bundle(files: readonly ReportFile[]): Html {
  const applications = files.find(({ path }) => APPLICATIONS.test(path))?.text;
  const shown = SHOWN.flatMap(([pattern, title]) => files.filter(({ path, text }) => pattern.test(path) && text !== undefined).map((file) => ({ file, title })));
  return html`${applications === undefined ? undefined : applicationsTable(applications)}
${shown.map(({ file, title }) => excerpt(file, title))}`;
}

const OPEN = html` open`;

function excerpt({ path, bytes, text = "" }: ReportFile, title: string): Html {
  const lines = text.trimEnd().split("\n");
  const cut = lines.length > LINES;
  // A short log of a service is most often the cause itself.
  const open = title === "Log" && lines.length <= 20;
  return html`<details${open ? OPEN : undefined}><summary>${title} <code>${pathOf(path)}</code> <span class="small soft">${megabytes(bytes)}</span></summary>
${cut ? html`<p class="small soft">The last ${LINES} of ${lines.length} lines; <a href="${fileHref(path)}">all of it</a></p>` : undefined}<pre class="log" tabindex="0">${lines.slice(-LINES).join("\n")}</pre></details>`;
}

interface Application {
  metadata?: { name?: string };
  status?: {
    sync?: { status?: string; revision?: string };
    health?: { status?: string; message?: string };
    operationState?: { phase?: string; message?: string };
    conditions?: { type?: string; message?: string }[];
    resources?: { kind?: string; name?: string; status?: string; health?: { status?: string; message?: string } }[];
  };
}

/** What each Argo CD Application said of itself at the end. */
function applicationsTable(yaml: string): Html {
  const found = applicationsIn(yaml);
  if (found.length === 0) return html`<p>Argo CD had no Application.</p>`;
  return html`<h4>Argo CD Applications at the end</h4><ul class="rows">${found.map(({ metadata, status = {} }) => {
    const good = status.sync?.status === "Synced" && status.health?.status === "Healthy";
    const words = [
      status.operationState?.phase === "Succeeded" ? undefined : status.operationState?.message,
      status.health?.message,
      ...(status.conditions ?? []).map(({ type, message }) => `${type ?? "condition"}: ${message ?? ""}`),
      ...(status.resources ?? []).filter(({ health }) => health?.status !== undefined && health.status !== "Healthy")
        .map(({ kind, name, health }) => `${kind ?? ""} ${name ?? ""} is ${health!.status ?? ""}${health!.message ? `: ${health!.message}` : ""}`),
    ].filter((text) => text !== undefined && text !== "");
    return html`<li>${mark(good ? "passed" : "failed")} <strong>${metadata?.name ?? "without a name"}</strong> ${status.sync?.status ?? "not compared"}, ${status.health?.status ?? "health unknown"}${status.operationState?.phase ? `, sync ${status.operationState.phase}` : ""}
${words.map((text) => html`<div class="small soft">${text}</div>`)}</li>`;
  })}</ul>`;
}

/** A damaged file is no reason to lose the page. */
function applicationsIn(yaml: string): Application[] {
  try {
    const documents = parseAllDocuments(yaml, { logLevel: "error" }).map((document) => document.toJS() as { items?: Application[] } & Application | null);
    return documents.flatMap((document) => (Array.isArray(document?.items) ? document.items : document?.metadata ? [document] : []));
  } catch {
    return [];
  }
}

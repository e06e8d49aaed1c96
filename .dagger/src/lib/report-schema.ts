import { ENVIRONMENTS } from "./environments.ts";
import { SEVERITIES } from "./threshold.ts";

type Schema = Record<string, unknown>;

const text: Schema = { type: "string" };
const number: Schema = { type: "number", minimum: 0 };
const time: Schema = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$" };
const digest: Schema = { type: "string", pattern: "^sha256:[0-9a-f]{64}$" };
const revision: Schema = { type: "string", pattern: "^[0-9a-f]{40}(-dirty)?$" };
const list = (items: Schema): Schema => ({ type: "array", items });

/** An object whose fields are all needed but those of `optional`; others are errors. */
function object(required: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return { type: "object", additionalProperties: false, required: Object.keys(required), properties: { ...required, ...optional } };
}

const stage = object(
  { name: text, status: { enum: ["passed", "failed", "skipped", "reused"] }, begin: number, seconds: number, detail: text },
  { service: text, original: object({ at: time }) },
);

const image = object(
  { service: text, image: text, digest, sourceRevision: revision, version: text, layers: list(object({ title: text, digest, bytes: number })) },
  { bytes: number },
);

const finding = object(
  { id: text, package: text, version: text, fixedIn: text, severity: { enum: [...SEVERITIES] }, source: text },
  {
    kind: { enum: ["vulnerability", "licence", "misconfiguration", "secret"] },
    location: text,
    file: text,
    exception: object({ status: text, reason: text, expires: text, file: text }),
  },
);

const scan = object(
  {
    service: text, digest, findings: list(finding), covered: list(text), notCovered: list(text), dataDate: text,
    gate: object({ passed: { type: "boolean" }, sentence: text }, { code: { type: "integer", minimum: 1 } }),
  },
  { expired: list(text), unused: list(text) },
);

const state = object({ version: text, sourceRevision: revision }, { digest });

const change = object(
  {
    service: text,
    to: state,
    commits: list(object({ hash: revision, time, author: text, subject: text })),
    total: { type: "integer", minimum: 0 },
    files: list(object({ path: text, kind: { enum: ["added", "changed", "removed"] }, diff: text })),
  },
  { from: state, note: text },
);

const place = { branch: text, repository: text };

const promotion: Schema = {
  oneOf: [
    object({ outcome: { const: "not-asked" } }),
    object({ outcome: { enum: ["committed", "shared", "unchanged"] }, commit: text, ...place }),
    object({ outcome: { const: "proposed" }, commit: text, advice: text, ...place }),
    object({ outcome: { const: "superseded" }, by: text, ...place }),
  ],
};

const signing = object({
  notes: list(text),
  images: list(object({ service: text, digest, checks: list(text), written: { type: "boolean" } })),
});

export const REPORT_API = "golden-path/v1";

/** What `report.json` holds, as JSON Schema; it is put beside it. */
export const REPORT_SCHEMA: Schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Report of one run of golden-path",
  ...object({
    $schema: text,
    apiVersion: { const: REPORT_API },
    kind: { const: "RunReport" },
    runId: text,
    env: { enum: [...ENVIRONMENTS] },
    startedAt: time,
    seconds: number,
    stages: list(stage),
    images: list(image),
    scans: list(scan),
    changes: list(change),
    promotion,
    signing,
  }),
};

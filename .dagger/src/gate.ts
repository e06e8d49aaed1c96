import type { Directory, File } from "@dagger.io/dagger";
import { knownWeaknesses } from "./advisories.ts";
import type { BuiltImage } from "./image.ts";
import { readAnswer } from "./lib/answer.ts";
import { CodedError, GATE_CODES, plural } from "./lib/errors.ts";
import { type Bom, components, type Finding, scanBom, type ScanResult } from "./lib/findings.ts";
import { imageFindings } from "./lib/image-checks.ts";
import { licenceFindings } from "./lib/licences.ts";
import { applyVex, EXCEPTIONS, parseVex, type VexException } from "./lib/vex.ts";
import type { Service } from "./project.ts";
import { securityData } from "./scan.ts";
import { infrastructureFinding, secretFinding, secretsInHistory, secretsInLayers } from "./secrets.ts";
import type { Workshop } from "./settings.ts";

/** Everything that is known to be wrong with an image: one model, whatever found it. */
export async function inspectImage(workshop: Workshop, service: Service, image: BuiltImage, bom: File, now: Date = new Date()): Promise<ScanResult> {
  const { spec, folder } = service;
  const [data, text, advised, layers, exceptions] = await Promise.all([
    securityData(workshop.context, now), bom.contents(), knownWeaknesses(workshop, spec, folder, bom, now), secretsInLayers(workshop, image), exceptionsOf(workshop, service),
  ]);
  const bill = readAnswer<Bom>(text, `listing what is in ${spec.name}`, ["components"]);
  const result = scanBom(spec.name, image.digest, bill, data);
  const files = { pypi: `${folder}/requirements.txt`, npm: `${folder}/package-lock.json` };
  const found: Finding[] = [
    ...result.findings.map((finding) => ({ ...finding, file: `.dagger/locks/${spec.language}.json` })),
    ...advised.findings,
    ...licenceFindings(bill, spec.name, files),
    ...imageFindings(layers.config, spec.name, layers.setuid),
    ...layers.hits.map((hit) => secretFinding(hit, "image layers")),
  ];
  const dependencies = components(bill).filter(({ type, name }) => type !== "deb" && type !== "generic" && name !== spec.name).length;
  return {
    ...result,
    ...applyVex(found, exceptions, now),
    covered: [...result.covered, ...advised.covered, `licences of ${plural(dependencies, "package")}`, `secrets in ${plural(layers.files, "file")} of its layers`, "programs with setuid", "how it runs"],
    notCovered: [
      ...result.notCovered.filter((line) => !advised.kinds.some((kind) => line.includes(kind))),
      ...(layers.skipped > 0 ? [`secrets in ${plural(layers.skipped, "file")} above 1 MB`] : []),
    ],
  };
}

/** Credentials that were committed once are known to all who can read the history; and the checkout's infrastructure code. */
export async function inspectHistory(workshop: Workshop, now: Date = new Date()): Promise<ScanResult> {
  const looked = await secretsInHistory(workshop);
  const { files, unread, hits } = looked.infrastructure;
  const passedOver = Object.entries(unread).map(([kind, count]) => `${plural(count, "file")} of ${kind}`);
  const exceptions = (await readExceptions(workshop.settings.source, "")).filter(({ id }) => ofCheckout(id));
  return {
    service: "history", digest: "",
    ...applyVex([...looked.hits.map((hit) => secretFinding(hit, "Git history")), ...hits.map(infrastructureFinding)], exceptions, now),
    // Of the checkout there is the stage's sentence alone, so what was not looked at stands in it.
    covered: [`${plural(looked.files, "file version")} of the history`, `${plural(files, "file")} of infrastructure code${passedOver.length > 0 ? ` (not ${passedOver.join(", ")})` : ""}`],
    notCovered: [...(looked.skipped > 0 ? [`${plural(looked.skipped, "file version")} above 1 MB`] : []), ...passedOver],
    dataDate: now.toISOString().slice(0, 10),
  };
}

async function exceptionsOf(workshop: Workshop, service: Service): Promise<VexException[]> {
  const [own, shared] = await Promise.all([readExceptions(service.source, `${service.folder}/`), readExceptions(workshop.settings.source, "")]);
  // What excuses the checkout as a whole is judged with its history.
  return [...own, ...shared.filter(({ id }) => !ofCheckout(id))];
}

function ofCheckout(id: string): boolean {
  return id.startsWith("secret:") || id.startsWith("infrastructure:");
}

async function readExceptions(folder: Directory, prefix: string): Promise<VexException[]> {
  const [file] = await folder.glob(EXCEPTIONS);
  return file === undefined ? [] : parseVex(await folder.file(file).contents(), `${prefix}${EXCEPTIONS}`);
}

/** The gate's refusal as an error, for whoever stops at it. */
export function gateError(verdict: { sentence: string; code?: number }): CodedError {
  return new CodedError(verdict.code ?? GATE_CODES.findings, verdict.sentence);
}

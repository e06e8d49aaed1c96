import type { File } from "@dagger.io/dagger";
import { readAnswer } from "./lib/answer.ts";
import { GATE_CODES, plural } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import { type Bom, components, type Finding } from "./lib/findings.ts";
import { type Advisories, checkAdvisories, matchAdvisories } from "./lib/osv.ts";
import type { ServiceSpec } from "./lib/service-spec.ts";
import { fetching, moduleFile } from "./mirrors.ts";
import { Refusal } from "./refusal.ts";
import type { Workshop } from "./settings.ts";
import { debianTools } from "./toolbox.ts";

/** What OSV records say of an image. */
export interface Advised {
  findings: Finding[];
  covered: string[];
  /** What kinds of packages were compared, as `notCovered` words them: `Python package`. */
  kinds: string[];
}

/** Compares with the OSV records that were given, or with a mirror's; without either nothing is asked, and the scan says so. */
export async function knownWeaknesses(workshop: Workshop, spec: ServiceSpec, folder: string, bom: File, now: Date): Promise<Advised> {
  const { advisories, advisoriesUrl } = workshop.settings;
  if (advisories === undefined && advisoriesUrl === "") return { findings: [], covered: [], kinds: [] };
  const [said, text] = await Promise.all([select(workshop, bom, now), bom.contents()]);
  const selected = readAnswer<Advisories>(said, `comparing ${spec.name} with advisories`, ["newest", "ecosystems", "records"]);
  const days = checkAdvisories(selected, now);
  const files = { pypi: `${folder}/requirements.txt`, npm: `${folder}/package-lock.json`, deb: `.dagger/locks/${spec.language}.json` };
  const others = components(JSON.parse(text) as Bom).filter(({ name }) => name !== spec.name);
  const { findings, compared } = matchAdvisories(others, selected, files);
  const kinds = Object.keys(compared);
  const counts = Object.entries(selected.ecosystems).map(([ecosystem, count]) => `${plural(count, "record")} for ${ecosystem}`).join(", ");
  const age = `newest of ${selected.newest}, ${plural(days, "day")} old`;
  return { findings, kinds, covered: [`${kinds.map((kind) => plural(compared[kind]!, kind)).join(" and ") || "no package"} against OSV (${counts}; ${age})`] };
}

async function select(workshop: Workshop, bom: File, now: Date): Promise<string> {
  const { context, settings: { advisories, advisoriesUrl } } = workshop;
  const program = "/run/select-advisories.py";
  const tools = (await debianTools(context, ["python3"]))
    .withNewFile(program, await moduleFile("programs/select-advisories.py"))
    .withMountedFile("/run/bom.json", bom);
  // A mirror's answer is asked for anew each day; a folder's is its content.
  const ready = advisories === undefined
    ? tools.withEnvVariable("INDEX_OF", now.toISOString().slice(0, 10))
    : tools.withMountedDirectory("/run/records", advisories);
  try {
    const selected = await fetching(context, ready, ["python3", program, advisories === undefined ? "" : "/run/records", advisoriesUrl, "/run/bom.json"]);
    return await selected.stdout();
  } catch (error) {
    const failure = execFailure(error);
    // Its last line is the sentence, its exit code the gate's.
    if (failure?.exitCode === GATE_CODES["unusable-data"]) throw new Refusal(failure.stderr.trim().split("\n").at(-1) ?? "", error as Error);
    throw error;
  }
}

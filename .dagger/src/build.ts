import type { Container, Directory } from "@dagger.io/dagger";
import type { ServiceSpec } from "./lib/service-spec.ts";
import { runtimeRoot } from "./distroless.ts";
import { assembleImage, type BuiltImage } from "./image.ts";
import type { Context } from "./mirrors.ts";
import { lintNode, NODE_ENV, nodeLayers, testNode } from "./node.ts";
import { lintPython, PYTHON_ENV, pythonLayers, testPython } from "./python.ts";

/** What of Git is written into an image. */
export interface SourceFacts {
  version: string;
  sourceRevision: string;
  /** The source commit's time, RFC 3339. */
  sourceTime: string;
  sourceUrl?: string;
}

/** One language's way from source to layers: all that a further language must bring. */
const LANGUAGES = {
  python: { env: PYTHON_ENV, lint: lintPython, test: testPython, layers: pythonLayers },
  node: { env: NODE_ENV, lint: lintNode, test: testNode, layers: nodeLayers },
} satisfies Record<ServiceSpec["language"], unknown>;

/** Checks a service's source; the container's `sync` or `stdout` runs it. */
export function lintService(context: Context, spec: ServiceSpec, source: Directory): Promise<Container> {
  return LANGUAGES[spec.language].lint(context, source);
}

/** Runs a service's unit tests. */
export function testService(context: Context, spec: ServiceSpec, source: Directory): Promise<Container> {
  return LANGUAGES[spec.language].test(context, source);
}

/** Builds a service's folder as a distroless image. */
export async function buildService(
  context: Context, spec: ServiceSpec, source: Directory, facts: SourceFacts,
): Promise<BuiltImage> {
  const language = LANGUAGES[spec.language];
  const [root, layers] = await Promise.all([runtimeRoot(context, spec.language), language.layers(context, source)]);
  return assembleImage(context, [root, ...layers], {
    ...facts,
    name: spec.name,
    vendor: spec.owner,
    port: spec.port,
    env: { ...language.env, ...spec.env },
    command: spec.command,
  });
}

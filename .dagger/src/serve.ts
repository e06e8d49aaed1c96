import type { Container, Service as DaggerService } from "@dagger.io/dagger";
import { randomUUID } from "node:crypto";
import { type GitServerAddress, serverOf } from "./gitops.ts";
import { asContainer } from "./image.ts";
import { UserError, sentenceOf } from "./lib/errors.ts";
import { GITOPS_REPOSITORY } from "./lib/surroundings.ts";
import { moduleFile } from "./mirrors.ts";
import { buildImage, revisionsOf } from "./prepare.ts";
import { type Service, findServices } from "./project.ts";
import type { Workshop } from "./settings.ts";

const ENTRY_PORT = 8080;
const PROGRAM = ["programs/serve.ts", "programs/entry-forward.ts", "src/lib/entry-route.ts"];

/**
 * The built images, run together, behind one entry.
 *
 * Services may ask one another in circles, which bindings cannot express: each runs under a
 * hostname of the session, and all find each other's names at the entry, which knows where each is.
 */
export async function serve(workshop: Workshop, wanted: string): Promise<DaggerService> {
  const services = await findServices(workshop.context, workshop.settings.source, workshop.settings.services, wanted);
  const repository = workshop.gitops();
  const [revisions, tools, gitops] = await Promise.all([
    revisionsOf(workshop, services),
    workshop.tools(),
    repository && services.some(({ spec }) => spec.access.includes("gitops")) ? serverOf(repository) : undefined,
  ]);
  // Two of them at once in one session must not take one another's names.
  const id = randomUUID().slice(0, 8);
  const names = services.map(({ spec }) => spec.name);
  const upstreams = Object.fromEntries(services.map(({ spec }) => [spec.name, { host: hostname(spec.name, id), port: spec.port }]));
  const first = services.find(({ spec }) => spec.expose) ?? services[0]!;
  let entry = tools.tools.withNewFile("/golden-path/package.json", `{"type": "module"}\n`);
  const texts = await Promise.all(PROGRAM.map((file) => moduleFile(file)));
  PROGRAM.forEach((file, i) => (entry = entry.withNewFile(`/golden-path/${file}`, texts[i]!)));
  const door = entry
    .withEnvVariable("SERVICES", JSON.stringify(upstreams))
    .withEnvVariable("FIRST", first.spec.name)
    .withEnvVariable("ENTRY_PORT", String(ENTRY_PORT))
    .withExposedPort(ENTRY_PORT)
    .asService({ args: ["node", "/golden-path/programs/serve.ts"] })
    .withHostname(hostname("entry", id));
  // Here, also where no service asks for it: what the caller starts does not look for names where the services' are.
  await door.start();
  await Promise.all(
    services.map(async (service) => {
      const { name } = service.spec;
      const image = asContainer(await buildImage(workshop, service, revisions.get(name)!));
      let container = surrounded(image, service, gitops);
      for (const other of names) if (other !== name) container = container.withServiceBinding(other, door);
      try {
        await container.asService({ useEntrypoint: true }).withHostname(hostname(name, id)).start();
      } catch (error) {
        throw new UserError(`serving ${name}: it does not listen on port ${service.spec.port}: ${sentenceOf(error)}; try its tests, or look at its log above`);
      }
    }),
  );
  return door;
}

function hostname(name: string, id: string): string {
  return `${name}-${id}`;
}

/** What a pod would have around it. */
function surrounded(image: Container, { spec }: Service, gitops: GitServerAddress | undefined): Container {
  let container = image.withMountedTemp("/tmp").withExposedPort(spec.port);
  if (gitops === undefined || !spec.access.includes("gitops") || GITOPS_REPOSITORY in spec.env) return container;
  container = container.withEnvVariable(GITOPS_REPOSITORY, gitops.url).withEnvVariable("GITOPS_BRANCH", gitops.branch);
  return gitops.service === undefined ? container : container.withServiceBinding(gitops.alias, gitops.service);
}

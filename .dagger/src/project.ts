import type { Directory } from "@dagger.io/dagger"
import { UserError } from "./lib/errors.ts"
import { type ServiceSpec, parseServiceSpec, selectServices as selectByName } from "./lib/service-spec.ts"
import type { Tree } from "./lib/edits.ts"
import { type Sealed, sealedOf } from "./lib/sealed.ts"
import { contentAddressed } from "./content.ts"
import type { Context } from "./mirrors.ts"

/** A service as the pipeline finds it: its description and its folder. */
export interface Service {
  spec: ServiceSpec
  /** Its folder, named by content. */
  source: Directory
  /** Its encrypted secrets, by environment. */
  sealed: Sealed
  /** From the checkout's root: `service/backend`. */
  folder: string
}

type Described = Omit<Service, "source">

/** The wanted service, or all; whatever is wrong with any of them is said at once. */
export async function findServices(context: Context, checkout: Directory, folder: string, wanted: string | undefined): Promise<Service[]> {
  const found = selectServices(await describeServices(checkout, folder), wanted)
  const sources = await contentAddressed(context, checkout, found.map((service) => service.folder))
  return found.map((service) => ({ ...service, source: sources.get(service.folder)! }))
}

/** Reads every `<folder>/<name>/service.yaml` of the checkout. */
async function describeServices(checkout: Directory, folder: string): Promise<Described[]> {
  const files = await checkout.glob(`${folder}/*/service.yaml`)
  if (files.length === 0) {
    throw new UserError(`reading the services: there is no ${folder}/<name>/service.yaml; add one, or name the folder with --services`)
  }
  const secrets = await checkout.glob(`${folder}/*/secrets/*`)
  const problems: string[] = []
  const read = async (file: string): Promise<Described | undefined> => {
    const place = file.slice(0, -"/service.yaml".length)
    try {
      const spec = parseServiceSpec(await checkout.file(file).contents(), file)
      return { spec, sealed: sealedOf(await readFolder(checkout, `${place}/secrets`, secrets), `${place}/secrets`), folder: place }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problems.push(error.message)
      return undefined
    }
  }
  const services = (await Promise.all(files.sort().map(read))).filter((service) => service !== undefined)
  if (problems.length > 0) throw new UserError(problems.sort().join("\n"))
  return services
}

/** The files of one folder, by their name; `all` are the paths there are. */
async function readFolder(checkout: Directory, folder: string, all: readonly string[]): Promise<Tree> {
  const names = all.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)).filter((name) => name !== "" && !name.includes("/"))
  return Object.fromEntries(await Promise.all(names.sort().map(async (name) => [name, await checkout.file(`${folder}/${name}`).contents()] as const)))
}

function selectServices(services: Described[], wanted: string | undefined): Described[] {
  const chosen = selectByName(services.map(({ spec }) => spec), wanted ? [wanted] : [])
  return services.filter(({ spec }) => chosen.includes(spec))
}

/** A folder of small text files, as path to text. */
export async function readTree(directory: Directory, pattern: string, prefix = ""): Promise<Tree> {
  const paths = (await directory.glob(pattern)).sort()
  const entries = await Promise.all(paths.map(async (path) => [prefix + path, await directory.file(path).contents()] as const))
  return Object.fromEntries(entries)
}

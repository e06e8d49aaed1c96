import type { Directory } from "@dagger.io/dagger"
import { UserError, listOf } from "./lib/errors.ts"
import { type ServiceSpec, parseServiceSpec } from "./lib/service-spec.ts"
import { didYouMean } from "./lib/suggest.ts"
import type { Tree } from "./lib/edits.ts"

/** A service as the pipeline finds it: its description and its folder. */
export interface Service {
  spec: ServiceSpec
  source: Directory
  /** From the checkout's root: `service/backend`. */
  folder: string
}

/** Reads every `<folder>/<name>/service.yaml` of the checkout; all that is wrong is said at once. */
export async function readServices(checkout: Directory, folder: string): Promise<Service[]> {
  const files = await checkout.glob(`${folder}/*/service.yaml`)
  if (files.length === 0) {
    throw new UserError(`reading the services: there is no ${folder}/<name>/service.yaml; add one, or name the folder with --services`)
  }
  const problems: string[] = []
  const read = async (file: string): Promise<Service | undefined> => {
    const place = file.slice(0, -"/service.yaml".length)
    try {
      const spec = parseServiceSpec(await checkout.file(file).contents(), file)
      return { spec, folder: place, source: checkout.directory(place) }
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

/** The service of that name, or all when no name is given. */
export function selectServices(services: Service[], wanted: string | undefined): Service[] {
  if (wanted === undefined || wanted === "") return services
  const found = services.filter(({ spec }) => spec.name === wanted)
  if (found.length > 0) return found
  const names = services.map(({ spec }) => spec.name)
  throw new UserError(`--service: unknown service "${wanted}"${didYouMean(wanted, names)}; use ${listOf(names, "or")}`)
}

/** A folder of small text files, as path to text. */
export async function readTree(directory: Directory, pattern: string, prefix = ""): Promise<Tree> {
  const paths = (await directory.glob(pattern)).sort()
  const entries = await Promise.all(paths.map(async (path) => [prefix + path, await directory.file(path).contents()] as const))
  return Object.fromEntries(entries)
}

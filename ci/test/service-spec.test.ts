import { describe, expect, test } from "vitest";
import { parseServiceSpec, selectServices } from "../../.dagger/src/lib/service-spec.ts";
import { MINIMAL, refusal, spec } from "./helpers.ts";

const FILE = "service/api/service.yaml";

function problems(text: string): string[] {
  return refusal(() => parseServiceSpec(text, FILE)).split("\n").map((line) => line.replace(`${FILE}: `, ""));
}

/** The only problem of the smallest good file with one line replaced or added. */
function problem(line: string): string {
  const field = line.split(":")[0]!;
  const kept = MINIMAL.split("\n").filter((other) => other !== "" && !other.startsWith(`${field}:`));
  const found = problems([...kept, line, ""].join("\n"));
  expect(found).toHaveLength(1);
  return found[0]!;
}

describe("a good service.yaml", () => {
  test("needs four fields and fills in the rest", () => {
    expect(spec()).toEqual({
      name: "api",
      owner: "team-a",
      language: "python",
      port: 8000,
      health: "/health",
      ready: "/ready",
      version: "/version",
      replicas: 1,
      resources: { cpu: "50m", memory: "128Mi", limits: { memory: "256Mi" } },
      env: {},
      expose: false,
      access: [],
      calls: [],
      command: ["python3", "-m", "api"],
    });
  });

  test("keeps what it says", () => {
    const read = parseServiceSpec(
      [
        "name: web-shop", "owner: Team_B.shop", "language: node", "port: 65535", "health: /live", "ready: /a/ready",
        "version: /meta/version", "replicas: 3", "resources: {cpu: 0.5, memory: 1Gi, limits: {cpu: 2, memory: 1536Mi}}",
        "env: {Z: last, A: 'yes'}", "expose: true", "access: [gitops, applications, gitops]", "calls: [shop, cart, shop]", "command: [node, main.js]",
      ].join("\n"),
      "service/web-shop/service.yaml",
    );
    expect(read).toEqual({
      name: "web-shop", owner: "Team_B.shop", language: "node", port: 65535, health: "/live", ready: "/a/ready",
      version: "/meta/version", replicas: 3,
      resources: { cpu: "0.5", memory: "1Gi", limits: { cpu: "2", memory: "1536Mi" } },
      env: { A: "yes", Z: "last" }, expose: true, access: ["applications", "gitops"], calls: ["cart", "shop"], command: ["node", "main.js"],
    });
  });

  test("takes a load at which a replica more is started", () => {
    expect(parseServiceSpec(`${MINIMAL}autoscale: {max: 4}\n`, FILE).autoscale).toEqual({ max: 4, cpu: 80 });
  });

  test("starts each language by its own convention", () => {
    const node = MINIMAL.replace("python", "node");
    expect(parseServiceSpec(node, FILE).command).toEqual(["node", "dist/server.js"]);
    const dashed = MINIMAL.replace("name: api", "name: pet-shop");
    expect(parseServiceSpec(dashed, "service/pet-shop/service.yaml").command).toEqual(["python3", "-m", "pet_shop"]);
  });

  test("may use anchors", () => {
    expect(spec("env: {A: &shared text, B: *shared}\n").env).toEqual({ A: "text", B: "text" });
  });

  test("takes any variable's name for text and not for a property of objects", () => {
    expect(Object.entries(spec("env: {__proto__: x, constructor: y}\n").env)).toEqual([["__proto__", "x"], ["constructor", "y"]]);
  });

  test("may stand in the checkout's root, where the folder says nothing", () => {
    expect(parseServiceSpec(MINIMAL, "service.yaml").name).toBe("api");
  });
});

describe("a service.yaml that cannot be read", () => {
  test.each([
    ["name: [1\nport: 2", `${FILE}:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; correct line 2`],
    ["name: a\n\nport: 1\nport: 2", `${FILE}:4:1: not valid YAML: Map keys must be unique; correct line 4`],
    ["a: 1\n---\nb: 2", `${FILE}:2:1: not valid YAML: a second document begins, one is allowed; correct line 2`],
    ["port: !secret 1", `${FILE}:1:7: not valid YAML: Unresolved tag: !secret; correct line 1`],
    ["", `${FILE}: it is empty; write fields as "name: value" lines`],
    ["- name", `${FILE}: it holds a list; write fields as "name: value" lines`],
    ["hello", `${FILE}: it holds "hello"; write fields as "name: value" lines`],
  ])("%j is refused with the place", (text, sentence) => {
    expect(refusal(() => parseServiceSpec(text, FILE))).toBe(sentence);
  });
});

describe("a field that is wrong", () => {
  test.each(["name: api", "owner: team-platform", "language: python", "port: 8000"])("%s missing is said, with an example", (example) => {
    const field = example.split(":")[0]!;
    const without = MINIMAL.split("\n").filter((line) => !line.startsWith(field)).join("\n");
    expect(problems(without)).toEqual([`${field}: missing; add it, as in "${field === "name" ? "name: backend" : example}"`]);
  });

  test.each([
    ["port: 70000", "port: 70000 is out of range; use 1024 to 65535"],
    ["port: 1023", "port: 1023 is out of range; use 1024 to 65535"],
    ["port: 0", "port: 0 is out of range; use 1024 to 65535"],
    ["port: -8000", "port: -8000 is out of range; use 1024 to 65535"],
    ["port: 80.5", "port: 80.5 is not a whole number; write digits without quotes"],
    ['port: "8000"', 'port: "8000" is not a whole number; write digits without quotes'],
    ["port: [8000]", "port: a list is not a whole number; write digits without quotes"],
    ["port:", 'port: missing; add it, as in "port: 8000"'],
    ["name: API", 'name: "API" is not a DNS label; use a lower-case letter, then letters, digits and dashes, at most 57'],
    ["name: 1api", 'name: "1api" is not a DNS label; use a lower-case letter, then letters, digits and dashes, at most 57'],
    ["name: api-", 'name: "api-" is not a DNS label; use a lower-case letter, then letters, digits and dashes, at most 57'],
    ["name: a_b", 'name: "a_b" is not a DNS label; use a lower-case letter, then letters, digits and dashes, at most 57'],
    ["name: 12", "name: 12 is not text; put it in quotes if it is meant as text"],
    ["name: other", 'name: "other" differs from its folder "api"; give both the same name'],
    ["costs: team a", 'costs: "team a" cannot be a label; use letters, digits, dashes, dots and underscores, at most 63'],
    ["owner: team a", 'owner: "team a" cannot be a label; use letters, digits, dashes, dots and underscores, at most 63'],
    ["language: pyton", 'language: unknown language "pyton" (did you mean "python"?); use python or node'],
    ["language: cobol", 'language: unknown language "cobol"; use python or node'],
    ["health: health", 'health: "health" is not a path; begin it with "/" and leave out spaces, "?" and "#"'],
    ['ready: "/r?x=1"', 'ready: "/r?x=1" is not a path; begin it with "/" and leave out spaces, "?" and "#"'],
    ["version: 3", "version: 3 is not text; put it in quotes if it is meant as text"],
    ["replicas: 0", "replicas: 0 is out of range; use 1 to 100"],
    ["replicas: 3\nautoscale: {max: 3}", "autoscale.max: 3 is out of range; use 4 (one more than replicas) to 100"],
    ["autoscale: {max: 3, cpu: 0}", "autoscale.cpu: 0 is out of range; use 1 to 100, percent of resources.cpu"],
    ["replicas: two", 'replicas: "two" is not a whole number; write digits without quotes'],
    ["access: [applicatons]", 'access: there is no access to "applicatons" (did you mean "applications"?); use applications or gitops'],
    ["calls: [Shop]", 'calls: "Shop" is no service\'s name; use a lower-case letter, then letters, digits and dashes'],
    ["calls: [api]", 'calls: "api" is the service itself; leave it out'],
    ["calls: shop", 'calls: "shop" is not a list of texts; write it as in ["node", "dist/server.js"]'],
    ["expose: 'yes'", 'expose: "yes" is not true or false; write one of them without quotes'],
    ["resources: big", 'resources: "big" is not a mapping; write "name: value" lines under it'],
    ["resources: {cpu: 50x}", 'resources.cpu: "50x" is not a quantity; use cores or thousandths of one, as in 0.5 or 250m'],
    ["resources: {cpu: 0}", 'resources.cpu: "0" is not a quantity; use cores or thousandths of one, as in 0.5 or 250m'],
    ["resources: {memory: 128}", 'resources.memory: "128" is not a quantity; use a number with its unit, as in 128Mi or 1Gi'],
    ["resources: {memory: 128mi}", 'resources.memory: "128mi" is not a quantity; use a number with its unit, as in 128Mi or 1Gi'],
    ["resources: {ram: 1Gi}", "resources.ram: unknown field; use cpu, memory, limits"],
    ["resources: {memory: 1Gi, limits: {memory: 900Mi}}", "resources.limits.memory: 900Mi is less than the 1Gi asked for; raise it to at least 1Gi"],
    ["resources: {cpu: 1, limits: {cpu: 900m}}", "resources.limits.cpu: 900m is less than the 1 asked for; raise it to at least 1"],
    ["env: {PORT: '1'}", "env.PORT: set by the platform; leave it out"],
    ["env: {DEBUG: 1}", "env.DEBUG: 1 is not text; put it in quotes if it is meant as text"],
    ["env: {a-b: x}", 'env: "a-b" cannot be a variable; use letters, digits and underscores'],
    ["env: [A]", 'env: a list is not a mapping; write "name: value" lines under it'],
    ["command: node main.js", 'command: "node main.js" is not a list of texts; write it as in ["node", "dist/server.js"]'],
    ["command: []", "command: names no program; give the program and its arguments as a list, or leave it out"],
    ["prot: 8000", 'prot: unknown field (did you mean "port"?); use name, owner, costs, language, port, health, ready, version, replicas, autoscale, resources, env, expose, access, calls, command'],
  ])("%s", (line, sentence) => {
    expect(problem(line)).toBe(sentence);
  });

  test("a name too long for the Application's label", () => {
    const read = (name: string) => parseServiceSpec(MINIMAL.replace("name: api", `name: ${name}`), `service/${name}/service.yaml`).name;
    expect(read("a".repeat(57))).toHaveLength(57);
    expect(refusal(() => read("a".repeat(58)))).toContain("at most 57");
  });

  test.each(["integrate", "logs"])("%s is a folder of every report's, and no service's name", (name) => {
    const named = MINIMAL.replace("name: api", `name: ${name}`);
    expect(refusal(() => parseServiceSpec(named, `service/${name}/service.yaml`))).toContain(`name: "${name}" is what a report calls one of its own folders; choose another`);
  });

  test("every problem of a file is listed, one a line", () => {
    expect(problems("name: api\nownr: x\nlanguage: cobol\nport: 1\nreplicas: 0\n").map((line) => line.split(":")[0])).toEqual([
      "ownr", "owner", "language", "port", "replicas",
    ]);
  });
});

describe("selecting services", () => {
  const all = [{ name: "web" }, { name: "api" }];

  test("none wanted means all, by name", () => {
    expect(selectServices(all, [])).toEqual([{ name: "api" }, { name: "web" }]);
  });

  test("wanted ones come once, however often they are named", () => {
    expect(selectServices(all, ["web", "web"])).toEqual([{ name: "web" }]);
  });

  test("an unknown one names those there are", () => {
    expect(refusal(() => selectServices(all, ["ap"]))).toBe('--service: unknown service "ap" (did you mean "api"?); use api or web');
    expect(refusal(() => selectServices(all, ["billing"]))).toBe('--service: unknown service "billing"; use api or web');
  });

  test("a source without services is an error of its own", () => {
    expect(refusal(() => selectServices([], []))).toMatch(/^finding services: no service\/<name>\/service\.yaml found/);
  });
});

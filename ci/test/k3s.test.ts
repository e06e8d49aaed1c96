import { spawnSync } from "node:child_process";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DEFAULT_IMAGES } from "../../.dagger/src/lib/images.ts";
import { K3S_AUTHORITIES, K3S_PKI, K3S_PROGRAM, K3S_REGISTRIES, K3S_SERVER, K3S_START, K3S_STORE, K3S_TLS, k3sRegistries } from "../../.dagger/src/lib/k3s.ts";
import { ROOT } from "./helpers.ts";

interface Documented {
  flags: Record<string, "value" | "switch">;
  disable: string[];
  dataDir: string;
  customCaFolder: string;
  customCaFiles: string[];
  registriesFile: string;
  entrypoint: string;
  multicall: string[];
}

const documented = JSON.parse(readFileSync(join(import.meta.dirname, "documented/k3s.json"), "utf8")) as Documented;
const goMod = (name: string): string => readFileSync(join(ROOT, "ci/embedded", name, "go.mod"), "utf8");

/** k3s itself cannot be run here: what it is told is held against what its documentation says. */
describe("what k3s is told is what it documents", () => {
  test("every argument is a flag of `k3s server`, with a value where it takes one", () => {
    const [command, ...flags] = K3S_SERVER;
    expect(command).toBe("server");
    for (const flag of flags) {
      const [name, value] = flag.split("=") as [string, string?];
      expect(documented.flags, flag).toHaveProperty(name);
      expect(value === undefined ? "switch" : "value", flag).toBe(documented.flags[name]);
    }
  });

  test("what is disabled is a packaged component, and cluster DNS is none of it", () => {
    const items = K3S_SERVER.find((flag) => flag.startsWith("--disable="))!.slice("--disable=".length).split(",");
    expect(documented.disable).toEqual(expect.arrayContaining(items));
    expect(items).not.toContain("coredns");
  });

  test("the certificate names what the kubeconfig calls the server", () => {
    expect(K3S_SERVER).toContain("--tls-san=cluster");
    expect(K3S_PKI).toContain('server: "https://cluster:6443"');
  });

  test("its files lie where it looks for them", () => {
    expect(K3S_TLS).toBe(documented.customCaFolder);
    expect(K3S_STORE).toBe(`${documented.dataDir}/agent/containerd`);
    expect(K3S_REGISTRIES).toBe(documented.registriesFile);
    expect(K3S_PROGRAM).toBe(documented.entrypoint);
    expect(documented.multicall).toContain("kubectl");
  });

  test("the mirror file is one mapping of mirrors to endpoints", () => {
    expect(parse(k3sRegistries("registry.golden-path.internal", "http://registry:5000"))).toEqual({
      mirrors: { "registry.golden-path.internal": { endpoint: ["http://registry:5000"] } },
    });
  });

  test("the start script is what POSIX's shell reads, and becomes k3s", () => {
    expect(spawnSync("sh", ["-n"], { input: K3S_START }).status).toBe(0);
    expect(K3S_START.trim().split("\n").at(-1)).toBe(`exec /bin/k3s ${K3S_SERVER.join(" ")}`);
  });

  test("the authorities are those that it asks for", () => {
    const files = [...K3S_AUTHORITIES.flatMap((name) => [`${name}.crt`, `${name}.key`]), "service.key"];
    expect(files.sort()).toEqual([...documented.customCaFiles].sort());
  });
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

test.runIf(hasOpenssl)("the certificates that are made beforehand are good: the files, the chain, the kubeconfig", () => {
  const folder = mkdtempSync(join(tmpdir(), "golden-path-k3s-"));
  try {
    const script = K3S_PKI.replaceAll("/pki", `${folder}/pki`).replaceAll("/tmp/admin", `${folder}/admin`);
    const made = spawnSync("sh", ["-ec", script], { encoding: "utf8" });
    expect(made.status, made.stderr).toBe(0);
    const tls = join(folder, "pki/tls");
    for (const file of documented.customCaFiles) expect(existsSync(join(tls, file)), file).toBe(true);
    for (const name of K3S_AUTHORITIES) {
      const certificate = new X509Certificate(readFileSync(join(tls, `${name}.crt`)));
      expect(certificate.ca).toBe(true);
      expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(join(tls, `${name}.key`))))).toBe(true);
    }
    interface Kubeconfig {
      users: { user: Record<string, string> }[];
      clusters: { cluster: Record<string, string> }[];
    }
    const config = parse(readFileSync(join(folder, "pki/kubeconfig"), "utf8")) as Kubeconfig;
    const decoded = (text: string): Buffer => Buffer.from(text, "base64");
    const admin = new X509Certificate(decoded(config.users[0]!.user["client-certificate-data"]!));
    expect(admin.verify(new X509Certificate(readFileSync(join(tls, "client-ca.crt"))).publicKey)).toBe(true);
    expect(admin.subject).toContain("O=system:masters");
    expect(decoded(config.clusters[0]!.cluster["certificate-authority-data"]!)).toEqual(readFileSync(join(tls, "server-ca.crt")));
    expect(readdirSync(tls)).toContain("service.key");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe("images from registries", () => {
  test("each names registry, repository and a tag of one version, never latest", () => {
    for (const [name, reference] of Object.entries(DEFAULT_IMAGES)) {
      expect(reference, name).toMatch(/^[a-z0-9.-]+\.[a-z]+\/[a-z0-9./-]+:[a-zA-Z0-9][\w.-]*$/);
      expect(reference, name).not.toMatch(/:latest$/);
    }
  });

  test("k3s is of the Kubernetes that the embedded cluster runs, its tag written as on Docker Hub", () => {
    const minor = /k8s\.io\/kubernetes v(\d+\.\d+)\./.exec(goMod("kubernetes"))![1]!;
    // A tag has no plus sign: the release v1.34.1+k3s1 is the image v1.34.1-k3s1.
    expect(DEFAULT_IMAGES.cluster).toMatch(new RegExp(`^docker\\.io/rancher/k3s:v${minor.replace(".", "\\.")}\\.\\d+-k3s\\d+$`));
  });

  test("Argo CD is the version that the embedded image is built from", () => {
    const version = /github\.com\/argoproj\/argo-cd\/v3 (v[\d.]+)/.exec(goMod("argocd"))![1]!;
    expect(DEFAULT_IMAGES.argocd).toBe(`quay.io/argoproj/argocd:${version}`);
  });
});

import type { Finding } from "./findings.ts";

/** The part of an image's configuration that says how it runs. */
export interface RunConfig {
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  ExposedPorts?: Record<string, unknown>;
  Labels?: Record<string, string>;
}

const LABELS = ["org.opencontainers.image.revision", "org.opencontainers.image.vendor", "org.opencontainers.image.version"];

/** Misconfigurations of an image, by the CIS Docker Benchmark's items where one applies. */
export function imageFindings(config: RunConfig, service: string, setuid: readonly string[] = []): Finding[] {
  const findings: Finding[] = [];
  const add = (id: string, severity: Finding["severity"], location: string): void => {
    findings.push({ kind: "misconfiguration", id, package: service, version: "", fixedIn: "", severity, source: "image checks", location });
  };
  const [user = ""] = (config.User ?? "").split(":");
  if (user === "" || user === "0" || user === "root" || !/^\d+$/.test(user)) add("image-runs-as-root", "high", `user is "${config.User ?? ""}" (CIS Docker 4.1)`);
  for (const entry of config.Env ?? []) {
    const [name = "", value = ""] = [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)];
    if (/(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)/i.test(name) && value !== "") add("image-environment-secret", "high", `environment names ${name} (CIS Docker 4.10)`);
  }
  for (const port of Object.keys(config.ExposedPorts ?? {})) {
    if (Number(port.split("/")[0]) < 1024) add("image-privileged-port", "medium", `port ${port} (CIS Docker 5.8)`);
  }
  for (const file of setuid) add("image-setuid", "high", `${file} (CIS Docker 4.8)`);
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (command.length === 0) add("image-without-command", "medium", "neither entrypoint nor command");
  if (/(^|\/)(ba|da|a|z)?sh$/.test(command[0] ?? "")) add("image-starts-shell", "medium", `starts ${command[0]}`);
  for (const label of LABELS) if ((config.Labels?.[label] ?? "") === "") add("image-label-missing", "low", label);
  return findings;
}

import type { Bom, Finding } from "./findings.ts";
import { parsePurl } from "./findings.ts";

/**
 * Licences under which a dependency of a service may come. Debian's packages are
 * not held against it: Debian's own guidelines decide what is in its main archive.
 */
export const ALLOWED_LICENCES = [
  "0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT", "MIT-0",
  "MPL-2.0", "PSF-2.0", "Python-2.0", "Unicode-3.0", "Unlicense", "Zlib",
];

/** How packages that predate SPDX write what has an SPDX name. */
const ALIASES: Record<string, string> = {
  "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache software license": "Apache-2.0", apache: "Apache-2.0",
  bsd: "BSD-3-Clause", "bsd license": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause", "new bsd license": "BSD-3-Clause",
  "mit license": "MIT", "the mit license": "MIT", "python software foundation license": "PSF-2.0", psf: "PSF-2.0",
  "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "isc license": "ISC",
};

const CHECKED = ["pypi", "npm", "golang"];

interface LicensedComponent {
  purl?: string;
  licenses?: { license?: { id?: string; name?: string }; expression?: string }[];
}

/** Dependencies whose licence is not allowed, or not known. */
export function licenceFindings(bom: Bom, service: string, files: Record<string, string>, allowed: readonly string[] = ALLOWED_LICENCES): Finding[] {
  const findings: Finding[] = [];
  for (const entry of (bom.components ?? []) as LicensedComponent[]) {
    const component = entry.purl === undefined ? undefined : parsePurl(entry.purl);
    if (component === undefined || !CHECKED.includes(component.type) || component.name === service) continue;
    const said = (entry.licenses ?? []).map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? "").filter((text) => text !== "");
    const finding = (id: string, severity: Finding["severity"]): Finding => ({
      kind: "licence", id, package: component.name, version: component.version, fixedIn: "", severity, source: "licence allow list",
      ...(files[component.type] === undefined ? {} : { file: files[component.type] }),
    });
    if (said.length === 0) findings.push(finding("licence-unknown", "medium"));
    // Several entries without an expression: each of them applies.
    else if (!said.every((text) => isAllowed(text, allowed))) findings.push(finding(`licence:${said.join(" AND ")}`, "high"));
  }
  return findings.sort((a, b) => (a.package < b.package ? -1 : 1));
}

/** Whether an SPDX expression can be met with allowed licences alone. */
export function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const tokens = /[()]|\b(?:AND|OR|WITH)\b/.test(expression) ? (expression.match(/\(|\)|[^()\s]+/g) ?? []) : [expression.trim()];
  let at = 0;
  const either = (): boolean => {
    let holds = both();
    while (tokens[at] === "OR") {
      at++;
      // Not `||`: the other side must be read even when this one holds.
      holds = both() || holds;
    }
    return holds;
  };
  const both = (): boolean => {
    let holds = one();
    while (tokens[at] === "AND") {
      at++;
      holds = one() && holds;
    }
    return holds;
  };
  const one = (): boolean => {
    if (tokens[at] === "(") {
      at++;
      const holds = either();
      if (tokens[at] !== ")") return false;
      at++;
      return holds;
    }
    const licence = tokens[at++] ?? "";
    if (tokens[at] === "WITH") at += 2;
    return allowed.includes(ALIASES[licence.toLowerCase()] ?? licence);
  };
  const holds = either();
  return holds && at === tokens.length;
}
